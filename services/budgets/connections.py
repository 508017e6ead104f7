"""Limits how many connections each client address has open in this process.

Each process counts its own: an open connection costs memory and a descriptor of the process that has it.
"""

from collections import Counter
from collections.abc import Callable

from services.budgets.budget_layers import client_network


class TooManyConnections(Exception):
    """An address has as many connections as it may have. ``str(error)`` is for its client."""


class ConnectionLimiter:
    """At most ``limit`` of one address; of IPv6, of its /64 network. Keeps no addresses without connections."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open: Counter[str] = Counter()
        #: Only ever counted up.
        self.refused = 0

    @property
    def open(self) -> int:
        """How many are open, of all addresses together."""
        return self._open.total()

    def acquire(self, address: str) -> Callable[[], None]:
        """Count one more connection; call the returned function once when it is closed.

        Raises :class:`TooManyConnections` when the address has as many as it may have.
        """
        owner = client_network(address)
        if self._open[owner] >= self._limit:
            self.refused += 1
            raise TooManyConnections(f"At most {self._limit} connections of one address may be open at once.")
        self._open[owner] += 1
        return lambda: self._release(owner)

    def _release(self, owner: str) -> None:
        self._open[owner] -= 1
        if not self._open[owner]:
            del self._open[owner]
