"""A small load balancer: each connection goes to the next server that accepts it."""

import asyncio
import contextlib
import itertools
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from tests.support.server import listening_socket

BLOCK = 256 * 1024
#: Seconds for which a connection is retried while no server accepts it.
PATIENCE_SECONDS = 20.0
PAUSE_SECONDS = 0.1


class Balancer:
    """Carries connections to the ports, in turns. It does not parse HTTP."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._turns = itertools.cycle(ports)
        self._count = len(ports)
        self._connections: set[asyncio.Task[None]] = set()

    def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until either side ends it."""
        connection = asyncio.ensure_future(self._carry(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def close(self) -> None:
        """End every connection."""
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            server_reader, server_writer = await self._server()
        except OSError:
            writer.transport.abort()
            return
        ways = {
            asyncio.ensure_future(_pass_on(reader, server_writer)),
            asyncio.ensure_future(_pass_on(server_reader, writer)),
        }
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for end in (server_writer, writer):
                end.close()

    async def _server(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                for _ in range(self._count):
                    with contextlib.suppress(OSError):
                        return await asyncio.open_connection("127.0.0.1", next(self._turns), limit=BLOCK)
                await asyncio.sleep(PAUSE_SECONDS)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(BLOCK):
            writer.write(data)
            await writer.drain()


@asynccontextmanager
async def balancing(ports: Sequence[int], listener: socket.socket | None = None) -> AsyncIterator[str]:
    """The URL of a balancer before these ports."""
    with listener or listening_socket() as own:
        balancer = Balancer(ports)
        server = await asyncio.start_server(balancer.connect, sock=own, limit=BLOCK)
        try:
            yield f"http://127.0.0.1:{own.getsockname()[1]}"
        finally:
            server.close()
            await balancer.close()
