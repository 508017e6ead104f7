"""Ends a subscription when the access token of its request expires."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import datetime
from typing import TypeVar

from services.accounts.errors import Unauthenticated
from services.core.clock import host_now

T = TypeVar("T")


async def until_expiry(results: AsyncIterator[T], expires_at: datetime | None) -> AsyncGenerator[T, None]:
    """Yield the results. Raises :class:`Unauthenticated` at ``expires_at``, even without a result; None is never."""
    while True:
        try:
            async with asyncio.timeout(_seconds_until(expires_at)) as timeout:
                result = await anext(results)
        except StopAsyncIteration:
            return
        except TimeoutError:
            if timeout.expired():
                raise Unauthenticated("The access token has expired.") from None
            raise
        yield result


def _seconds_until(expires_at: datetime | None) -> float | None:
    return None if expires_at is None else max(0.0, (expires_at - host_now()).total_seconds())
