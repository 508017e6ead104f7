"""What an attack is, and what it is aimed at."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bench.attacks.attacker import Attacker


@dataclass(frozen=True)
class Attack:
    """An attack.

    ``expected`` are the outcomes by which a server answers it, see :meth:`bench.attacks.peer.Peer.outcome`: at least
    one of them has to occur. ``needs_account`` is true where a stranger cannot start it. ``cpu_seconds`` is a promise
    about the whole attack, if there is one.
    """

    name: str
    run: Callable[[Attacker], Awaitable[None]]
    expected: frozenset[str]
    needs_account: bool = False
    cpu_seconds: float | None = None
