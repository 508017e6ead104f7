"""Somebody with an account on a CloudKeep server: the GraphQL side of every measurement."""

import json
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx
from httpx_sse import EventSource

from bench.clients.wire import WireError
from bench.harness.server import Server

#: Seconds between two looks into the log, and until a server is given up.
LOOK = 0.02
PATIENCE = 300.0

REGISTER = "mutation ($input: RegisterInput!) { register(input: $input) { userErrors { message } } }"
VERIFY = """mutation ($input: VerifyOtpInput!) {
  verifyOtp(input: $input) { session { accessToken } userErrors { message } } }"""
INIT = """mutation ($input: InitUploadInput!) {
  initUpload(input: $input) { upload { id } userErrors { message } } }"""
SLOTS = """query ($id: ID!, $after: String) {
  upload(id: $id) { slots(first: 1000, after: $after) {
    nodes { url offset size } pageInfo { hasNextPage endCursor } } } }"""
ABORT = "mutation ($id: ID!) { abortUpload(uploadId: $id) { userErrors { message } } }"
WATCH = "subscription ($id: ID!) { uploadProgress(uploadId: $id) { stage } }"
LOOK_AT = "query ($id: ID!) { upload(id: $id) { status error { message } file { downloadUrl } } }"


@dataclass(frozen=True)
class Slot:
    """Where a chunk goes; ``offset`` and ``size`` in bytes."""

    url: str
    offset: int
    size: int


@dataclass(frozen=True)
class Begun:
    """An upload that was begun, with all its slots in order."""

    id: str
    slots: tuple[Slot, ...]


class Person:
    """Signed in on a server."""

    def __init__(self, port: int, token: str) -> None:
        self.port = port
        self.token = token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE, headers=headers)

    @classmethod
    def sign_up(cls, server: Server) -> Self:
        """A new account. The code that the server mails is in what it prints."""
        email, secret, nobody = "bench@example.org", "correct horse battery", cls(server.port, "")
        nobody.ask(REGISTER, input={"userId": "bench", "userName": "Bench", "email": email, "password": secret})
        answer = nobody.ask(VERIFY, input={"email": email, "otp": _mailed_code(server.log)})
        return cls(server.port, str(answer["session"]["accessToken"]))

    def begin(self, size: int, chunk_size: int, **more: object) -> Begun:
        """Begin an upload of so many bytes."""
        given = {"fileName": "bench.bin", "size": size, "chunkSize": chunk_size, **more}
        upload_id = self.ask(INIT, input=given)["upload"]["id"]
        slots: list[Slot] = []
        page: dict[str, Any] = {"hasNextPage": True, "endCursor": None}
        while page["hasNextPage"]:
            found = self.ask(SLOTS, id=upload_id, after=page["endCursor"])["slots"]
            slots += (Slot(**node) for node in found["nodes"])
            page = found["pageInfo"]
        return Begun(upload_id, tuple(slots))

    def abort(self, upload_id: str) -> None:
        """Give an upload up."""
        self.ask(ABORT, id=upload_id)

    def wait_until_ready(self, upload_id: str) -> str:
        """Follow the upload's progress to its end; the URL of the file. Raises :class:`WireError`."""
        body = {"query": WATCH, "variables": {"id": upload_id}}
        with self.http.stream("POST", "/graphql", json=body, headers={"Accept": "text/event-stream"}) as response:
            for event in EventSource(response).iter_sse():
                if event.event == "next" and _stage(event.data) in {"READY", "FAILED"}:
                    break
        upload = self.ask(LOOK_AT, id=upload_id)
        if upload["status"] != "READY":
            raise WireError(str(upload))
        return str(upload["file"]["downloadUrl"])

    def ask(self, document: str, **variables: object) -> Any:
        """The value of an operation's only field. Raises :class:`WireError` on any error in the answer."""
        answer = self.http.post("/graphql", json={"query": document, "variables": variables}).json()
        if "errors" in answer:
            raise WireError(str(answer["errors"]))
        (value,) = answer["data"].values()
        if value.get("userErrors"):
            raise WireError(str(value["userErrors"]))
        return value


def _stage(data: str) -> str:
    answer = json.loads(data)
    if "errors" in answer:
        raise WireError(str(answer["errors"]))
    return str(answer["data"]["uploadProgress"]["stage"])


def _mailed_code(log: Path) -> str:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := re.search(r"^ +(\d{6})\s*$", log.read_text(errors="replace"), re.MULTILINE):
            return found[1]
        time.sleep(LOOK)
    raise WireError("no code was printed")
