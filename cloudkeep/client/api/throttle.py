"""Sends one request at a time while the server limits the rate."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

from cloudkeep.client.api.retry import Notify, RetryPolicy, rate_limit_message
from cloudkeep.client.errors import RateLimited

Send = Callable[[], Awaitable[None]]


class Throttle:
    """Runs requests in parallel, and retries rate-limited ones one at a time.

    If all of them were retried at once, most would be refused again.
    """

    def __init__(self, policy: RetryPolicy, notify: Notify) -> None:
        self._policy = policy
        self._notify = notify
        self._lock = asyncio.Lock()
        self._resume_at = 0.0

    async def run(self, send: Send) -> None:
        """Call ``send`` until it no longer raises :class:`RateLimited`."""
        if not self._lock.locked() and await self._try(send):
            return
        async with self._lock:
            while True:
                await asyncio.sleep(max(0.0, self._resume_at - monotonic()))
                if await self._try(send):
                    return

    async def _try(self, send: Send) -> bool:
        try:
            await send()
        except RateLimited as error:
            self._notify(rate_limit_message(error))
            self._resume_at = max(self._resume_at, monotonic() + self._policy.rate_limit_delay(error.retry_after))
            return False
        return True
