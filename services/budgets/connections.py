"""Limits how many connections each client address has open in this process.

Each process counts its own: an open connection uses memory and a descriptor of its process.
"""

from collections import Counter
from collections.abc import Callable

from services.budgets.budget_layers import client_network


class TooManyConnections(Exception):
    """An address has reached its limit. ``str(error)`` is a message for the client."""


class ConnectionLimiter:
    """Allows ``limit`` connections per address, or per /64 network for IPv6. Stores only addresses with connections."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open: Counter[str] = Counter()
        #: Only ever increases.
        self.refused = 0

    @property
    def open(self) -> int:
        """The open connections of all addresses together."""
        return self._open.total()

    def acquire(self, address: str) -> Callable[[], None]:
        """Count one more connection; call the returned function once it is closed.

        Raises :class:`TooManyConnections` if the address has reached its limit.
        """
        owner = client_network(address)
        if self._open[owner] >= self._limit:
            self.refused += 1
            raise TooManyConnections(
                f"At most {self._limit} connections of one address may be open at the same time. Close one first."
            )
        self._open[owner] += 1
        return lambda: self._release(owner)

    def _release(self, owner: str) -> None:
        self._open[owner] -= 1
        if not self._open[owner]:
            del self._open[owner]
