"""The tools of every attack: connections from the attacker's addresses, at a limited rate, for a limited time."""

import asyncio
import contextlib
import itertools
import socket
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from bench.attacks.peer import Peer, PeerClosed
from bench.attacks.target import ATTACKER_BEHIND_PROXY, SOURCES, Target

#: Seconds after which a refused or closed connection of a crowd is opened again.
REOPEN_SECONDS = 1.0
#: Seconds to wait for a connection.
CONNECT_SECONDS = 10.0
#: The share of a second's bytes that may be sent at once.
BURST = 0.05


class Throttle:
    """Limits bytes a second over all connections."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._free_at = 0.0

    async def take(self, count: int) -> None:
        """Wait until this many bytes may be sent."""
        now = asyncio.get_running_loop().time()
        self._free_at = max(self._free_at, now - BURST) + count / self._rate
        await asyncio.sleep(max(0.0, self._free_at - now))


class Attacker:
    """Opens connections, and counts how they end. ``sent`` is in bytes."""

    def __init__(self, target: Target, started: Callable[[], object] = lambda: None) -> None:
        self.target = target
        #: An attack that has to prepare something calls it once that is done.
        self.started = started
        self.outcomes: Counter[str] = Counter()
        self.sent = 0
        self._throttle = Throttle(target.rate)
        self._spoofed = itertools.count()
        self._sources = itertools.cycle(SOURCES[target.source])

    async def run(self, attack: Callable[["Attacker"], Awaitable[None]]) -> None:
        """Run an attack until the time is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.target.seconds):
                await attack(self)

    @asynccontextmanager
    async def connect(self, *, reads: bool = True) -> AsyncIterator[Peer]:
        """A connection, whose outcome is counted when the block ends. With ``reads``, everything is read.

        A connection that cannot be made counts as ``refused``, and raises :class:`PeerClosed`.
        """
        sock = socket.socket()
        sock.setblocking(False)
        if not reads:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer = Peer(sock, self._take)
        try:
            sock.bind((next(self._sources), 0))
            async with asyncio.timeout(CONNECT_SECONDS):
                await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self.target.port))
        except (OSError, TimeoutError) as error:
            sock.close()
            self.outcomes["refused"] += 1
            raise PeerClosed from error
        if reads:
            peer.watch()
        try:
            yield peer
        finally:
            self.outcomes[peer.outcome] += 1
            peer.close()

    def head(self, method: str, path: str, *fields: str, end: str = "\r\n") -> bytes:
        """The head of a request with a Host, and with what the proxy would add; ``end`` is the empty line after it."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.target.host}", *self._forwarded(), *fields]
        return ("\r\n".join(lines) + "\r\n" + end).encode()

    async def flood(self, start: bytes, block: bytes, connections: int = 1) -> None:
        """Send ``start`` and then ``block`` again and again; connect again whenever the server closes."""

        async def one(peer: Peer) -> None:
            await peer.send(start)
            while True:
                await peer.send(block)

        await self.repeat(one, connections)

    async def crowd(self, data: bytes) -> None:
        """Hold all connections open, each of which has sent ``data``. Closed ones are opened again."""

        async def one(peer: Peer) -> None:
            await peer.send(data)
            await peer.closed()
            await asyncio.sleep(REOPEN_SECONDS)

        await self.repeat(one, self.target.connections)

    async def repeat(
        self, one: Callable[[Peer], Awaitable[None]], connections: int, *, reads: bool = True, pause: float = 0.01
    ) -> None:
        """Run ``one`` over so many connections, over and over; ``pause`` in seconds after each closed connection."""

        async def again() -> None:
            while True:
                with contextlib.suppress(PeerClosed):
                    async with self.connect(reads=reads) as peer:
                        await one(peer)
                await asyncio.sleep(pause)

        async with asyncio.TaskGroup() as group:
            for _ in range(connections):
                group.create_task(again())

    async def _take(self, count: int) -> None:
        self.sent += count
        await self._throttle.take(count)

    def _forwarded(self) -> list[str]:
        """What the trusted proxy passes on: an address that the attacker has made up, and the one that it has."""
        if self.target.source != "proxy":
            return []
        spoofed = f"203.0.113.{next(self._spoofed) % 256}"
        return [f"X-Forwarded-For: {spoofed}, {ATTACKER_BEHIND_PROXY}", "X-Forwarded-Proto: http"]
