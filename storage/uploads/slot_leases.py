"""Locks on slots over all processes and hosts, as leases in Redis.

A lease may be lost, and all are lost with Redis. Then two senders may write the same slot at the same time, which only
wastes the work of one of them: the receipt decides whose bytes count.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

from redis.asyncio import Redis

from storage.errors import SlotLocked, in_one_line
from storage.redis.breaker import breaker_of
from storage.redis.connection import RedisUnavailable

logger = logging.getLogger("cloudkeep.slots")

KEY = "cloudkeep:slot:"
LEASE_SECONDS = 15.0
RENEWALS = 3

#: Only the holder may renew or release a lease. Arguments: the holder, and milliseconds, or none to release it.
KEEP = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return redis.call('DEL', KEYS[1])
"""


class SlotLeases:
    """See :class:`storage.blobs.slot_locks.SlotLocks`. Without Redis every slot counts as free."""

    def __init__(self, redis: Redis, lease: float = LEASE_SECONDS) -> None:
        self._redis = redis
        self._breaker = breaker_of(redis)
        self._milliseconds = int(lease * 1000)
        self._keep = redis.register_script(KEEP)

    @asynccontextmanager
    async def hold(self, name: str) -> AsyncIterator[None]:
        """See :class:`storage.blobs.slot_locks.SlotLocks`."""
        key, holder = KEY + name, uuid4().hex
        if not await self._acquire(key, holder):
            raise SlotLocked("another writer holds the slot")
        renewing = asyncio.create_task(self._renew(key, holder))
        try:
            yield
        finally:
            renewing.cancel()
            await asyncio.shield(self._release(key, holder))

    async def _acquire(self, key: str, holder: str) -> bool:
        try:
            async with self._breaker.call():
                return bool(await self._redis.set(key, holder, nx=True, px=self._milliseconds))
        except RedisUnavailable as error:
            logger.debug("slot locks unavailable, continuing without: %s", in_one_line(error))
            return True

    async def _renew(self, key: str, holder: str) -> None:
        while True:
            await asyncio.sleep(self._milliseconds / 1000 / RENEWALS)
            with suppress(*RedisUnavailable):
                async with self._breaker.call():
                    await self._keep([key], [holder, self._milliseconds])

    async def _release(self, key: str, holder: str) -> None:
        with suppress(*RedisUnavailable):
            async with self._breaker.call():
                await self._keep([key], [holder])
