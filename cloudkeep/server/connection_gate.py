"""Limits the connections of an API process: of each peer, and of all together.

A peer above its limit is refused before a byte of it is parsed. When the process is full, a new connection takes the
place of that with the longest idle time, so that a client with many addresses cannot lock out the others by
connections that do nothing. uvicorn's ``limit_concurrency`` would do neither: it parses the request first, counts no
addresses, and exempts WebSockets.
"""

from collections import OrderedDict
from collections.abc import Callable
from itertools import islice
from typing import Protocol

from cloudkeep.server.refusals import Reason, RequestRefused
from services.budgets.connections import ConnectionLimiter, TooManyConnections
from services.budgets.fair_turns import FairTurns
from services.budgets.request_memory import RequestMemory
from services.core.counters import ConnectionCounters
from services.core.errors import ErrorCode

#: Seconds after which a refused client may try again.
RETRY_AFTER = 5
#: Descriptors that are left to the database, Redis, S3, libraries, logs and refused connections.
RESERVED_DESCRIPTORS = 256
#: Descriptors of a connection: its socket, a file that it reads or writes, and two for a body on a thread.
DESCRIPTORS_PER_CONNECTION = 4
#: The most connections of a process, however many descriptors it may open. An idle one takes about 10 KiB of memory.
MAX_CONNECTIONS = 10_000
#: Refused connections that are kept until their clients have read the response. Any more are closed without one.
MAX_LINGERING = 64
#: Handshakes of WebSockets that start in one turn of the event loop. Each takes about half a millisecond.
HANDSHAKES_PER_TURN = 4
#: Idle connections that are considered for a place. Those with a request in the kernel's buffer are kept.
_MAX_CANDIDATES = 8


class Connection(Protocol):
    """A connection of the server."""

    def close_if_idle(self) -> bool:
        """Close the connection, unless a request has just arrived. Returns whether it is closed."""
        ...


class ConnectionGate:
    """Admits connections: ``per_peer`` of each address, or of each /64 network for IPv6, and ``total`` together.

    ``is_proxy`` tells whether an address, or None for the peer of a unix socket, is that of a trusted proxy. Proxies
    have no limit of their own: :class:`cloudkeep.http.client_limit.ClientLimit` counts the requests of their clients.
    """

    def __init__(
        self,
        per_peer: int = MAX_CONNECTIONS,
        total: int = MAX_CONNECTIONS,
        is_proxy: Callable[[str | None], bool] = lambda _: False,
        counters: ConnectionCounters | None = None,
        memory: RequestMemory | None = None,
    ) -> None:
        self._peers = ConnectionLimiter(per_peer)
        self._total = total
        self._is_proxy = is_proxy
        self._idle: OrderedDict[Connection, None] = OrderedDict()
        self._lingering = 0
        self.counters = counters or ConnectionCounters()
        #: For heads that are not complete, and requests that wait.
        self.memory = memory or RequestMemory()
        self.handshakes = FairTurns(HANDSHAKES_PER_TURN)

    def admit(self, peer: str | None) -> Callable[[], None]:
        """Count one more connection; call the returned function once it is closed.

        Raises :class:`RequestRefused`: 429 if the peer has too many, 503 if the process has and none is idle.
        """
        release = self._admit_peer(peer)
        counters = self.counters
        if counters.open >= self._total and not self._close_an_idle_one():
            release()
            message = "The server has as many connections as it can hold. Try again later."
            raise RequestRefused(503, message, Reason.FULL, ErrorCode.TOO_MANY_CONNECTIONS, RETRY_AFTER)
        counters.open += 1

        def close() -> None:
            counters.open -= 1
            release()

        return close

    def linger(self) -> Callable[[], None] | None:
        """Reserve a place for a refused connection; call the returned function once it is closed. None if full."""
        if self._lingering >= MAX_LINGERING:
            return None
        self._lingering += 1
        return self._end_lingering

    def set_idle(self, connection: Connection, is_idle: bool) -> None:
        """Report that a connection waits for a request, or no longer does."""
        if not is_idle:
            self._idle.pop(connection, None)
        elif connection not in self._idle:
            self._idle[connection] = None

    def _admit_peer(self, peer: str | None) -> Callable[[], None]:
        if self._is_proxy(peer):
            return lambda: None
        try:
            return self._peers.acquire(peer or "")
        except TooManyConnections as error:
            code = ErrorCode.TOO_MANY_CONNECTIONS
            raise RequestRefused(429, str(error), Reason.ADDRESS, code, RETRY_AFTER) from None

    def _close_an_idle_one(self) -> bool:
        for connection in list(islice(self._idle, _MAX_CANDIDATES)):
            self._idle.move_to_end(connection)
            if connection.close_if_idle():
                del self._idle[connection]
                self.counters.refused[Reason.IDLE] += 1
                return True
        return False

    def _end_lingering(self) -> None:
        self._lingering -= 1


def max_connections(descriptors: int) -> int:
    """The connections of a process that may open this many descriptors: at least one, so that a server can start."""
    return max(1, min(MAX_CONNECTIONS, (descriptors - RESERVED_DESCRIPTORS) // DESCRIPTORS_PER_CONNECTION))
