"""A user of a CloudKeep server: the GraphQL side of every measurement."""

import json
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx
from httpx_sse import EventSource

from bench.clients.connection import RequestFailed
from bench.harness.server import Server

#: Seconds between two reads of the log, and until a request has failed.
POLL_SECONDS = 0.02
TIMEOUT = 300.0

REGISTER = """mutation ($input: RegisterInput!) {
  register(input: $input) { registration { id } userErrors { message } } }"""
VERIFY = """mutation ($input: VerifyOtpInput!) {
  verifyOtp(input: $input) { session { accessToken } userErrors { message } } }"""
INIT = """mutation ($input: InitUploadInput!) {
  initUpload(input: $input) { upload { id } userErrors { message } } }"""
SLOTS = """query ($id: ID!, $after: String) {
  upload(id: $id) { slots(first: 1000, after: $after) {
    nodes { url offset size } pageInfo { hasNextPage endCursor } } } }"""
ABORT = "mutation ($id: ID!) { abortUpload(input: {uploadId: $id}) { userErrors { message } } }"
WATCH = "subscription ($id: ID!) { uploadProgress(uploadId: $id) { stage } }"
UPLOAD = "query ($id: ID!) { upload(id: $id) { status error { message } file { download { url } } } }"


@dataclass(frozen=True)
class Slot:
    """The place of a chunk; ``offset`` and ``size`` in bytes."""

    url: str
    offset: int
    size: int


@dataclass(frozen=True)
class OpenedUpload:
    """An open upload and all its slots, in order."""

    id: str
    slots: tuple[Slot, ...]


class User:
    """A user who is signed in on a server."""

    def __init__(self, port: int, token: str) -> None:
        self.port = port
        self.token = token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=TIMEOUT, headers=headers)

    @classmethod
    def sign_up(cls, server: Server) -> Self:
        """A new account. The server prints the mailed code."""
        email, secret, anonymous = "bench@example.org", "correct horse battery", cls(server.port, "")
        person = {"userId": "bench", "userName": "Bench", "email": email, "password": secret}
        registration = anonymous.execute(REGISTER, input=person)["registration"]
        code = {"registrationId": registration["id"], "otp": _mailed_code(server.log)}
        answer = anonymous.execute(VERIFY, input=code)
        return cls(server.port, str(answer["session"]["accessToken"]))

    def begin(self, size: int, chunk_size: int, **more: object) -> OpenedUpload:
        """Start an upload of ``size`` bytes."""
        fields = {"fileName": "bench.bin", "size": size, "chunkSize": chunk_size, **more}
        upload_id = self.execute(INIT, input=fields)["upload"]["id"]
        slots: list[Slot] = []
        page: dict[str, Any] = {"hasNextPage": True, "endCursor": None}
        while page["hasNextPage"]:
            connection = self.execute(SLOTS, id=upload_id, after=page["endCursor"])["slots"]
            slots += (Slot(**node) for node in connection["nodes"])
            page = connection["pageInfo"]
        return OpenedUpload(upload_id, tuple(slots))

    def abort(self, upload_id: str) -> None:
        """Abort an upload."""
        self.execute(ABORT, id=upload_id)

    def wait_until_ready(self, upload_id: str) -> str:
        """Follow the upload's progress to its end; the URL of the file. Raises :class:`RequestFailed`."""
        body = {"query": WATCH, "variables": {"id": upload_id}}
        with self.http.stream("POST", "/graphql", json=body, headers={"Accept": "text/event-stream"}) as response:
            for event in EventSource(response).iter_sse():
                if event.event == "next" and _stage(event.data) in {"READY", "FAILED"}:
                    break
        upload = self.execute(UPLOAD, id=upload_id)
        if upload["status"] != "READY":
            raise RequestFailed(str(upload))
        return str(upload["file"]["download"]["url"])

    def execute(self, document: str, **variables: object) -> Any:
        """The value of an operation's only field. Raises :class:`RequestFailed` on any error in the response."""
        response = self.http.post("/graphql", json={"query": document, "variables": variables}).json()
        if "errors" in response:
            raise RequestFailed(str(response["errors"]))
        (value,) = response["data"].values()
        if value.get("userErrors"):
            raise RequestFailed(str(value["userErrors"]))
        return value


def _stage(data: str) -> str:
    answer = json.loads(data)
    if "errors" in answer:
        raise RequestFailed(str(answer["errors"]))
    return str(answer["data"]["uploadProgress"]["stage"])


def _mailed_code(log: Path) -> str:
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        if match := re.search(r"^ +(\d{6})\s*$", log.read_text(errors="replace"), re.MULTILINE):
            return match[1]
        time.sleep(POLL_SECONDS)
    raise RequestFailed("no code was printed")
