"""Ends a subscription when the access token of its request expires, or its session is closed."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import datetime
from typing import TypeVar

from services.accounts.errors import Unauthenticated
from services.core.clock import host_now

T = TypeVar("T")


class Expiry:
    """The end of a subscription: at a time, where None is never, or as soon as ``end`` is called."""

    def __init__(self, expires_at: datetime | None = None) -> None:
        self._expires_at = expires_at
        self._has_ended = False
        self._timeout: asyncio.Timeout | None = None

    def end(self) -> None:
        """End the subscription, because its session has ended."""
        self._has_ended = True
        if self._timeout and not self._timeout.expired():
            self._timeout.reschedule(asyncio.get_running_loop().time())

    async def limit(self, results: AsyncIterator[T]) -> AsyncGenerator[T, None]:
        """Yield the results. Raises :class:`Unauthenticated` at the end, even without a result."""
        while True:
            if self._has_ended:
                raise Unauthenticated(self._reason())
            try:
                async with asyncio.timeout(self._seconds()) as self._timeout:
                    result = await anext(results)
            except StopAsyncIteration:
                return
            except TimeoutError:
                if self._timeout and self._timeout.expired():
                    raise Unauthenticated(self._reason()) from None
                raise
            finally:
                self._timeout = None
            yield result

    def _seconds(self) -> float | None:
        return None if self._expires_at is None else max(0.0, (self._expires_at - host_now()).total_seconds())

    def _reason(self) -> str:
        return "The session has ended. Sign in again." if self._has_ended else "The access token has expired."
