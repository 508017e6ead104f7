"""Delays in Redis: they expire, and they say when Redis is away."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from storage.attempt_delays import Counter, DelayRule, DelaysOverloaded, DelaysUnavailable, RedisDelays
from storage.redis.client import close_redis, connect_redis
from storage.redis.valkey import EmbeddedValkey
from tests.support.faults.hanging import hanging

RULE = DelayRule(2, 1_000.0, 50.0, 100.0, 1_000.0)
CLIENT, OTHER = Counter("{test}:client", RULE), Counter("{test}:other", RULE)
TOTAL = Counter("{test}", RULE)


@pytest.fixture
async def valkey(tmp_path: Path) -> AsyncIterator[EmbeddedValkey]:
    server = EmbeddedValkey(tmp_path)
    await server.start()
    yield server
    await server.stop(0)


@pytest.fixture
async def redis(valkey: EmbeddedValkey) -> AsyncIterator[Redis]:
    client = connect_redis(valkey.url, 0.5)
    yield client
    await close_redis(client)


@pytest.fixture
def delays(redis: Redis) -> RedisDelays:
    return RedisDelays(redis)


async def test_every_counter_expires(delays: RedisDelays, redis: Redis) -> None:
    await delays.begin(CLIENT, TOTAL)
    assert 0 < await redis.ttl(CLIENT.key) <= 50
    assert 0 < await redis.ttl(TOTAL.key) <= 50
    await delays.begin(CLIENT, TOTAL)
    # Two failures have a delay, and are remembered for longer.
    assert 1_000 < await redis.ttl(CLIENT.key) <= 1_100
    assert await delays.begin(OTHER, TOTAL) > 0
    assert 1_000 < await redis.ttl(OTHER.key) <= 1_300
    await delays.take_back(CLIENT, TOTAL)
    assert 1_000 < await redis.ttl(TOTAL.key) <= 1_100


async def test_a_clock_that_was_set_back_does_not_prolong_the_delay(delays: RedisDelays, redis: Redis) -> None:
    for _ in range(2):
        await delays.begin(CLIENT)
    await redis.hincrbyfloat(CLIENT.key, "at", 86_400.0)
    assert 0 < await delays.begin(CLIENT) <= 1_000
    assert 0 < await delays.begin(CLIENT) < 1_000


async def test_a_server_that_hangs_is_away_and_the_counters_are_there_when_it_is_back(
    delays: RedisDelays, valkey: EmbeddedValkey, redis: Redis
) -> None:
    for _ in range(2):
        await delays.begin(CLIENT)
    with hanging(valkey):
        for call in (delays.begin, delays.succeed, delays.take_back):
            with pytest.raises(DelaysUnavailable):
                await call(CLIENT)
    await redis.breaker.until_closed()  # type: ignore[attr-defined]
    assert await delays.begin(CLIENT) > 0


async def test_a_server_that_cannot_write_counts_as_away(delays: RedisDelays, redis: Redis) -> None:
    await redis.config_set("maxmemory", "1")
    with pytest.raises(DelaysUnavailable):
        await delays.begin(CLIENT)


async def test_a_crowd_that_gets_no_turn_does_not_make_the_server_count_as_away(
    delays: RedisDelays, redis: Redis, valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = redis.breaker._turns  # type: ignore[attr-defined]
    while not turns.locked():
        await turns.acquire()
    with pytest.raises(DelaysOverloaded):
        await delays.begin(CLIENT)
    turns.release()
    assert await asyncio.gather(*(delays.begin(CLIENT) for _ in range(2))) == [0, 0]
