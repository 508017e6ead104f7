"""The workers that are alive: a sorted set of their names by the time of the last heartbeat, by Redis' own clock."""

from redis.asyncio import Redis

from storage.redis.breaker import breaker_of
from storage.redis.connection import NOW

KEY = "cloudkeep:workers"
ALIVE_SECONDS = 15

#: Arguments: how long a worker counts as alive, and its name. Workers that are silent for longer are removed, and those
#: whose heartbeat is in the future, because the clock was ahead: a dead one would otherwise live until then.
ANNOUNCE = (
    NOW
    + """
redis.call('ZADD', KEYS[1], now, ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], now + ARGV[1], '+inf')
return redis.call('ZRANGE', KEYS[1], 0, -1)
"""
)
COUNT = NOW + "return redis.call('ZCOUNT', KEYS[1], now - ARGV[1], now + ARGV[1])"


class WorkerHeartbeats:
    """Workers announce themselves every few seconds; the readiness check counts them."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._breaker = breaker_of(redis)
        self._announce = redis.register_script(ANNOUNCE)
        self._count = redis.register_script(COUNT)

    async def announce(self, name: str) -> list[str]:
        """Record that this worker is alive.

        Call it more often than every ``ALIVE_SECONDS``. Returns the names of all live workers.
        """
        async with self._breaker.call():
            return [str(name) for name in await self._announce([KEY], [ALIVE_SECONDS, name])]

    async def leave(self, name: str) -> None:
        """Remove this worker from the live workers."""
        async with self._breaker.call():
            await self._redis.zrem(KEY, name)

    async def ping(self) -> None:
        """Raise when Redis does not answer."""
        async with self._breaker.call():
            await self._redis.ping()

    async def any_alive(self) -> bool:
        """Whether at least one worker is alive."""
        async with self._breaker.call():
            return bool(await self._count([KEY], [ALIVE_SECONDS]))
