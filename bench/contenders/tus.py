"""Servers of the tus protocol: four uploads at once, each a quarter of the file, in one PATCH for every chunk."""

from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from bench.clients.connection import CONNECTIONS, Connection, run_on_connections
from bench.clients.payload import Chunk, Payload, sha256_of
from bench.contenders.base import Client
from bench.contenders.installation import node_with_tus, python_with_servers, uvicorn
from bench.harness.server import Launch, Server

TUS = {"Tus-Resumable": "1.0.0"}
PATCH = {**TUS, "Content-Type": "application/offset+octet-stream"}


class TusPy:
    """PyPI's tuspyserver: the quarters are partial uploads, joined by the concatenation extension."""

    name = "tuspyserver"
    ingest_role = ""
    verifies = "no"
    result = "one file"

    def prepare(self) -> dict[str, str]:
        """Install it. Raises :class:`NotAvailable`."""
        versions = python_with_servers().versions
        return {
            name: versions[name] for name in ("tuspyserver", "fastapi", "starlette", "uvicorn", "httptools", "uvloop")
        }

    def launch(self, folder: Path, port: int) -> Launch:
        """One process of uvicorn."""
        return uvicorn("tuspy:app", folder, port)

    def client(self, server: Server) -> Client:
        """Does nothing: this server has no accounts."""
        return TusClient(server, concatenates=True)


class TusNode:
    """npm's @tus/server. Its file store cannot concatenate, so the quarters stay four files."""

    name = "@tus/server"
    ingest_role = ""
    verifies = "no"
    result = "four files"

    def prepare(self) -> dict[str, str]:
        """Install it. Raises :class:`NotAvailable`."""
        return node_with_tus().versions

    def launch(self, folder: Path, port: int) -> Launch:
        """One process of Node."""
        installed = node_with_tus()
        environment = {"BENCH_FOLDER": str(folder), "BENCH_PORT": str(port)}
        return Launch([installed.program, str(installed.folder / "server.js")], environment)

    def client(self, server: Server) -> Client:
        """Does nothing: this server has no accounts."""
        return TusClient(server, concatenates=False)


class TusClient:
    """Uploads one file."""

    def __init__(self, server: Server, *, concatenates: bool) -> None:
        self._server = server
        self._concatenates = concatenates
        self._path = Path()
        self._parts: dict[int, str] = {}
        self._stored: list[str] = []

    def send(self, payload: Payload) -> None:
        """Each of four connections creates the upload of its quarter and sends it chunk by chunk."""
        self._path = payload.path
        self._parts.clear()
        workers = [
            partial(self._send_quarter, number, chunks) for number, chunks in enumerate(_quarters(payload.chunks))
        ]
        run_on_connections(self._server.port, payload.path, workers)
        self._stored = [self._parts[number] for number in range(len(workers))]

    def finish(self) -> None:
        """Have the quarters joined, if the server can."""
        if not self._concatenates:
            return
        final = {**TUS, "Upload-Concat": "final;" + " ".join(self._stored)}
        with Connection(self._server.port, self._path) as connection:
            self._stored = [_location(connection.request("POST", "/files", final).headers["location"])]

    def stored_sha256(self) -> str:
        """Read the file, or the files one after another."""
        return sha256_of(self._server.folder / target.rsplit("/", 1)[1] for target in self._stored)

    def _send_quarter(self, number: int, chunks: tuple[Chunk, ...], connection: Connection) -> None:
        new = {**TUS, "Upload-Length": str(sum(chunk.size for chunk in chunks))}
        if self._concatenates:
            new["Upload-Concat"] = "partial"
        target = _location(connection.request("POST", "/files", new).headers["location"])
        self._parts[number] = target
        for chunk in chunks:
            offset = str(chunk.offset - chunks[0].offset)
            connection.send("PATCH", target, {**PATCH, "Upload-Offset": offset}, chunk.offset, chunk.size)


def _quarters(chunks: tuple[Chunk, ...]) -> list[tuple[Chunk, ...]]:
    """Four runs of neighbouring chunks, as even as possible; fewer if there are fewer chunks."""
    step = -(-len(chunks) // CONNECTIONS)
    return [chunks[start : start + step] for start in range(0, len(chunks), step)]


def _location(url: str) -> str:
    return urlsplit(url).path
