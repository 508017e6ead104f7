"""The reference: ``bench/servers/limit.c``, which only receives, hashes and writes."""

from pathlib import Path
from urllib.parse import urlencode

from bench.clients.connection import Connection, RequestFailed, send_over_connections
from bench.clients.payload import Chunk, Payload, sha256_of
from bench.contenders.base import Client
from bench.contenders.installation import c_program, check_run
from bench.harness.server import Launch, Server

FILE = "upload"


class Limit:
    """Receives chunks by raw PUT, and hashes them as they arrive."""

    name = "C limit"
    ingest_role = ""
    verifies = "chunks"
    result = "one file"

    def prepare(self) -> dict[str, str]:
        """Compile the server, and check that it finds a SHA-256. Raises :class:`NotAvailable`."""
        check_run(_program())
        return {"threads": "16"}

    def launch(self, folder: Path, port: int) -> Launch:
        """One process, a thread for every connection."""
        return Launch([str(_program()), str(port)])

    def client(self, server: Server) -> Client:
        """Does nothing: this server has no accounts."""
        return LimitClient(server)


class LimitClient:
    """Uploads one file."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def send(self, payload: Payload) -> None:
        """Four connections take the chunks in order, each the next free one."""
        with Connection(self._server.port, payload.path) as connection:
            connection.request("POST", f"/{FILE}?{urlencode({'size': payload.size})}", {})
        send_over_connections(self._server.port, payload.path, payload.chunks, _put)

    def finish(self) -> None:
        """Does nothing: the file is complete after the last chunk."""

    def stored_sha256(self) -> str:
        """Read the file."""
        return sha256_of([self._server.folder / FILE])


def _program() -> Path:
    return c_program("limit", "-pthread", "-ldl")


def _put(connection: Connection, chunk: Chunk) -> None:
    answer = connection.send("PUT", f"/{FILE}?offset={chunk.offset}", {}, chunk.offset, chunk.size)
    if answer.body.decode() != chunk.sha256:
        raise RequestFailed(f"chunk {chunk.index} was received damaged")
