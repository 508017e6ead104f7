"""The contract of a store that delays attempts. Every implementation passes ``tests/contracts/test_attempt_delays.py``.

An attempt has one or two counters of failures: that of the client that makes it, and that of all clients together. Both
have a delay that grows with their failures. A client has to wait for the longer one since its own last attempt, or, if
it has made none, since it first asked. So no client takes the turn of another one, however many there are.
"""

from dataclasses import dataclass
from typing import Protocol

from storage.errors import StorageError

#: Seconds for which a client that has waited for its first attempt may make it. Then it has to wait again.
WAITING_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class DelayRule:
    """How a delay grows with the number of failures. All times are in seconds.

    The first ``free`` attempts have no delay. The next one has the delay ``first``, which doubles with each further
    failure up to ``longest``; with 0 there is no delay at all. Failures are forgotten ``memory_of_few`` after the last
    attempt while they are fewer than ``free``, else ``memory`` after the delay.
    """

    free: int
    longest: float
    memory_of_few: float
    memory: float
    first: float

    def delay(self, failures: int) -> float:
        """The seconds between the latest of so many failures and the next attempt."""
        if failures < self.free:
            return 0.0
        # The exponent is limited, because a float has no power of two above 2^1023.
        return min(self.longest, self.first * 2.0 ** min(failures - self.free, 64))

    def memory_of(self, failures: int) -> float:
        """The seconds for which so many failures are remembered."""
        return self.delay(failures) + (self.memory if failures >= self.free else self.memory_of_few)


@dataclass(frozen=True, slots=True)
class Counter:
    """A number of failures. ``key`` alone identifies it."""

    key: str
    rule: DelayRule


class DelaysUnavailable(StorageError):
    """The store cannot be reached, or does not answer in time."""


class DelaysOverloaded(StorageError):
    """Too many attempts wait for an answer."""


class AttemptDelays(Protocol):
    """Counters by their key. Processes that share a store share its counters.

    Every method raises :class:`DelaysUnavailable` and :class:`DelaysOverloaded`.
    """

    async def begin(self, client: Counter, total: Counter | None = None) -> float:
        """Count an attempt as failed in advance and return 0; or count nothing and return the seconds to wait.

        Since counting comes first, a thousand attempts at once are as slow as one after another. To ask during a delay
        does not extend it.
        """
        ...

    async def succeed(self, client: Counter, total: Counter | None = None) -> None:
        """Forget all failures of the client of a counted attempt, and subtract that attempt from ``total``."""
        ...

    async def take_back(self, client: Counter, total: Counter | None = None) -> None:
        """Subtract a counted attempt that neither succeeded nor failed."""
        ...
