"""Subscription leases in Redis, which expire by themselves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from redis.asyncio import Redis

from storage.budgets.subscription_leases import BATCH, KEY, SubscriptionLeaseStore
from storage.redis.client import close_redis, connect_redis
from storage.redis.connection import RedisUnavailable
from storage.redis.valkey import EmbeddedValkey
from tests.support.waiting import eventually

CAP = 3


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = connect_redis(redis_url)
    yield client
    await close_redis(client)


@pytest.fixture
def leases(redis: Redis) -> SubscriptionLeaseStore:
    return SubscriptionLeaseStore(redis)


async def test_no_more_seats_are_taken_than_there_are(leases: SubscriptionLeaseStore) -> None:
    assert [await leases.acquire("ada", str(number), CAP) for number in range(5)] == [True] * 3 + [False] * 2


async def test_every_owner_has_their_own(leases: SubscriptionLeaseStore) -> None:
    assert await leases.acquire("ada", "a", 1)
    assert await leases.acquire("bob", "b", 1)
    assert not await leases.acquire("bob", "c", 1)


async def test_no_seat_is_taken_where_there_are_none(leases: SubscriptionLeaseStore) -> None:
    assert not await leases.acquire("ada", "a", 0)


async def test_a_seat_that_was_given_back_is_free(leases: SubscriptionLeaseStore) -> None:
    await leases.acquire("ada", "a", 1)
    await leases.release({"ada": ["a", "never taken"], "bob": ["b"]})
    assert await leases.acquire("ada", "b", 1)


async def test_a_seat_can_be_given_back_along_with_taking_the_next(leases: SubscriptionLeaseStore) -> None:
    await leases.acquire("ada", "a", 1)
    assert await leases.acquire("ada", "b", 1, ["a"])
    assert not await leases.acquire("ada", "c", 1, ["a"])


async def test_a_lease_that_was_given_while_the_clock_of_redis_was_ahead_blocks_nobody(
    leases: SubscriptionLeaseStore, redis: Redis
) -> None:
    await leases.acquire("ada", "dead", 1)
    await redis.zincrby(f"{KEY}ada", 8 * 24 * 60 * 60, "dead")
    assert await leases.acquire("ada", "a", 1)


async def test_taking_a_seat_twice_costs_one(leases: SubscriptionLeaseStore) -> None:
    for _ in range(2):
        await leases.acquire("ada", "a", 2)
    assert await leases.acquire("ada", "b", 2)


async def test_a_hundred_at_once_on_many_connections_get_what_there_is(redis_url: str) -> None:
    async with AsyncExitStack() as stack:
        clients = [connect_redis(redis_url) for _ in range(4)]
        for client in clients:
            stack.push_async_callback(close_redis, client)
        hosts = [SubscriptionLeaseStore(client) for client in clients]
        takes = (hosts[number % 4].acquire("ada", str(number), 20) for number in range(100))
        assert sum(await asyncio.gather(*takes)) == 20


async def test_the_seats_of_the_dead_are_free_when_their_leases_end(redis: Redis) -> None:
    assert await SubscriptionLeaseStore(redis, lease=0.05).acquire("ada", "dead", 1)
    assert await eventually(lambda: SubscriptionLeaseStore(redis).acquire("ada", "alive", 1))
    assert await redis.zrange(KEY + "ada", 0, -1) == ["alive"]


async def test_nothing_is_left_of_an_owner_whose_leases_have_ended(redis: Redis) -> None:
    async def is_gone() -> bool:
        return not await redis.exists(KEY + "ada")

    await SubscriptionLeaseStore(redis, lease=0.05).acquire("ada", "dead", 1)
    await eventually(is_gone)


async def test_a_lease_is_renewed(redis: Redis, leases: SubscriptionLeaseStore) -> None:
    await SubscriptionLeaseStore(redis, lease=5).acquire("ada", "a", 1)
    before = await redis.zscore(KEY + "ada", "a")
    await leases.renew({"ada": ["a"]})
    after = await redis.zscore(KEY + "ada", "a")
    assert before is not None
    assert after is not None
    assert after > before + 50
    assert await redis.ttl(KEY + "ada") > 50


async def test_what_is_held_counts_although_it_was_forgotten(redis: Redis, leases: SubscriptionLeaseStore) -> None:
    await leases.acquire("ada", "a", 1)
    await redis.flushall()
    await leases.renew({"ada": ["a"]})
    assert not await leases.acquire("ada", "b", 1)


async def test_seats_of_many_owners_are_renewed_and_given_back(redis: Redis, leases: SubscriptionLeaseStore) -> None:
    seats = {f"owner {number}": ["a", "b"] for number in range(2 * BATCH + 1)}
    await leases.renew(seats)
    assert await redis.dbsize() == len(seats)
    await leases.release(seats)
    assert await redis.dbsize() == 0


async def test_every_call_says_when_redis_is_away(leases: SubscriptionLeaseStore, valkey: EmbeddedValkey) -> None:
    await leases.ping()
    await valkey.stop()
    calls = (leases.ping(), leases.acquire("ada", "a", 1), leases.renew({"ada": ["a"]}), leases.release({"ada": ["a"]}))
    for call in calls:
        with pytest.raises(RedisUnavailable):
            await call
