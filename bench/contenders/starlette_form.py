"""The usual way in Starlette, ``bench/servers/starlette_form.py``, under uvicorn with one process."""

from pathlib import Path

from bench.clients.connection import (
    AFTER_FILE,
    BEFORE_FILE,
    FORM_HEADERS,
    Connection,
    RequestFailed,
    send_over_connections,
)
from bench.clients.payload import Chunk, Payload, sha256_of
from bench.contenders.base import Client
from bench.contenders.installation import python_with_servers, uvicorn
from bench.harness.server import Launch, Server


class StarletteForm:
    """Receives chunks as forms, hashes each when it is complete, and joins them at a last request."""

    name = "Starlette request.form()"
    ingest_role = ""
    verifies = "chunks"
    result = "one file"

    def prepare(self) -> dict[str, str]:
        """Install it. Raises :class:`NotAvailable`."""
        versions = python_with_servers().versions
        return {name: versions[name] for name in ("starlette", "python-multipart", "uvicorn", "httptools", "uvloop")}

    def launch(self, folder: Path, port: int) -> Launch:
        """One process of uvicorn."""
        return uvicorn("starlette_form:app", folder, port)

    def client(self, server: Server) -> Client:
        """Does nothing: this server has no accounts."""
        return FormClient(server)


class FormClient:
    """Uploads one file."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._upload = ""
        self._path = Path()

    def send(self, payload: Payload) -> None:
        """Four connections take the chunks in order, each the next free one."""
        self._path = payload.path
        with Connection(self._server.port, payload.path) as connection:
            self._upload = connection.request("POST", "/uploads", {}).json()["id"]
        send_over_connections(self._server.port, payload.path, payload.chunks, self._post)

    def finish(self) -> None:
        """Have the chunks joined."""
        with Connection(self._server.port, self._path) as connection:
            connection.request("POST", f"/uploads/{self._upload}/complete", {})

    def stored_sha256(self) -> str:
        """Read the file."""
        return sha256_of([self._server.folder / f"{self._upload}.file"])

    def _post(self, connection: Connection, chunk: Chunk) -> None:
        target = f"/uploads/{self._upload}/chunks/{chunk.index}"
        answer = connection.send("POST", target, FORM_HEADERS, chunk.offset, chunk.size, BEFORE_FILE, AFTER_FILE)
        if answer.json()["sha256"] != chunk.sha256:
            raise RequestFailed(f"chunk {chunk.index} was received damaged")
