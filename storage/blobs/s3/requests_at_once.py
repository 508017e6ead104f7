"""Several requests to S3 at the same time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

T = TypeVar("T")

#: More of them at a time would wait for connections.
AT_ONCE = 16


async def at_once(requests: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
    """The results of the requests, in the same order. All have ended when this raises the first error."""
    free = asyncio.Semaphore(AT_ONCE)

    async def run(request: Callable[[], Awaitable[T]]) -> T:
        async with free:
            return await request()

    results = await asyncio.gather(*map(run, requests), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if not isinstance(result, BaseException)]
