"""The workers that are alive."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from storage.jobs.worker_heartbeat import ALIVE_SECONDS, KEY, WorkerHeartbeats
from storage.redis.client import close_redis, connect_redis
from storage.redis.connection import RedisUnavailable
from storage.redis.valkey import EmbeddedValkey
from tests.support.waiting import eventually


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = connect_redis(redis_url)
    yield client
    await close_redis(client)


@pytest.fixture
def heartbeats(redis: Redis) -> WorkerHeartbeats:
    return WorkerHeartbeats(redis)


async def let_pass(redis: Redis, seconds: float) -> None:
    """Move all heartbeats back by so many seconds; the clock is that of Redis."""
    for name in await redis.zrange(KEY, 0, -1):
        await redis.zincrby(KEY, -seconds, str(name))


async def test_no_worker_is_alive_at_first(heartbeats: WorkerHeartbeats) -> None:
    assert not await heartbeats.any_alive()


async def test_a_worker_that_spoke_is_alive(heartbeats: WorkerHeartbeats) -> None:
    await heartbeats.announce("one")
    assert await heartbeats.any_alive()


async def test_a_worker_that_left_is_gone(heartbeats: WorkerHeartbeats) -> None:
    await heartbeats.announce("one")
    await heartbeats.announce("other")
    await heartbeats.leave("one")
    assert await heartbeats.any_alive()
    await heartbeats.leave("other")
    assert not await heartbeats.any_alive()


async def test_a_worker_that_fell_silent_is_dead(heartbeats: WorkerHeartbeats, redis: Redis) -> None:
    await heartbeats.announce("one")
    await let_pass(redis, ALIVE_SECONDS / 2)
    assert await heartbeats.any_alive()
    await let_pass(redis, ALIVE_SECONDS)
    assert not await heartbeats.any_alive()


async def test_a_worker_that_speaks_again_is_alive(heartbeats: WorkerHeartbeats, redis: Redis) -> None:
    await heartbeats.announce("one")
    await let_pass(redis, ALIVE_SECONDS + 1)
    await heartbeats.announce("one")
    assert await heartbeats.any_alive()


async def test_a_heartbeat_returns_the_live_workers_and_removes_dead_ones(
    heartbeats: WorkerHeartbeats, redis: Redis
) -> None:
    await heartbeats.announce("dead")
    await let_pass(redis, ALIVE_SECONDS + 1)
    await heartbeats.announce("one")
    assert sorted(await heartbeats.announce("other")) == ["one", "other"]
    assert await redis.zcard(KEY) == 2


async def test_leaving_without_having_come_is_harmless(heartbeats: WorkerHeartbeats) -> None:
    await heartbeats.leave("nobody")


async def test_a_redis_that_is_away_fails_the_ping_until_it_is_back(
    heartbeats: WorkerHeartbeats, valkey: EmbeddedValkey
) -> None:
    await heartbeats.ping()
    valkey.kill()
    await valkey.wait()
    with pytest.raises(RedisUnavailable):
        await heartbeats.ping()
    await valkey.start()
    await eventually(lambda: answers(heartbeats))


async def test_a_worker_that_died_while_the_clock_of_redis_was_ahead_is_dead(
    heartbeats: WorkerHeartbeats, redis: Redis
) -> None:
    await heartbeats.announce("dead")
    await let_pass(redis, -8 * 24 * 60 * 60)
    assert not await heartbeats.any_alive()
    assert await heartbeats.announce("one") == ["one"]


async def answers(heartbeats: WorkerHeartbeats) -> bool:
    try:
        await heartbeats.ping()
    except RedisUnavailable:
        return False
    return True
