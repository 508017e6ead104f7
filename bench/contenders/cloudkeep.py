"""CloudKeep as ``make run`` starts it: supervisor, one API process, one worker, Valkey, SQLite."""

import hashlib
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

from bench.clients.connection import (
    AFTER_FILE,
    BEFORE_FILE,
    FORM_HEADERS,
    Connection,
    RequestFailed,
    Response,
    send_over_connections,
)
from bench.clients.payload import MIB, Chunk, Payload
from bench.clients.user import Slot, User
from bench.contenders.base import Client
from bench.harness.command import ROOT
from bench.harness.server import Launch, Server

PACKAGES = ("cloudkeep", "starlette", "uvicorn", "httptools", "uvloop")
API = "API"
ROLES = {"api": API, "worker": "worker", "serve": "supervisor"}
#: The setting with which the event loop receives every body.
NO_THREADS = {"CLOUDKEEP_BODY_THREADS": "0"}


class CloudKeep:
    """CloudKeep, which hashes chunks as they arrive, and reads and hashes everything again before READY.

    Chunks are sent by raw PUT or, with ``form``, by POST. With ``declares``, the client declares the SHA-256 of the
    whole at the start.
    """

    ingest_role = API
    verifies = "chunks and whole"
    result = "one file, fsynced"

    def __init__(
        self,
        name: str = "CloudKeep",
        settings: Mapping[str, str] | None = None,
        *,
        form: bool = False,
        declares: bool = False,
    ) -> None:
        self.name = name
        self._settings = settings or {}
        self._form = form
        self._declares = declares

    def prepare(self) -> dict[str, str]:
        """Does nothing: everything is installed."""
        return {name: version(name) for name in PACKAGES}

    def launch(self, folder: Path, port: int) -> Launch:
        """The defaults, except for the folder, the port and the measured setting."""
        own = {"CLOUDKEEP_DATA_DIR": str(folder), "CLOUDKEEP_PORT": str(port), "PYTHONPATH": str(ROOT)}
        return Launch([sys.executable, "-m", "cloudkeep", "serve"], {**own, **self._settings}, "/readyz", ROLES)

    def client(self, server: Server) -> Client:
        """A new account."""
        return CloudKeepClient(User.sign_up(server), form=self._form, declares=self._declares)


class CloudKeepClient:
    """Uploads files as one user."""

    def __init__(self, user: User, *, form: bool, declares: bool) -> None:
        self._user = user
        self._put = put_form if form else put_raw
        self._declares = declares
        self._upload = ""
        self._download = ""

    def send(self, payload: Payload) -> None:
        """Four connections take the slots in order, each the next free one."""
        declared = {"sha256": payload.sha256} if self._declares else {}
        upload = self._user.begin(payload.size, max(chunk.size for chunk in payload.chunks), **declared)
        self._upload = upload.id
        send_over_connections(self._user.port, payload.path, zip(payload.chunks, upload.slots, strict=True), self._send)

    def finish(self) -> None:
        """Watch the upload until it is READY."""
        self._download = self._user.wait_until_ready(self._upload)

    def stored_sha256(self) -> str:
        """Download it."""
        digest = hashlib.sha256()
        with self._user.http.stream("GET", self._download) as response:
            for block in response.raise_for_status().iter_bytes(MIB):
                digest.update(block)
        return digest.hexdigest()

    def _send(self, connection: Connection, item: tuple[Chunk, Slot]) -> None:
        chunk, slot = item
        if self._put(connection, slot, chunk.offset).json()["sha256"] != chunk.sha256:
            raise RequestFailed(f"chunk {chunk.index} was received damaged")


def put_raw(connection: Connection, slot: Slot, offset: int, halfway: Callable[[], object] | None = None) -> Response:
    """Send a slot's bytes as a raw PUT. ``halfway`` is called when half of them are sent."""
    return connection.send("PUT", _target(slot), {}, offset, slot.size, halfway=halfway)


def put_form(connection: Connection, slot: Slot, offset: int) -> Response:
    """Send a slot's bytes as multipart/form-data."""
    return connection.send("POST", _target(slot), FORM_HEADERS, offset, slot.size, BEFORE_FILE, AFTER_FILE)


def _target(slot: Slot) -> str:
    parts = urlsplit(slot.url)
    return f"{parts.path}?{parts.query}"
