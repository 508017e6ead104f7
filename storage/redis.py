"""One way to connect to Redis or Valkey."""

import asyncio
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError

#: What a caller catches when Redis is away. Nothing that must not be lost lives there, so most callers go on without.
RedisUnavailable = (RedisError, OSError)

#: How a script asks for the time, in seconds: the clocks of two hosts differ, that of Redis is the same for all.
NOW = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
"""

MAX_CONNECTIONS = 50
POOL_WAIT_SECONDS = 5
CALL_SECONDS = 10


#: redis-py times a command's sending with ``asyncio.wait_for``, which on Python 3.11 swallows a cancellation that comes
#: together with the reply (cpython#86296): a loop would then run for ever. So the time is kept by :func:`in_time`.
NO_SOCKET_TIMEOUT: dict[str, Any] = {"socket_timeout": None}


def in_time() -> asyncio.Timeout:
    """Bounds the Redis calls in its block. Raises ``TimeoutError``, which is one of ``RedisUnavailable``."""
    return asyncio.timeout(CALL_SECONDS)


def connect_redis(url: str) -> Redis:
    """A client with a bounded pool that waits for a free connection instead of failing under load."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=MAX_CONNECTIONS,
        timeout=POOL_WAIT_SECONDS,
        **NO_SOCKET_TIMEOUT,
        socket_connect_timeout=POOL_WAIT_SECONDS,
        decode_responses=True,
    )
    return Redis(connection_pool=pool)


async def close_redis(redis: Redis) -> None:
    """Close the client and its pool."""
    await redis.aclose()
    await redis.connection_pool.disconnect()
