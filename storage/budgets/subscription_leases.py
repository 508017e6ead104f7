"""Seats: how many of something each owner has open, over all processes and hosts, with leases that end by themselves.

An owner's seats are a sorted set of random IDs by the moment at which their leases end, in seconds of Redis' own clock:
the clocks of two hosts differ. Whoever was killed renews nothing, so that its seats are free when their leases end.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice

from redis.asyncio import Redis

from storage.redis.connection import NOW, in_time

KEY = "cloudkeep:seats:"
LEASE_SECONDS = 60.0
#: For one call. Somebody waits for it, and can do without.
CALL_SECONDS = 2.0
#: Owners in one round trip. Packing the commands keeps the event loop busy meanwhile.
BATCH = 200

#: Arguments: lease, cap, the new seat, and seats that were given back. All or nothing, and never more than the cap.
TAKE = (
    NOW
    + """
for i = 4, #ARGV do redis.call('ZREM', KEYS[1], ARGV[i]) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[3])
redis.call('PEXPIRE', KEYS[1], math.ceil(ARGV[1] * 1000))
return 1
"""
)
#: Arguments: lease, and seats. They are there whatever the cap says: who was away for long has them open all the same.
HOLD = (
    NOW
    + """
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[i]) end
redis.call('PEXPIRE', KEYS[1], math.ceil(ARGV[1] * 1000))
"""
)

#: Seats by owner.
Seating = Mapping[str, Collection[str]]


class SubscriptionLeaseStore:
    """The seats in Redis. Every method raises ``RedisUnavailable``."""

    def __init__(self, redis: Redis, lease: float = LEASE_SECONDS) -> None:
        self._redis = redis
        self._lease = lease
        self._take = redis.register_script(TAKE)
        self._hold = redis.register_script(HOLD)

    async def take(self, owner: str, seat: str, cap: int, left: Iterable[str] = ()) -> bool:
        """Take a seat for the length of a lease unless ``cap`` are taken; those in ``left`` are given back first."""
        async with in_time(CALL_SECONDS):
            return bool(await self._take([KEY + owner], [self._lease, cap, seat, *left]))

    async def hold(self, seats: Seating) -> None:
        """Renew these leases, or begin them anew where they have ended."""
        for owners in _batches(seats):
            async with in_time(CALL_SECONDS), self._redis.pipeline(transaction=False) as pipeline:
                for owner in owners:
                    await self._hold([KEY + owner], [self._lease, *seats[owner]], client=pipeline)
                await pipeline.execute()

    async def leave(self, seats: Seating) -> None:
        """Give seats back. Those that are not taken do not matter."""
        for owners in _batches(seats):
            async with in_time(CALL_SECONDS), self._redis.pipeline(transaction=False) as pipeline:
                for owner in owners:
                    pipeline.zrem(KEY + owner, *seats[owner])
                await pipeline.execute()

    async def ping(self) -> None:
        """Ask whether Redis answers."""
        async with in_time(CALL_SECONDS):
            await self._redis.ping()


def _batches(seats: Seating) -> Iterator[list[str]]:
    owners = iter(seats)
    while batch := list(islice(owners, BATCH)):
        yield batch
