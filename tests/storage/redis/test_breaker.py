"""The breaker: only the first calls wait for a Redis that does not answer."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from storage.redis.breaker import Breaker, BreakerOpen, breaker_of
from storage.redis.client import close_redis, connect_redis
from storage.redis.connection import RedisUnavailable
from storage.redis.valkey import EmbeddedValkey
from tests.support.faults.hanging import hanging
from tests.support.waiting import eventually


@pytest.fixture
async def redis(valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Redis]:
    monkeypatch.setattr("storage.redis.breaker.RETRY_SECONDS", 0.05)
    client = connect_redis(valkey.url, call_seconds=0.5)
    yield client
    await close_redis(client)


@pytest.fixture
def breaker(redis: Redis) -> Breaker:
    return breaker_of(redis)


async def is_closed(breaker: Breaker) -> bool:
    return not breaker.is_open


async def ping(redis: Redis) -> None:
    async with breaker_of(redis).call():
        await redis.ping()


async def test_calls_after_one_that_was_not_answered_are_skipped_at_once(
    redis: Redis, breaker: Breaker, valkey: EmbeddedValkey
) -> None:
    await asyncio.gather(*(ping(redis) for _ in range(10)))
    with hanging(valkey):
        with pytest.raises(TimeoutError):
            await ping(redis)
        for _ in range(100):
            with pytest.raises(BreakerOpen):
                await ping(redis)
    assert (breaker.failures, breaker.skips) == (1, 100)


async def test_calls_go_on_when_redis_answers_again(redis: Redis, breaker: Breaker, valkey: EmbeddedValkey) -> None:
    await asyncio.gather(*(ping(redis) for _ in range(10)))
    with hanging(valkey), pytest.raises(RedisUnavailable):
        await ping(redis)
    await eventually(lambda: is_closed(breaker))
    await ping(redis)


async def test_calls_go_on_after_a_crash_which_is_logged_once(
    redis: Redis, breaker: Breaker, valkey: EmbeddedValkey, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "cloudkeep.redis")
    valkey.kill()
    await valkey.wait()
    for _ in range(10):
        with pytest.raises(RedisUnavailable):
            await ping(redis)
    await valkey.start()
    await eventually(lambda: is_closed(breaker))
    await ping(redis)
    first, last = (record.getMessage() for record in caplog.records if record.name == "cloudkeep.redis")
    assert first.startswith("Redis unavailable, continuing without it: ")
    assert last == "Redis is back"


async def test_an_error_that_redis_answers_is_no_outage(redis: Redis, breaker: Breaker) -> None:
    await redis.set("key", "text")
    with pytest.raises(ResponseError):
        async with breaker.call():
            await redis.incr("key")
    assert not breaker.is_open


async def test_a_cancelled_call_is_no_outage(redis: Redis, breaker: Breaker, valkey: EmbeddedValkey) -> None:
    with hanging(valkey):
        call = asyncio.create_task(ping(redis))
        await asyncio.sleep(0.05)
        call.cancel()
        await asyncio.wait({call})
    assert not breaker.is_open


async def test_a_reply_that_redis_itself_delays_is_no_outage(redis: Redis, breaker: Breaker) -> None:
    async with breaker.call(blocking=1.0):
        await redis.blpop(["nothing"], timeout=1)
    assert not breaker.is_open


async def test_no_error_of_an_attempt_ends_the_attempts(
    redis: Redis, breaker: Breaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    disconnect, failed = redis.connection_pool.disconnect, asyncio.Event()

    async def fail_once(inuse_connections: bool = True) -> None:
        if not failed.is_set():
            failed.set()
            raise RuntimeError("unable to perform operation on a closed transport")
        await disconnect(inuse_connections)

    monkeypatch.setattr(redis.connection_pool, "disconnect", fail_once)
    breaker.trip(ConnectionError("reset"))
    await failed.wait()
    await eventually(lambda: is_closed(breaker))


async def test_a_lack_of_connections_is_no_outage(valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.redis.connection.MAX_CONNECTIONS", 2)
    monkeypatch.setattr("storage.redis.breaker.MAX_CALLS", 1, raising=False)
    redis = connect_redis(valkey.url, call_seconds=0.2)

    async def wait() -> None:
        async with breaker_of(redis).call(blocking=60):
            await redis.blpop(["nothing"], timeout=60)

    waiting = [asyncio.create_task(wait()) for _ in range(2)]
    await asyncio.sleep(0.1)
    with pytest.raises(TimeoutError):
        await ping(redis)
    assert not breaker_of(redis).is_open
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    await ping(redis)
    await close_redis(redis)


async def test_calls_that_wait_for_a_connection_end_with_those_that_wait_for_redis(
    redis: Redis, breaker: Breaker, valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breaker, "_turns", asyncio.Semaphore(1))
    await ping(redis)
    with hanging(valkey):
        errors = await asyncio.gather(*(ping(redis) for _ in range(50)), return_exceptions=True)
        assert all(isinstance(error, RedisUnavailable) for error in errors)
    assert breaker.failures == 1
    await eventually(lambda: is_closed(breaker))
    await ping(redis)
