"""Limits the memory for requests that are not complete yet, of each client address and of the process.

A request of GraphQL is collected before it runs, and a client decides how long that takes. So many that never end could
otherwise fill the memory. The bodies of chunks are not collected.
"""

from collections import Counter
from types import TracebackType
from typing import Self

from services.budgets.budget_layers import client_network

#: Bytes for the requests of one address, or /64 network of IPv6: 8 of the largest, or 1,000 of a usual size.
CLIENT_BYTES = 8 * 2**20
#: Bytes for all requests of a process.
TOTAL_BYTES = 32 * 2**20
#: A request below this size is not counted, because nearly all arrive at once. The number of requests is limited, too.
FREE_BYTES = 4 * 2**10


class TooMuchMemory(Exception):
    """The limit of an address or of the process is reached. ``str(error)`` is a message for the client."""


class RequestMemory:
    """The memory of one process. Stores only addresses with requests that are counted."""

    def __init__(self, client_bytes: int = CLIENT_BYTES, total_bytes: int = TOTAL_BYTES) -> None:
        self._client_bytes = client_bytes
        self._total_bytes = total_bytes
        self._clients: Counter[str] = Counter()
        #: The bytes of all requests.
        self.used = 0
        #: Only ever increases.
        self.refused = 0

    def request(self, address: str) -> "IncompleteRequest":
        """A request of this address, of which nothing has arrived."""
        return IncompleteRequest(self, client_network(address))

    def _add(self, client: str, size: int) -> None:
        if size > 0 and (self._clients[client] + size > self._client_bytes or self.used + size > self._total_bytes):
            self.refused += 1
            raise TooMuchMemory("Too many incomplete requests of this address, or of all clients. Try again later.")
        self.used += size
        self._clients[client] += size
        if not self._clients[client]:
            del self._clients[client]


class IncompleteRequest:
    """A request that is collected. Use it in a ``with`` block, or close it."""

    def __init__(self, memory: RequestMemory, client: str) -> None:
        self._memory = memory
        self._client = client
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def resize(self, size: int) -> None:
        """Count this many bytes for the request. Raises :class:`TooMuchMemory`, and counts no more than before."""
        size = 0 if size < FREE_BYTES else size
        if size != self._size:
            self._memory._add(self._client, size - self._size)
            self._size = size

    def close(self) -> None:
        """Count nothing any more."""
        self.resize(0)
