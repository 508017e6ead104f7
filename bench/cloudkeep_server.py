"""CloudKeep as ``make run`` starts it: supervisor, one API process, one worker, Valkey, SQLite."""

import hashlib
import re
import sys
import time
from collections import deque
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from bench.contender import Client
from bench.payload import MIB, Chunk, Payload
from bench.server import Launch, Server
from bench.wire import LANES, Connection, WireError, in_lanes

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("cloudkeep", "starlette", "uvicorn", "httptools", "uvloop")
#: Seconds between two looks at an upload, and until it is given up.
LOOK = 0.02
PATIENCE = 120.0

REGISTER = "mutation ($input: RegisterInput!) { register(input: $input) { userErrors { message } } }"
VERIFY = """mutation ($input: VerifyOtpInput!) {
  verifyOtp(input: $input) { session { accessToken } userErrors { message } } }"""
INIT = """mutation ($input: InitUploadInput!) {
  initUpload(input: $input) { upload { id slots(first: 1000) { nodes { url } } } userErrors { message } } }"""
LOOK_AT = "query ($id: ID!) { upload(id: $id) { status error { message } file { downloadUrl } } }"


class CloudKeep:
    """Chunks by raw PUT to signed URLs; each is hashed as it comes in, and read and hashed again before READY."""

    name = "CloudKeep"
    verifies = "chunks and whole"
    result = "one file, fsynced"

    def prepare(self) -> dict[str, str]:
        """Everything is there already."""
        return {name: version(name) for name in PACKAGES}

    def launch(self, folder: Path, port: int) -> Launch:
        """The defaults, but for the folder and the port."""
        environment = {"CLOUDKEEP_DATA_DIR": str(folder), "CLOUDKEEP_PORT": str(port), "PYTHONPATH": str(ROOT)}
        return Launch([sys.executable, "-m", "cloudkeep", "serve"], environment, "/readyz")

    def client(self, server: Server) -> Client:
        """A new account."""
        http = httpx.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=30)
        http.headers["Authorization"] = f"Bearer {_sign_up(http, server)}"
        return CloudKeepClient(http, server.port)


class CloudKeepClient:
    """One person."""

    def __init__(self, http: httpx.Client, port: int) -> None:
        self._http = http
        self._port = port
        self._upload = ""
        self._download = ""

    def send(self, payload: Payload) -> None:
        """Four connections take the slots in order, each the next one that nobody has taken."""
        given = {"fileName": "bench.bin", "size": payload.size, "chunkSize": max(c.size for c in payload.chunks)}
        upload = _ask(self._http, INIT, input=given)["upload"]
        self._upload = upload["id"]
        urls = [slot["url"] for slot in upload["slots"]["nodes"]]
        waiting = deque(zip(payload.chunks, urls, strict=True))

        def lane(connection: Connection) -> None:
            while waiting:
                try:
                    chunk, url = waiting.popleft()
                except IndexError:
                    return
                _put(connection, chunk, url)

        in_lanes(self._port, payload.path, [lane] * LANES)

    def finish(self) -> None:
        """Look until the upload is READY."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            upload = _ask(self._http, LOOK_AT, id=self._upload)
            if upload["status"] == "READY":
                self._download = upload["file"]["downloadUrl"]
                return
            if upload["error"]:
                raise WireError(str(upload["error"]))
            time.sleep(LOOK)
        raise WireError(f"not READY after {PATIENCE} s")

    def stored_sha256(self) -> str:
        """Download it."""
        digest = hashlib.sha256()
        with self._http.stream("GET", self._download) as response:
            for block in response.raise_for_status().iter_bytes(MIB):
                digest.update(block)
        return digest.hexdigest()


def _put(connection: Connection, chunk: Chunk, url: str) -> None:
    parts = urlsplit(url)
    answer = connection.send("PUT", f"{parts.path}?{parts.query}", {}, chunk.offset, chunk.size)
    if answer.json()["sha256"] != chunk.sha256:
        raise WireError(f"chunk {chunk.index} was received damaged")


def _sign_up(http: httpx.Client, server: Server) -> str:
    email, secret = "bench@example.org", "correct horse battery"
    _ask(http, REGISTER, input={"userId": "bench", "userName": "Bench", "email": email, "password": secret})
    answer = _ask(http, VERIFY, input={"email": email, "otp": _mailed_code(server.log)})
    return str(answer["session"]["accessToken"])


def _mailed_code(log: Path) -> str:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := re.search(r"^ +(\d{6})\s*$", log.read_text(errors="replace"), re.MULTILINE):
            return found[1]
        time.sleep(LOOK)
    raise WireError("no code was printed")


def _ask(http: httpx.Client, document: str, **variables: object) -> Any:
    answer = http.post("/graphql", json={"query": document, "variables": variables}).json()
    if "errors" in answer:
        raise WireError(str(answer["errors"]))
    (value,) = answer["data"].values()
    if value.get("userErrors"):
        raise WireError(str(value["userErrors"]))
    return value
