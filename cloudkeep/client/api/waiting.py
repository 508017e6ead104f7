"""Requests before there is a progress display: a wait that the server asks for is printed as a line."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from cloudkeep.client.api.retry import RetryPolicy
from cloudkeep.client.display.display import print_error
from cloudkeep.client.errors import RateLimited, ServerUnreachable

T = TypeVar("T")

POLICY = RetryPolicy()


async def when_allowed(call: Callable[[], Awaitable[T]]) -> T:
    """Call, again after each wait that the server asks for.

    Raises what ``call`` raises, and :class:`ServerUnreachable` instead of a wait of more than some minutes.
    """
    while True:
        try:
            return await call()
        except RateLimited as error:
            if error.retry_after > POLICY.max_retry_after:
                raise ServerUnreachable(f"{error}; try again in {error.retry_after / 60:.0f} minutes") from error
            delay = POLICY.rate_limit_delay(error.retry_after)
            print_error(f"cloudkeep: {error}; waiting {max(1, round(delay))} s, as it asks")
            await asyncio.sleep(delay)
