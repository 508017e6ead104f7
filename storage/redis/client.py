"""One way to connect to Redis or Valkey: a client with a bounded pool, and with a circuit breaker."""

from redis.asyncio import BlockingConnectionPool, Redis

from storage.redis.breaker import Breaker, GuardedRedis, breaker_of
from storage.redis.connection import MAX_CONNECTIONS, NO_SOCKET_TIMEOUT, pool_options

POOL_WAIT_SECONDS = 5


def connect_redis(url: str, call_seconds: float | None = None) -> Redis:
    """A client with a bounded pool that waits for a free connection instead of failing under load.

    Its breaker (:mod:`storage.redis.breaker`) gives a call ``call_seconds``, or ``CALL_SECONDS``.
    """
    pool_url, options = pool_options(url)
    pool = BlockingConnectionPool.from_url(
        pool_url,
        max_connections=MAX_CONNECTIONS,
        timeout=POOL_WAIT_SECONDS,
        **NO_SOCKET_TIMEOUT,
        socket_connect_timeout=POOL_WAIT_SECONDS,
        decode_responses=True,
        **options,
    )
    redis = GuardedRedis(connection_pool=pool)
    redis.breaker = Breaker(pool, "Redis", call_seconds)
    return redis


async def close_redis(redis: Redis) -> None:
    """Close the client, its breaker and its pool."""
    await breaker_of(redis).close()
    await redis.aclose()
    await redis.connection_pool.disconnect()
