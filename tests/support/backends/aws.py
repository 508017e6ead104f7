"""SeaweedFS made to look like AWS: TLS, buckets in host names, a region of its own. Only DNS is not the real one."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import trustme

from tests.support.backends.s3 import REGION, REGIONAL
from tests.support.server import listening_socket

BLOCK = 256 * 1024


@dataclass
class Aws:
    """The server for all of amazonaws.com. ``hosts`` are the names in requests."""

    server: tuple[str, int]
    hosts: set[str] = field(default_factory=set)

    def url(self, place: str, region: str = REGION) -> str:
        """A bucket at AWS."""
        return f"s3://{place}?region={region}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one connection on, without TLS."""
        with contextlib.suppress(OSError):
            answers, requests = await asyncio.open_connection(*self.server)
            await asyncio.gather(self._pass(reader, requests, self._note), self._pass(answers, writer, lambda _: None))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, look: Any) -> None:
        with contextlib.suppress(OSError):
            while block := await reader.read(BLOCK):
                look(block)
                writer.write(block)
                await writer.drain()
        writer.close()

    def _note(self, block: bytes) -> None:
        for line in block.split(b"\r\n")[1:4]:
            if line.lower().startswith(b"host: "):
                self.hosts.add(line[6:].decode())


@asynccontextmanager
async def aws(endpoint: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Aws]:
    """Have amazonaws.com lead to this server for the block, with a certificate that this process trusts."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(REGIONAL, f"*.{REGIONAL}").configure_cert(context)
    bundle = folder / "authority.pem"
    authority.cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
    parts = urlsplit(endpoint)
    with listening_socket() as listener:
        running = Aws((str(parts.hostname), int(parts.port or 80)))
        _lead(monkeypatch, listener.getsockname()[:2])
        server = await asyncio.start_server(running.serve, sock=listener, ssl=context)
        try:
            yield running
        finally:
            server.close()


def _lead(monkeypatch: pytest.MonkeyPatch, address: tuple[str, int]) -> None:
    ask = socket.getaddrinfo

    def answer(host: Any, port: Any, *arguments: Any, **more: Any) -> Any:
        if str(host).endswith(".amazonaws.com"):
            return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", address)]
        return ask(host, port, *arguments, **more)

    monkeypatch.setattr(socket, "getaddrinfo", answer)
