"""Promises of the Redis event log only: few connections, bounded memory, few reads."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from redis.asyncio import Redis

from storage.progress_stream import RedisEventLog
from storage.progress_stream.redis import BUFFER, STREAM, RedisSubscription
from storage.redis.client import close_redis, connect_redis
from storage.redis.valkey import EmbeddedValkey
from tests.support.waiting import eventually

SECONDS = 30.0


@pytest.fixture
async def redis(valkey: EmbeddedValkey) -> AsyncIterator[Redis]:
    client = connect_redis(valkey.url)
    yield client
    await close_redis(client)


@pytest.fixture
async def log(redis: Redis) -> AsyncIterator[RedisEventLog]:
    opened = RedisEventLog(redis)
    await opened.start()
    yield opened
    await opened.close()


async def publish(log: RedisEventLog, count: int) -> str:
    for number in range(count):
        cursor = await log.publish("topic", {"number": number})
    return cursor


async def take(subscription: RedisSubscription) -> int:
    event = await subscription.next_event(SECONDS)
    assert event
    return int(event.payload["number"])


async def calls_of(redis: Redis, command: str) -> int:
    """The number of calls of this command."""
    stats = await redis.info("commandstats")
    return int(stats.get(f"cmdstat_{command}", {"calls": 0})["calls"])


async def test_all_subscribers_of_a_process_share_one_reader(log: RedisEventLog, redis: Redis) -> None:
    async with AsyncExitStack() as stack:
        subscriptions = [await stack.enter_async_context(log.subscribe(f"topic-{number % 7}")) for number in range(100)]
        for subscription in subscriptions:
            await subscription.next_event(0.01)
        clients = await redis.client_list()
        assert [client["cmd"] for client in clients].count("xread") == 1
        assert len(clients) < 10


async def test_an_idle_reader_is_waiting_and_does_not_ask_all_the_time(log: RedisEventLog, redis: Redis) -> None:
    async with log.subscribe("topic") as subscription:
        assert await subscription.next_event(0.5) is None
    assert await calls_of(redis, "xread") <= 2
    assert await calls_of(redis, "xrange") <= 2


async def test_the_buffer_of_a_reader_that_does_not_read_is_bounded(log: RedisEventLog) -> None:
    async with log.subscribe("topic") as subscription:
        assert await subscription.next_event(0.01) is None
        cursor = await publish(log, 3 * BUFFER)
        await eventually(lambda: _has_read(log, cursor))
        assert len(subscription._buffer) <= BUFFER


async def _has_read(log: RedisEventLog, cursor: str) -> bool:
    return log._last == cursor


async def test_an_event_that_the_reader_brings_late_is_not_taken_twice(log: RedisEventLog) -> None:
    async with log.subscribe("topic") as subscription:
        await publish(log, 1)
        event = await subscription.next_event(SECONDS)
        assert event
        assert await subscription.next_event(0.1) is None
        subscription.offer(event)
        assert await subscription.next_event(0.1) is None


async def test_a_backlog_is_read_in_pages_while_events_keep_coming(log: RedisEventLog, redis: Redis) -> None:
    start = await publish(log, 1)
    await publish(log, 2 * BUFFER)
    async with log.subscribe("topic", start) as subscription:
        for number in range(2 * BUFFER):
            assert await take(subscription) == number
            await publish(log, 1)
    assert await calls_of(redis, "xrange") < 10


async def test_after_an_outage_no_subscriber_reads_earlier_events_again(
    log: RedisEventLog, redis: Redis, valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise every quiet watcher would read the whole stream again, all at the same time."""
    monkeypatch.setattr("storage.progress_stream.redis.PAGE", 10)
    monkeypatch.setattr("storage.progress_stream.redis.RETRY_SECONDS", 0.05)
    topics = [f"quiet-{number}" for number in range(10)]
    async with AsyncExitStack() as stack:
        subscriptions = [await stack.enter_async_context(log.subscribe(topic)) for topic in topics]
        for subscription in subscriptions:
            assert await subscription.next_event(0.1) is None
        cursor = await publish(log, 500)
        await eventually(lambda: _has_read(log, cursor))
        waiting = [asyncio.create_task(take(subscription)) for subscription in subscriptions]
        valkey.kill()
        await valkey.wait()
        await eventually(lambda: _has_failed(log))
        await valkey.start()
        await eventually(lambda: _is_back(log))
        for number, topic in enumerate(topics):
            await log.publish(topic, {"number": number})
        assert await asyncio.gather(*waiting) == list(range(10))
    # By now the server counts from its start on.
    assert await calls_of(redis, "xrange") < 10 * len(topics)


async def _is_back(log: RedisEventLog) -> bool:
    return not log.breaker.is_open


async def _has_failed(log: RedisEventLog) -> bool:
    return not log.is_connected


async def test_the_stream_is_trimmed(log: RedisEventLog, redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.progress_stream.redis.STREAM_LENGTH", 100)
    await publish(log, 1_000)
    # Redis drops whole nodes of the stream, of 100 entries each.
    assert await redis.xlen(STREAM) <= 200


async def test_a_reader_behind_the_trimmed_end_gets_what_is_left(log: RedisEventLog, redis: Redis) -> None:
    start = await publish(log, 1)
    await publish(log, 10)
    await redis.xtrim(STREAM, maxlen=3, approximate=False)
    async with log.subscribe("topic", start) as subscription:
        assert [await take(subscription) for _ in range(3)] == [7, 8, 9]


async def test_events_go_on_when_the_stream_was_lost(log: RedisEventLog, redis: Redis) -> None:
    """As with a Redis that keeps nothing on disk."""
    async with log.subscribe("topic") as subscription:
        await publish(log, 5)
        await redis.flushall()
        await take_all_there_is(subscription)
        await publish(log, 1)
        assert await take(subscription) == 0


async def take_all_there_is(subscription: RedisSubscription) -> None:
    while await subscription.next_event(0.1):
        pass


async def test_an_entry_of_another_make_does_not_end_the_reader(
    log: RedisEventLog, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.progress_stream.redis.RETRY_SECONDS", 0.01)
    async with log.subscribe("topic"):
        await redis.xadd(STREAM, {"what": "is this"})
        cursor = await publish(log, 1)
        await eventually(lambda: _has_read(log, cursor))


async def test_nothing_is_read_without_a_subscriber(log: RedisEventLog, redis: Redis) -> None:
    async with log.subscribe("topic") as subscription:
        await publish(log, 1)
        assert await take(subscription) == 0
    # This wakes the reader that is still waiting for an event.
    await publish(log, 1)
    before = await calls_of(redis, "xread")
    await publish(log, 50)
    assert await calls_of(redis, "xread") <= before + 1
    async with log.subscribe("topic") as subscription:
        await log.publish("topic", {"number": 77})
        assert await take(subscription) == 77


async def test_a_log_starts_while_redis_is_away_and_knows_when_it_is_back(
    valkey: EmbeddedValkey, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.progress_stream.redis.RETRY_SECONDS", 0.05)
    monkeypatch.setattr("storage.progress_stream.redis.BLOCK_MS", 50)
    valkey.kill()
    await valkey.wait()
    log = RedisEventLog(redis)
    await log.start()
    assert not log.is_connected
    await valkey.start()

    async def connected() -> bool:
        return log.is_connected

    # The metrics work without a subscriber.
    await eventually(connected)
    async with log.subscribe("topic") as subscription:
        await publish(log, 1)
        assert await take(subscription) == 0
        log.delay = 3600.0

        async def caught_up() -> bool:
            return log.delay == 0

        # Otherwise an alert would stay until the next event.
        await eventually(caught_up)
    await log.close()
