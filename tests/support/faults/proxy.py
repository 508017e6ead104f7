"""A proxy between a client and the server, for faults on the wire: every way in which a network can fail.

Faults are planned per connection (:meth:`Proxy.plan`), or done to all of them at once (``cut``, ``hold``).
Nothing is left when the proxy has ended: its tasks are cancelled and awaited, its connections reset.
"""

import asyncio
import contextlib
import ssl
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support.faults.proxied_connection import NONE, Fault, ProxiedConnection, Streams, reset
from tests.support.server import listening_socket


class Proxy:
    """Passes bytes on in both directions. ``cut_at`` and ``hold_at`` count the bytes that clients have sent.

    ``echoes`` are the server's answers to what was sent twice, ``ports`` those from which it was spoken to.
    """

    def __init__(self, target: int, url: str) -> None:
        self.url = url
        self.sent = 0
        self.cut_at: int | None = None
        self.hold_at: int | None = None
        self.holding = asyncio.Event()
        self.released = asyncio.Event()
        self.open = True
        self.refused = asyncio.Event()
        self.echoes: list[bytearray] = []
        self.ports: set[int] = set()
        self._target = target
        self._plan: deque[Fault] = deque()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def planned(self) -> int:
        """The number of pending faults."""
        return len(self._plan)

    def plan(self, *faults: Fault) -> None:
        """The next connections have these faults, one each; those after them have none."""
        self._plan.extend(faults)

    def cut(self) -> None:
        """Reset every connection."""
        for writer in self._writers:
            reset(writer)

    async def refuses(self, count: int) -> None:
        """Return when so many more were refused. A pool of connections asks as well, when it has lost one."""
        for _ in range(count):
            self.refused.clear()
            await self.refused.wait()

    def begin_to_hold(self, after: int) -> None:
        """Let clients send this many more bytes, and nothing more until ``released`` is set."""
        self.holding.clear()
        self.released.clear()
        self.hold_at = self.sent + after

    def release(self) -> None:
        """Pass everything again."""
        self.hold_at = None
        self.released.set()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection, on a task of our own: one of asyncio's would complain when it is cancelled."""
        self.keep(asyncio.ensure_future(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.open:
            self.refused.set()
            writer.transport.abort()
            return
        fault = self._plan.popleft() if self._plan else NONE
        with contextlib.suppress(OSError):
            async with self.connected(writer), self.to_server() as server:
                await ProxiedConnection(self, fault, (reader, writer), server).run()

    def keep(self, task: "asyncio.Task[None]") -> None:
        """A task that the proxy takes with it."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def count(self, size: int) -> None:
        """A client has sent so many bytes."""
        self.sent += size
        if self.cut_at is not None and self.sent >= self.cut_at:
            self.cut_at = None
            self.cut()
        if self.hold_at is not None and self.sent >= self.hold_at:
            self.holding.set()
            await self.released.wait()

    async def close(self) -> None:
        """End every connection, whatever it waits for."""
        self.release()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @asynccontextmanager
    async def to_server(self) -> AsyncIterator[Streams]:
        """A connection of the proxy."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._target)
        self.ports.add(writer.get_extra_info("sockname")[1])
        async with self.connected(writer):
            yield reader, writer

    @asynccontextmanager
    async def connected(self, writer: asyncio.StreamWriter) -> AsyncIterator[None]:
        """Reset the connection at the end of the block, unless it was closed."""
        self._writers.add(writer)
        try:
            yield
        finally:
            self._writers.discard(writer)
            if not writer.transport.is_closing():
                writer.transport.abort()


@asynccontextmanager
async def proxy(target: int, tls: ssl.SSLContext | None = None) -> AsyncIterator[Proxy]:
    """A proxy to a port of this machine."""
    with listening_socket() as listener:
        port = listener.getsockname()[1]
        running = Proxy(target, f"https://localhost:{port}" if tls else f"http://127.0.0.1:{port}")
        server = await asyncio.start_server(running.accept, sock=listener, ssl=tls)
        try:
            yield running
        finally:
            server.close()
            await running.close()
