"""A link to the server that stops passing bytes."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator

BLOCK = 64 * 1024


class StallingLink:
    """Passes bytes on in both directions and counts those that clients ``sent``."""

    def __init__(self, port: int) -> None:
        self.sent = 0
        self._port = port
        self._limit: int | None = None
        self._alive = asyncio.Event()
        self._alive.set()
        self._is_open = True
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def is_dead(self) -> bool:
        """Whether a sender has more bytes than may pass."""
        return not self._alive.is_set()

    def die_after(self, count: int) -> None:
        """Pass about ``count`` bytes from clients, and then nothing."""
        self._limit = self.sent + count

    async def refuse(self) -> None:
        """Reset every connection, and each new one, as if no server was there."""
        self._is_open = False
        await self._reset()

    async def revive(self) -> None:
        """Reset every connection, as the system of a vanished client does, and pass new ones."""
        await self._reset()
        self._limit = None
        self._alive.set()
        self._is_open = True

    def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until either side ends it."""
        if not self._is_open:
            writer.transport.abort()
            return
        connection = asyncio.create_task(self._connect(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _reset(self) -> None:
        for connection in self._connections:
            connection.cancel()
        while self._connections:
            await asyncio.wait(self._connections)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._port)
        ways = {
            asyncio.create_task(self._carry(reader, up_writer, counted=True)),
            asyncio.create_task(self._carry(up_reader, writer, counted=False)),
        }
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            for end in (up_writer, writer):
                end.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, counted: bool) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(BLOCK):
                if counted:
                    await self._pass(len(data))
                writer.write(data)
                await writer.drain()

    async def _pass(self, count: int) -> None:
        if self._limit is not None and self.sent + count > self._limit:
            self._alive.clear()
        await self._alive.wait()
        self.sent += count


@contextlib.asynccontextmanager
async def stalling_link(
    port: int, listener: socket.socket, tls: ssl.SSLContext | None = None
) -> AsyncIterator[StallingLink]:
    """A link from the listener to ``port`` on this machine. With ``tls``, clients connect by TLS."""
    link = StallingLink(port)
    server = await asyncio.start_server(link.connect, sock=listener.dup(), ssl=tls)
    try:
        yield link
    finally:
        server.close()
        await link.revive()
