"""What every connection to Redis or Valkey shares: its options, its errors, and the limit of a call's time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from redis.exceptions import RedisError

from storage.redis.sentinel_url import SENTINEL_SCHEMES

#: The errors to catch when Redis is away. Redis holds nothing that must not be lost, so most callers continue without
#: it.
RedisUnavailable = (RedisError, OSError)

#: The time in a script, in seconds. The clocks of two hosts differ; that of Redis is the same for all.
NOW = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
"""

MAX_CONNECTIONS = 50
CALL_SECONDS = 10
#: redis-py bounds a command with ``asyncio.wait_for``, which on Python 3.11 swallows a cancellation that arrives
#: together with the reply (cpython#86296): a loop would then run without end. :func:`in_time` bounds it instead.
NO_SOCKET_TIMEOUT: dict[str, Any] = {"socket_timeout": None}


@asynccontextmanager
async def in_time(seconds: float | None = None, blocking: float = 0.0) -> AsyncIterator[None]:
    """Limit the Redis calls in the block to ``seconds``, or ``CALL_SECONDS``, and the time that Redis itself may block.

    Raises ``TimeoutError``, which is one of ``RedisUnavailable``. A process that was paused has not waited for Redis:
    after a pause, the second half of the time starts when the event loop runs again, and data that has arrived is read
    first.
    """
    loop, half = asyncio.get_running_loop(), ((CALL_SECONDS if seconds is None else seconds) + blocking) / 2
    async with asyncio.timeout(None) as limit:
        first_half = loop.call_later(half, lambda: limit.reschedule(loop.time() + half))
        try:
            yield
        finally:
            first_half.cancel()


def pool_options(url: str) -> tuple[str, dict[str, Any]]:
    """The URL and options of a redis-py pool for a URL of the settings. Call it once for each pool."""
    if not url.startswith(SENTINEL_SCHEMES):
        return url, {}
    from storage.redis.sentinels import master_pool_options  # imports this module

    return master_pool_options(url)
