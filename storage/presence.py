"""Which workers are alive: a sorted set of names by the second they last spoke."""

import time

from redis.asyncio import Redis

from storage.redis import in_time

KEY = "cloudkeep:workers"
ALIVE_SECONDS = 15


class Presence:
    """Workers announce themselves every few seconds; the readiness check counts them."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def announce(self, name: str) -> None:
        """Say that this worker is alive; must be repeated well within ``ALIVE_SECONDS``."""
        now = time.time()
        async with in_time():
            await self._redis.zadd(KEY, {name: now})
            await self._redis.zremrangebyscore(KEY, 0, now - ALIVE_SECONDS)

    async def leave(self, name: str) -> None:
        """Say that this worker is gone."""
        async with in_time():
            await self._redis.zrem(KEY, name)

    async def ping(self) -> None:
        """Raise when Redis does not answer."""
        async with in_time():
            await self._redis.ping()

    async def anybody(self) -> bool:
        """Whether at least one worker has spoken lately."""
        async with in_time():
            return bool(await self._redis.zcount(KEY, time.time() - ALIVE_SECONDS, "+inf"))
