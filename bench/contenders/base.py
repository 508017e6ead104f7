"""The interface of a measured server."""

from pathlib import Path
from typing import Protocol

from bench.clients.payload import Payload
from bench.harness.server import Launch, Server


class NotAvailable(Exception):
    """A contender cannot be measured on this machine; the text says why."""


class Client(Protocol):
    """Uploads one file to a running server."""

    def send(self, payload: Payload) -> None:
        """Start an upload and send every chunk. Returns at the answer to the last one."""
        ...

    def finish(self) -> None:
        """Return as soon as the file can be used."""
        ...

    def stored_sha256(self) -> str:
        """SHA-256, in hex, of the bytes that the server now has."""
        ...


class Contender(Protocol):
    """A server and its client. ``verifies`` and ``result`` are texts for the table.

    ``ingest_role`` is the role of the processes that receive chunks, if others work beside them; empty for all.
    """

    name: str
    ingest_role: str
    verifies: str
    result: str

    def prepare(self) -> dict[str, str]:
        """Install what is needed; returns names and versions. Raises :class:`NotAvailable`."""
        ...

    def launch(self, folder: Path, port: int) -> Launch:
        """The command that starts the server with its files in ``folder``."""
        ...

    def client(self, server: Server) -> Client:
        """A client, signed in if the server requires it."""
        ...
