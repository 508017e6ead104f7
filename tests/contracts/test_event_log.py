"""What every event log promises, tested for each implementation."""

import asyncio
import gc
import weakref
from contextlib import AsyncExitStack

import pytest

from storage.errors import InvalidCursor
from storage.progress_stream import EventLog, Subscription
from storage.redis.connection import RedisUnavailable
from tests.contracts.event_backends import LogBackend

SECONDS = 30.0
#: More than any implementation buffers for one subscriber.
MANY = 1_500
FOREIGN = (
    *("", "0", "-", "+", "$", "1-", "-1", "1-1-1", " 1-1", "1-1\n", "(1-1", "one-two", "1.5-0", "1" * 5_000),
    "\N{ARABIC-INDIC DIGIT ONE}-1",
    "18446744073709551616-0",
    "0-18446744073709551616",
    "18446744073709551615-18446744073709551615",
)


async def publish(log: EventLog, numbers: range, topic: str = "topic") -> None:
    for number in numbers:
        await log.publish(topic, {"number": number})


async def take(subscription: Subscription, count: int) -> list[int]:
    """The numbers of the next events."""
    found: list[int] = []
    for _ in range(count):
        event = await subscription.next_event(SECONDS)
        assert event, found
        found.append(event.payload["number"])
    return found


async def silent(subscription: Subscription) -> bool:
    """Whether there is no further event."""
    return await subscription.next_event(0.1) is None


async def test_events_come_once_and_in_order(log: EventLog) -> None:
    async with log.subscribe("topic") as subscription:
        await publish(log, range(100))
        assert await take(subscription, 100) == list(range(100))
        assert await silent(subscription)


async def test_an_event_arrives_as_it_was_published(log: EventLog) -> None:
    payload = {"text": "zwölf ✓\n\0", "float": 0.1, "none": None, "nested": {"list": [1, True, {}]}}
    async with log.subscribe("topic") as subscription:
        cursor = await log.publish("topic", payload)
        event = await subscription.next_event(SECONDS)
    assert event
    assert (event.cursor, event.topic, event.payload) == (cursor, "topic", payload)


async def test_what_another_process_publishes_arrives_too(log_backend: LogBackend) -> None:
    async with log_backend.log.subscribe("topic") as subscription:
        await publish(log_backend.other, range(10))
        assert await take(subscription, 10) == list(range(10))


async def test_a_subscriber_of_all_topics_gets_every_event_in_order(log_backend: LogBackend) -> None:
    async with log_backend.log.subscribe() as everything, log_backend.log.subscribe("one") as one:
        for number in range(6):
            await publish(log_backend.other, range(number, number + 1), "one" if number % 2 else "other")
        assert await take(everything, 6) == list(range(6))
        assert await take(one, 3) == [1, 3, 5]


async def test_subscribers_of_an_owner_get_the_events_of_all_its_topics_once(log_backend: LogBackend) -> None:
    """Also the event whose topic and owner are equal, and also when they are read again."""
    async with log_backend.log.subscribe("owner") as live, log_backend.log.subscribe("one") as one:
        start = live.cursor
        for number, topic in enumerate(("one", "two", "owner", "one")):
            await log_backend.other.publish(topic, {"number": number}, "owner")
        await log_backend.other.publish("one", {"number": 4}, "another")
        await log_backend.other.publish("owner", {"number": 5})
        assert await take(live, 5) == [0, 1, 2, 3, 5]
        assert await take(one, 3) == [0, 3, 4]
    async with log_backend.log.subscribe("owner", start) as late:
        assert await take(late, 5) == [0, 1, 2, 3, 5]
        assert await silent(late)


async def test_a_slow_reader_of_all_topics_misses_nothing(log: EventLog) -> None:
    async with log.subscribe() as subscription:
        await publish(log, range(MANY))
        assert await take(subscription, MANY) == list(range(MANY))


async def test_every_subscriber_gets_every_event(log_backend: LogBackend) -> None:
    async with AsyncExitStack() as stack:
        logs = [log_backend.log, log_backend.other] * 10
        subscriptions = [await stack.enter_async_context(log.subscribe("topic")) for log in logs]
        await publish(log_backend.log, range(20))
        assert await asyncio.gather(*(take(one, 20) for one in subscriptions)) == [list(range(20))] * 20


async def test_topics_are_kept_apart(log: EventLog) -> None:
    async with log.subscribe("one") as one, log.subscribe("two") as two:
        for number in range(10):
            await publish(log, range(number, number + 1), topic=("one", "two")[number % 2])
        assert await take(one, 5) == [0, 2, 4, 6, 8]
        assert await take(two, 5) == [1, 3, 5, 7, 9]
        assert await silent(one)
        assert await silent(two)


async def test_a_busy_topic_does_not_hide_a_quiet_one(log: EventLog) -> None:
    async with log.subscribe("quiet") as subscription:
        await asyncio.gather(*(log.publish("busy", {}) for _ in range(MANY)))
        await log.publish("quiet", {"number": 1})
        assert await take(subscription, 1) == [1]


async def test_nothing_is_missed_from_the_moment_of_entering(log_backend: LogBackend) -> None:
    """Other tasks publish all the time, so the subscription starts between any two of their steps."""
    for number in range(50):
        noise = asyncio.create_task(publish(log_backend.other, range(20), topic="noise"))
        await asyncio.sleep(number / 20_000)
        async with log_backend.log.subscribe("topic") as subscription:
            await publish(log_backend.other, range(number, number + 2))
            assert (await take(subscription, 2))[-1] == number + 1
        await noise


async def test_a_subscription_resumes_behind_its_cursor(log: EventLog) -> None:
    async with log.subscribe("topic") as subscription:
        await publish(log, range(10))
        await take(subscription, 4)
        cursor = subscription.cursor
    async with log.subscribe("topic", cursor) as subscription:
        assert await take(subscription, 6) == [4, 5, 6, 7, 8, 9]
        assert await silent(subscription)


async def test_the_cursor_of_an_event_resumes_in_another_process(log_backend: LogBackend) -> None:
    cursors = [await log_backend.log.publish("topic", {"number": number}) for number in range(5)]
    async with log_backend.other.subscribe("topic", cursors[1]) as subscription:
        assert await take(subscription, 3) == [2, 3, 4]


async def test_the_cursor_is_that_of_the_last_event_taken(log: EventLog) -> None:
    async with log.subscribe("topic") as subscription:
        await publish(log, range(3))
        event = await subscription.next_event(SECONDS)
        assert event
        assert subscription.cursor == event.cursor


async def test_a_reader_that_comes_back_again_and_again_misses_nothing(log: EventLog) -> None:
    start = await log.publish("topic", {"number": -1})
    publisher = asyncio.create_task(publish(log, range(200)))
    found: list[int] = []
    while len(found) < 200:
        async with log.subscribe("topic", start) as subscription:
            found += await take(subscription, min(7, 200 - len(found)))
            start = subscription.cursor
    assert found == list(range(200))
    await publisher


async def test_a_slow_reader_gets_everything_once_and_in_order(log: EventLog) -> None:
    async with log.subscribe("topic") as subscription:
        await publish(log, range(3))
        assert await take(subscription, 3) == [0, 1, 2]
        await publish(log, range(MANY))
        assert await take(subscription, MANY) == list(range(MANY))
        assert await silent(subscription)


async def test_a_reader_that_is_slow_all_the_time_gets_everything_once_and_in_order(log_backend: LogBackend) -> None:
    async with log_backend.log.subscribe("topic") as subscription:
        publisher = asyncio.create_task(publish(log_backend.other, range(MANY)))
        found: list[int] = []
        while len(found) < MANY:
            await asyncio.sleep(0.001 * (len(found) % 200 == 0))
            found += await take(subscription, 1)
        assert found == list(range(MANY))
        await publisher


async def test_a_silent_topic_times_out(log: EventLog) -> None:
    async with log.subscribe("topic") as subscription:
        assert await subscription.next_event(0.01) is None
        assert await subscription.next_event(0) is None


async def test_a_timeout_loses_nothing(log: EventLog) -> None:
    async with log.subscribe("topic") as subscription:
        publisher = asyncio.create_task(publish(log, range(300)))
        found: list[int] = []
        while len(found) < 300:
            event = await subscription.next_event(0.0005)
            found += [event.payload["number"]] if event else []
        assert found == list(range(300))
        await publisher


async def test_a_reader_that_is_cancelled_loses_nothing(log: EventLog) -> None:
    async with log.subscribe("topic") as subscription:
        publisher = asyncio.create_task(publish(log, range(100)))
        found: list[int] = []
        while len(found) < 100:
            reader = asyncio.create_task(take(subscription, 1))
            await asyncio.wait({reader}, timeout=0.0005)
            # A result that is available at the cancellation is not lost either.
            reader.cancel()
            await asyncio.wait({reader})
            found += [] if reader.cancelled() else reader.result()
        assert found == list(range(100))
        await publisher


async def test_a_cursor_that_this_server_did_not_make_is_refused(log: EventLog) -> None:
    for cursor in FOREIGN:
        with pytest.raises(InvalidCursor):
            async with log.subscribe("topic", cursor):
                pass


async def test_leaving_frees_the_subscription(log: EventLog) -> None:
    async with log.subscribe("topic") as subscription:
        await publish(log, range(1))
        await take(subscription, 1)
        alive = weakref.ref(subscription)
    del subscription
    gc.collect()
    assert alive() is None


async def test_leaving_takes_nothing_from_others(log: EventLog) -> None:
    async with log.subscribe("topic") as stays:
        async with log.subscribe("topic"):
            pass
        await publish(log, range(1))
        assert await take(stays, 1) == [0]


async def test_nothing_is_published_while_the_log_is_away(log_backend: LogBackend) -> None:
    await log_backend.crash()
    with pytest.raises(RedisUnavailable):
        await log_backend.log.publish("topic", {})
    await log_backend.recover()
    await log_backend.log.publish("topic", {})


async def test_subscribers_go_on_after_a_crash_and_get_every_event_once(log_backend: LogBackend) -> None:
    async with log_backend.log.subscribe("topic") as subscription:
        await publish(log_backend.other, range(10))
        assert await take(subscription, 5) == [0, 1, 2, 3, 4]
        for crash in range(1, 4):
            await log_backend.crash()
            await log_backend.recover()
            await publish(log_backend.other, range(10 * crash, 10 * crash + 10))
        assert await take(subscription, 35) == list(range(5, 40))
        assert await silent(subscription)


async def test_a_reader_waits_patiently_while_the_log_is_away(log_backend: LogBackend) -> None:
    async with log_backend.log.subscribe("topic") as subscription:
        await log_backend.crash()
        assert await subscription.next_event(0.2) is None
        await log_backend.recover()
        await publish(log_backend.other, range(1))
        assert await take(subscription, 1) == [0]


async def test_who_subscribes_while_the_log_is_away_gets_what_comes_later(log_backend: LogBackend) -> None:
    await log_backend.crash()
    async with log_backend.log.subscribe("topic") as subscription:
        assert await subscription.next_event(0.2) is None
        await log_backend.recover()
        await publish(log_backend.other, range(5))
        assert await take(subscription, 5) == list(range(5))


async def test_a_cursor_outlives_a_crash(log_backend: LogBackend) -> None:
    cursor = await log_backend.log.publish("topic", {"number": 0})
    await publish(log_backend.log, range(1, 4))
    await log_backend.crash()
    await log_backend.recover()
    async with log_backend.log.subscribe("topic", cursor) as subscription:
        assert await take(subscription, 3) == [1, 2, 3]
