"""Which workers are alive."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from storage.jobs.worker_heartbeat import ALIVE_SECONDS, KEY, WorkerHeartbeats
from storage.redis.connection import RedisUnavailable, close_redis, connect_redis
from storage.redis.valkey import EmbeddedValkey


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = connect_redis(redis_url)
    yield client
    await close_redis(client)


@pytest.fixture
def presence(redis: Redis) -> WorkerHeartbeats:
    return WorkerHeartbeats(redis)


async def let_pass(redis: Redis, seconds: float) -> None:
    """Everybody spoke so much earlier; the clock is that of Redis."""
    for name in await redis.zrange(KEY, 0, -1):
        await redis.zincrby(KEY, -seconds, str(name))


async def test_nobody_is_there_at_first(presence: WorkerHeartbeats) -> None:
    assert not await presence.anybody()


async def test_a_worker_that_spoke_is_alive(presence: WorkerHeartbeats) -> None:
    await presence.announce("one")
    assert await presence.anybody()


async def test_a_worker_that_left_is_gone(presence: WorkerHeartbeats) -> None:
    await presence.announce("one")
    await presence.announce("other")
    await presence.leave("one")
    assert await presence.anybody()
    await presence.leave("other")
    assert not await presence.anybody()


async def test_a_worker_that_fell_silent_is_dead(presence: WorkerHeartbeats, redis: Redis) -> None:
    await presence.announce("one")
    await let_pass(redis, ALIVE_SECONDS / 2)
    assert await presence.anybody()
    await let_pass(redis, ALIVE_SECONDS)
    assert not await presence.anybody()


async def test_a_worker_that_speaks_again_is_alive(presence: WorkerHeartbeats, redis: Redis) -> None:
    await presence.announce("one")
    await let_pass(redis, ALIVE_SECONDS + 1)
    await presence.announce("one")
    assert await presence.anybody()


async def test_whoever_speaks_hears_who_is_alive_and_the_dead_are_forgotten(
    presence: WorkerHeartbeats, redis: Redis
) -> None:
    await presence.announce("dead")
    await let_pass(redis, ALIVE_SECONDS + 1)
    await presence.announce("one")
    assert sorted(await presence.announce("other")) == ["one", "other"]
    assert await redis.zcard(KEY) == 2


async def test_leaving_without_having_come_is_harmless(presence: WorkerHeartbeats) -> None:
    await presence.leave("nobody")


async def test_a_redis_that_is_away_fails_the_ping_until_it_is_back(
    presence: WorkerHeartbeats, valkey: EmbeddedValkey
) -> None:
    await presence.ping()
    valkey.kill()
    await valkey.wait()
    with pytest.raises(RedisUnavailable):
        await presence.ping()
    await valkey.start()
    await presence.ping()
