"""Locks on slots over all processes, while Redis is available."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from storage.errors import SlotLocked
from storage.redis.breaker import breaker_of
from storage.redis.client import close_redis, connect_redis
from storage.redis.valkey import EmbeddedValkey
from storage.uploads.slot_leases import SlotLeases
from tests.support.faults.hanging import hanging


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = connect_redis(redis_url)
    yield client
    await close_redis(client)


async def is_free(leases: SlotLeases, name: str = "slot") -> bool:
    try:
        async with leases.hold(name):
            return True
    except SlotLocked:
        return False


async def test_a_slot_is_held_for_the_block_and_its_neighbours_are_free(redis: Redis) -> None:
    one, other = SlotLeases(redis), SlotLeases(redis)
    async with one.hold("slot"):
        assert not await is_free(other)
        assert not await is_free(one)
        assert await is_free(other, "another slot")
    assert await is_free(other)


async def test_a_holder_that_continues_keeps_its_lease(redis: Redis) -> None:
    async with SlotLeases(redis, lease=0.2).hold("slot"):
        await asyncio.sleep(0.5)
        assert not await is_free(SlotLeases(redis))


async def test_a_former_holder_does_not_release_the_lease_of_the_next(redis: Redis) -> None:
    one, other = SlotLeases(redis), SlotLeases(redis)
    async with one.hold("slot"):
        await redis.flushall()
        async with other.hold("slot"):
            pass
        held = other.hold("slot")
        await held.__aenter__()
    assert not await is_free(one)
    await held.__aexit__(None, None, None)
    assert await is_free(one)


async def test_without_redis_every_slot_is_free() -> None:
    nowhere = connect_redis("redis://127.0.0.1:1")
    assert await is_free(SlotLeases(nowhere))
    await close_redis(nowhere)


async def test_of_many_senders_only_the_first_waits_for_a_redis_that_hangs(valkey: EmbeddedValkey) -> None:
    redis = connect_redis(valkey.url, call_seconds=0.2)
    with hanging(valkey):
        for _ in range(20):
            assert await is_free(SlotLeases(redis))
    assert breaker_of(redis).failures == 1
    await close_redis(redis)
