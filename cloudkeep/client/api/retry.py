"""Retries: how many, and how long to wait before each.

tenacity and stamina count every attempt. Here a wait that the server asks for does not count, and a stream starts to
count again after each event.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from secrets import SystemRandom
from typing import TypeVar

from cloudkeep.client.errors import RateLimited, RetryableError, TransferFailed

T = TypeVar("T")
Notify = Callable[[str], None]

_random = SystemRandom()


@dataclass(frozen=True)
class RetryPolicy:
    """Exponential backoff with jitter, so that clients do not all retry at the same time. Delays are in seconds.

    The default gives up after about a minute and a half, enough for a restart of the server.
    """

    max_attempts: int = 10
    first_delay: float = 0.5
    max_delay: float = 30.0
    max_retry_after: float = 300.0

    def delay(self, failures: int, retry_after: float) -> float:
        """The delay after this many failures in a row, but at least the delay that the server asks for."""
        backoff = min(self.max_delay, self.first_delay * 2.0 ** (failures - 1)) * _random.uniform(0.5, 1.0)
        return max(backoff, min(retry_after, self.max_retry_after))

    def rate_limit_delay(self, retry_after: float) -> float:
        """The delay that a rate limit asks for, plus up to a tenth."""
        return min(max(retry_after, self.first_delay / 10), self.max_retry_after) * _random.uniform(1.0, 1.1)


class Attempts:
    """Counts failures in a row."""

    def __init__(self, policy: RetryPolicy, notify: Notify) -> None:
        self._policy = policy
        self._notify = notify
        self._failures = 0

    def succeeded(self) -> None:
        """Start to count again."""
        self._failures = 0

    async def failed(self, error: RetryableError) -> None:
        """Wait for the next attempt. Raises :class:`TransferFailed` after the last one.

        A rate limit does not count as a failure; its waits are not limited.
        """
        if isinstance(error, RateLimited):
            self._notify(rate_limit_message(error))
            await asyncio.sleep(self._policy.rate_limit_delay(error.retry_after))
            return
        self._failures += 1
        if self._failures >= self._policy.max_attempts:
            raise TransferFailed(f"{error}; gave up after {self._failures} tries") from error
        self._notify(f"{error}; trying again")
        await asyncio.sleep(self._policy.delay(self._failures, error.retry_after))


def rate_limit_message(error: RateLimited) -> str:
    """The message about a rate limit."""
    return f"{error}; waiting as long as it asks"


async def retry(call: Callable[[], Awaitable[T]], attempts: Attempts) -> T:
    """Call until there is a result. Raises :class:`TransferFailed` after the last :class:`RetryableError`."""
    while True:
        try:
            return await call()
        except RetryableError as error:
            await attempts.failed(error)
