"""The connection to Redis: bounded in number and time, and correct after every interruption."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from storage.redis.client import close_redis, connect_redis
from storage.redis.connection import RedisUnavailable, in_time
from storage.redis.valkey import EmbeddedValkey
from tests.support.faults.hanging import hanging


@pytest.fixture
async def redis(valkey: EmbeddedValkey) -> AsyncIterator[Redis]:
    client = connect_redis(valkey.url)
    yield client
    await close_redis(client)


async def test_callers_wait_for_a_free_connection(valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.redis.client.MAX_CONNECTIONS", 3)
    redis = connect_redis(valkey.url)
    await asyncio.gather(*(redis.incr("counter") for _ in range(200)))
    assert await redis.get("counter") == "200"
    assert len(await redis.client_list()) <= 3
    await close_redis(redis)


async def test_a_call_that_hangs_ends_in_time(
    redis: Redis, valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.redis.connection.CALL_SECONDS", 0.1)
    await redis.set("key", "value")
    with hanging(valkey), pytest.raises(RedisUnavailable):
        async with in_time():
            await redis.ping()
    assert await redis.get("key") == "value"


async def test_a_process_that_was_stopped_gets_the_reply_that_arrived_meanwhile(
    redis: Redis, valkey: EmbeddedValkey
) -> None:
    await redis.ping()
    async with in_time(1.0):
        with hanging(valkey):
            answer = asyncio.ensure_future(redis.ping())
            await asyncio.sleep(0.05)
        time.sleep(1.2)  # noqa: ASYNC251 (it must block)
        assert await answer


async def test_the_reply_to_a_cancelled_call_goes_to_no_other_call(redis: Redis) -> None:
    await redis.mset({"one": "1", "other": "2"})
    for number in range(200):
        task = asyncio.ensure_future(redis.get("one"))
        await asyncio.sleep(number / 200_000)
        task.cancel()
        await asyncio.wait({task})
        assert await redis.get("other") == "2"


async def test_a_loop_of_calls_can_always_be_cancelled(redis: Redis) -> None:
    """redis-py's own timeouts swallow a cancellation that comes together with the reply, on Python 3.11."""

    async def call_for_ever() -> None:
        while True:
            async with in_time():
                await redis.ping()

    for number in range(200):
        task = asyncio.create_task(call_for_ever())
        await asyncio.sleep(0.001 + number / 200_000)
        task.cancel()
        await asyncio.wait({task}, timeout=10)
        assert task.cancelled()


async def test_calls_go_on_after_a_crash(redis: Redis, valkey: EmbeddedValkey) -> None:
    await asyncio.gather(*(redis.incr("counter") for _ in range(20)))
    valkey.kill()
    await valkey.wait()
    with pytest.raises(RedisUnavailable):
        await redis.ping()
    await valkey.start()
    await asyncio.gather(*(redis.incr("counter") for _ in range(20)))
    assert await redis.get("counter") == "40"


async def test_closing_leaves_no_connection(redis: Redis, valkey: EmbeddedValkey) -> None:
    other = connect_redis(valkey.url)
    await asyncio.gather(*(other.ping() for _ in range(10)))
    await close_redis(other)
    assert len(await redis.client_list()) == 1
