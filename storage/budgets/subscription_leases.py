"""Leases of open subscriptions by owner, over all processes and hosts. A lease expires unless it is renewed.

An owner's leases are a sorted set of random IDs by expiry, in seconds of Redis' own clock, because the clocks of two
hosts differ. A killed process renews nothing, so its leases expire.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice

from redis.asyncio import Redis

from storage.redis.breaker import breaker_of
from storage.redis.connection import NOW

KEY = "cloudkeep:seats:"
LEASE_SECONDS = 60.0
#: Owners in one round trip. Packing more commands would block the event loop for longer.
BATCH = 200

#: Arguments: lease, limit, the new lease's ID, and IDs to release. All or nothing, and never more than the limit.
ACQUIRE = (
    NOW
    + """
for i = 4, #ARGV do redis.call('ZREM', KEYS[1], ARGV[i]) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
-- Leases that were given while the clock was ahead; a live process renews its own by the right time.
redis.call('ZREMRANGEBYSCORE', KEYS[1], now + 2 * ARGV[1], '+inf')
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[3])
redis.call('PEXPIRE', KEYS[1], math.ceil(ARGV[1] * 1000))
return 1
"""
)
#: Arguments: lease, and IDs. Ignores the limit, because these subscriptions are open.
RENEW = (
    NOW
    + """
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[i]) end
redis.call('PEXPIRE', KEYS[1], math.ceil(ARGV[1] * 1000))
"""
)

#: IDs of leases by owner.
LeaseIds = Mapping[str, Collection[str]]


class SubscriptionLeaseStore:
    """The leases in Redis. Every method raises ``RedisUnavailable``."""

    def __init__(self, redis: Redis, lease: float = LEASE_SECONDS) -> None:
        self._redis = redis
        self._breaker = breaker_of(redis)
        self._lease = lease
        self._acquire = redis.register_script(ACQUIRE)
        self._renew = redis.register_script(RENEW)

    async def acquire(self, owner: str, lease_id: str, limit: int, released: Iterable[str] = ()) -> bool:
        """Acquire a lease unless the owner has ``limit`` of them; those in ``released`` are released first."""
        async with self._breaker.call():
            return bool(await self._acquire([KEY + owner], [self._lease, limit, lease_id, *released]))

    async def renew(self, leases: LeaseIds) -> None:
        """Renew these leases, including those that have expired."""
        for owners in _batches(leases):
            async with self._breaker.call(), self._redis.pipeline(transaction=False) as pipeline:
                for owner in owners:
                    await self._renew([KEY + owner], [self._lease, *leases[owner]], client=pipeline)
                await pipeline.execute()

    async def release(self, leases: LeaseIds) -> None:
        """Release leases. Those that do not exist are ignored."""
        for owners in _batches(leases):
            async with self._breaker.call(), self._redis.pipeline(transaction=False) as pipeline:
                for owner in owners:
                    pipeline.zrem(KEY + owner, *leases[owner])
                await pipeline.execute()

    async def ping(self) -> None:
        """Raise when Redis does not answer."""
        async with self._breaker.call():
            await self._redis.ping()


def _batches(leases: LeaseIds) -> Iterator[list[str]]:
    owners = iter(leases)
    while batch := list(islice(owners, BATCH)):
        yield batch
