"""A gateway between a client and the server, for faults on the wire: it cuts, holds back and shuts down."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support.server import listening_socket

BLOCK = 16 * 1024


class Gateway:
    """Passes bytes on in both directions. ``cut_at`` and ``hold_at`` count the bytes that clients have sent."""

    def __init__(self, target: int, url: str) -> None:
        self.url = url
        self.sent = 0
        self.cut_at: int | None = None
        self.hold_at: int | None = None
        self.holding = asyncio.Event()
        self.released = asyncio.Event()
        self.open = True
        self.refused = asyncio.Event()
        self._target = target
        self._writers: set[asyncio.StreamWriter] = set()

    def cut(self) -> None:
        """Reset every connection."""
        for writer in self._writers:
            writer.transport.abort()

    def begin_to_hold(self, after: int) -> None:
        """Let clients send this many more bytes, and nothing more until ``released`` is set."""
        self.holding.clear()
        self.released.clear()
        self.hold_at = self.sent + after

    def release(self) -> None:
        """Let everything through again."""
        self.hold_at = None
        self.released.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        if not self.open:
            self.refused.set()
            writer.transport.abort()
            return
        with contextlib.suppress(OSError):
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._target)
            both = {writer, server_writer}
            self._writers |= both
            try:
                await self._pass(reader, writer, server_reader, server_writer)
            finally:
                self._writers -= both
                for one in both:
                    one.transport.abort()

    async def _pass(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        server_reader: asyncio.StreamReader,
        server_writer: asyncio.StreamWriter,
    ) -> None:
        ways = {
            asyncio.ensure_future(self._pump(reader, server_writer, counted=True)),
            asyncio.ensure_future(self._pump(server_reader, writer, counted=False)),
        }
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, counted: bool) -> None:
        while data := await reader.read(BLOCK):
            if counted:
                await self._count(len(data))
            writer.write(data)
            await writer.drain()

    async def _count(self, size: int) -> None:
        self.sent += size
        if self.cut_at is not None and self.sent >= self.cut_at:
            self.cut_at = None
            self.cut()
        if self.hold_at is not None and self.sent >= self.hold_at:
            self.holding.set()
            await self.released.wait()


@asynccontextmanager
async def gateway(target: int, tls: ssl.SSLContext | None = None) -> AsyncIterator[Gateway]:
    """A gateway to a port of this machine."""
    with listening_socket() as listener:
        port = listener.getsockname()[1]
        running = Gateway(target, f"https://localhost:{port}" if tls else f"http://127.0.0.1:{port}")
        server = await asyncio.start_server(running.serve, sock=listener, ssl=tls)
        try:
            yield running
        finally:
            server.close()
            running.release()
            running.cut()
