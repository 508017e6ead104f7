"""How often an attempt is repeated, and how long to wait in between."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from secrets import SystemRandom
from typing import TypeVar

from cloudkeep.client.errors import Throttled, TryAgain, UploadFailed

T = TypeVar("T")
Notify = Callable[[str], None]

_random = SystemRandom()


@dataclass(frozen=True)
class RetryPolicy:
    """Exponential backoff. The default goes on for about a minute and a half: a server may be restarted meanwhile.

    ``tries`` in a row; seconds for ``first`` and ``longest``. ``longest_asked`` bounds what a server can ask for.
    """

    tries: int = 10
    first: float = 0.5
    longest: float = 30.0
    longest_asked: float = 300.0

    def pause(self, asked: float) -> float:
        """Seconds to wait when the server asks for so many, a little more, so that clients do not come all at once."""
        return min(max(asked, self.first / 10), self.longest_asked) * _random.uniform(1.0, 1.1)

    def delay(self, failed: int, asked: float) -> float:
        """Seconds until the next try after this many failures. With jitter, so that clients do not come all at once."""
        own = min(self.longest, self.first * 2.0 ** (failed - 1)) * _random.uniform(0.5, 1.0)
        return max(own, min(asked, self.longest_asked))


class Attempts:
    """Counts failures in a row."""

    def __init__(self, patience: RetryPolicy, notify: Notify) -> None:
        self._patience = patience
        self._notify = notify
        self._failed = 0

    def succeeded(self) -> None:
        """Something went well: count from the beginning."""
        self._failed = 0

    async def failed(self, error: TryAgain) -> None:
        """Wait for the next try. Raises :class:`UploadFailed` after the last one.

        To wait because the server asks for it is no failure, and can be done for ever.
        """
        if isinstance(error, Throttled):
            self._notify(as_asked(error))
            await asyncio.sleep(self._patience.pause(error.after))
            return
        self._failed += 1
        if self._failed >= self._patience.tries:
            raise UploadFailed(f"{error}; gave up after {self._failed} tries") from error
        self._notify(f"{error}; trying again")
        await asyncio.sleep(self._patience.delay(self._failed, error.after))


def as_asked(error: Throttled) -> str:
    """What the person at the terminal is told of a wait that the server asks for."""
    return f"{error}; going on when it says so"


async def persist(work: Callable[[], Awaitable[T]], attempts: Attempts) -> T:
    """Do the work, again and again while it raises :class:`TryAgain`. Raises :class:`UploadFailed` in the end."""
    while True:
        try:
            return await work()
        except TryAgain as error:
            await attempts.failed(error)
