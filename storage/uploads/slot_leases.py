"""Who writes a slot now, over all processes and hosts. A lease may be lost, and with Redis every one of them.

Then two may write the same slot at once. That costs one of them its trouble and nothing else: whose bytes count is
decided by the receipt.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

from redis.asyncio import Redis

from storage.errors import SlotLocked, in_one_line
from storage.redis.connection import RedisUnavailable, in_time

logger = logging.getLogger("cloudkeep.slots")

KEY = "cloudkeep:slot:"
LEASE_SECONDS = 15.0
RENEWALS = 3
#: For one call. A sender waits for it.
CALL_SECONDS = 2.0

#: Only whoever holds the lease may prolong or end it. Arguments: the holder, and milliseconds, or none for its end.
KEEP = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return redis.call('DEL', KEYS[1])
"""


class SlotLeases:
    """See :class:`storage.blobs.slot_locks.SlotLocks`. Without Redis every slot counts as free."""

    def __init__(self, redis: Redis, lease: float = LEASE_SECONDS) -> None:
        self._redis = redis
        self._milliseconds = int(lease * 1000)
        self._keep = redis.register_script(KEEP)

    @asynccontextmanager
    async def hold(self, name: str) -> AsyncIterator[None]:
        """See :class:`storage.blobs.slot_locks.SlotLocks`."""
        key, holder = KEY + name, uuid4().hex
        if not await self._take(key, holder):
            raise SlotLocked("another writer holds the slot")
        renewing = asyncio.create_task(self._renew(key, holder))
        try:
            yield
        finally:
            renewing.cancel()
            await asyncio.shield(self._let_go(key, holder))

    async def _take(self, key: str, holder: str) -> bool:
        try:
            async with in_time(CALL_SECONDS):
                return bool(await self._redis.set(key, holder, nx=True, px=self._milliseconds))
        except RedisUnavailable as error:
            logger.debug("slots are not held: %s", in_one_line(error))
            return True

    async def _renew(self, key: str, holder: str) -> None:
        while True:
            await asyncio.sleep(self._milliseconds / 1000 / RENEWALS)
            with suppress(*RedisUnavailable):
                async with in_time(CALL_SECONDS):
                    await self._keep([key], [holder, self._milliseconds])

    async def _let_go(self, key: str, holder: str) -> None:
        with suppress(*RedisUnavailable):
            async with in_time(CALL_SECONDS):
                await self._keep([key], [holder])
