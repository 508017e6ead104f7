"""How many connections of a kind each client address has open in this process.

Each process counts its own: what an open connection costs is the memory and the descriptor of the one that holds it.
"""

from collections import Counter
from collections.abc import Callable

from services.budgets.budget_layers import network_of


class TooManyConnections(Exception):
    """An address has as many connections as it may have. ``str(error)`` is what its client is told."""


class Connections:
    """At most ``cap`` of one address; of IPv6, of its /64 network. Remembers nobody who has none open."""

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._open: Counter[str] = Counter()
        #: Only ever counted up.
        self.refused = 0

    @property
    def open(self) -> int:
        """How many are open, of all addresses together."""
        return self._open.total()

    def take(self, address: str) -> Callable[[], None]:
        """Count one more, until what is returned has been called, once.

        Raises :class:`TooManyConnections` when the address has as many as it may have.
        """
        owner = network_of(address)
        if self._open[owner] >= self._cap:
            self.refused += 1
            raise TooManyConnections(f"At most {self._cap} connections of one address may be open at once.")
        self._open[owner] += 1
        return lambda: self._leave(owner)

    def _leave(self, owner: str) -> None:
        self._open[owner] -= 1
        if not self._open[owner]:
            del self._open[owner]
