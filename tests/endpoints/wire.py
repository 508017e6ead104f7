"""HTTP/1.1 by hand, for requests that no client library sends."""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

BOUNDARY = "----a-boundary"
FORM_TYPE = f"multipart/form-data; boundary={BOUNDARY}"


@dataclass(frozen=True)
class Answer:
    """A response; the names of headers in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Wire:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        """Send bytes unchanged."""
        self._writer.write(data)
        await self._writer.drain()

    async def answer(self) -> Answer:
        """The next response, an interim one without a body included."""
        async with asyncio.timeout(15):
            status, headers = await self.head()
            body = await self.exactly(int(headers.get("content-length", "0")))
        return Answer(status, headers, body)

    async def head(self) -> tuple[int, dict[str, str]]:
        """The status and the headers of the next response, whose body is not read."""
        async with asyncio.timeout(15):
            lines = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        return int(lines[0].split()[1]), headers

    async def exactly(self, size: int) -> bytes:
        """The next bytes, so many of them."""
        async with asyncio.timeout(15):
            return await self._reader.readexactly(size)

    async def ended(self) -> bool:
        """Whether the server closes the connection without another byte."""
        async with asyncio.timeout(15):
            return await self._reader.read(1) == b""

    async def closed(self) -> bool:
        """Whether the server closes the connection in any way."""
        try:
            return await self.ended()
        except OSError:
            return True

    def end(self) -> None:
        """Close the sending direction only."""
        self._writer.write_eof()

    def reset(self) -> None:
        """Close with a RST, as the system of a crashed client does."""
        sock: socket.socket = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    def close(self) -> None:
        """Close the connection."""
        self._writer.close()


@asynccontextmanager
async def connect(url: str) -> AsyncIterator[Wire]:
    """A connection to the server of this URL."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        yield Wire(reader, writer)
    finally:
        writer.close()


def head(method: str, url: str, **headers: object) -> bytes:
    """A request's head; underscores in header names become dashes."""
    parts = urlsplit(url)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    lines = [f"{method} {target} HTTP/1.1", f"Host: {parts.netloc}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def field(name: str, value: bytes, file_name: str | None = None) -> bytes:
    """One part of a form, with the boundary before it."""
    disposition = f'form-data; name="{name}"' + (f'; filename="{file_name}"' if file_name else "")
    return f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\n\r\n".encode() + value + b"\r\n"


def form(*parts: bytes) -> bytes:
    """A whole form of these parts."""
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


async def in_pieces(body: bytes, size: int = 10_000) -> AsyncIterator[bytes]:
    """A body of unknown length, in chunked transfer coding."""
    for start in range(0, len(body), size):
        yield body[start : start + size]
