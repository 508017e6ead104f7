"""One way to connect to Redis or Valkey."""

from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError

#: What a caller catches when Redis is away. Nothing that must not be lost lives there, so most callers go on without.
RedisUnavailable = (RedisError, OSError)

MAX_CONNECTIONS = 50
POOL_WAIT_SECONDS = 5
SOCKET_TIMEOUT_SECONDS = 10


def connect_redis(url: str) -> Redis:
    """A client with a bounded pool that waits for a free connection instead of failing under load."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=MAX_CONNECTIONS,
        timeout=POOL_WAIT_SECONDS,
        socket_timeout=SOCKET_TIMEOUT_SECONDS,
        socket_connect_timeout=POOL_WAIT_SECONDS,
        decode_responses=True,
    )
    return Redis(connection_pool=pool)


async def close_redis(redis: Redis) -> None:
    """Close the client and its pool."""
    await redis.aclose()
    await redis.connection_pool.disconnect()
