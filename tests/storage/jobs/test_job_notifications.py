"""Hints that there may be work: heard at once while Redis is there, missed without harm while it is not."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis

from storage.jobs.job_notifications import QUEUE, JobNotifications
from storage.redis.connection import close_redis, connect_redis
from storage.redis.valkey import EmbeddedValkey
from tests.support.faults.hanging import hanging
from tests.support.faults.road import road_to
from tests.support.waiting import eventually


class Ear:
    """Hears hints as a worker does, and counts them."""

    def __init__(self) -> None:
        self.heard = 0

    def __call__(self) -> None:
        self.heard += 1

    async def has_heard(self, count: int) -> None:
        async def look() -> bool:
            return self.heard >= count

        await eventually(look)


@asynccontextmanager
async def listening(url: str, name: str | None = None) -> AsyncIterator[Ear]:
    hints, ear = JobNotifications(url, name), Ear()
    await hints.start()
    task = asyncio.create_task(hints.listen(ear))
    yield ear
    task.cancel()
    await asyncio.wait({task}, timeout=30)
    assert task.cancelled()
    await hints.close()


@pytest.fixture
async def hints(valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[JobNotifications]:
    monkeypatch.setattr("storage.jobs.job_notifications.RETRY_SECONDS", 0.05)
    speaker = JobNotifications(valkey.url)
    await speaker.start()
    yield speaker
    await speaker.close()


@pytest.fixture
async def redis(valkey: EmbeddedValkey) -> AsyncIterator[Redis]:
    client = connect_redis(valkey.url)
    yield client
    await close_redis(client)


async def heard_again(hints: JobNotifications, ear: Ear) -> None:
    """Return once hints are heard; those that are sent too early may be lost."""
    before = ear.heard

    async def look() -> bool:
        await hints.send("REASSEMBLE")
        await asyncio.sleep(0.05)
        return ear.heard > before

    await eventually(look)


async def test_a_sent_hint_is_heard(hints: JobNotifications, valkey: EmbeddedValkey) -> None:
    async with listening(valkey.url) as ear:
        await hints.send("REASSEMBLE")
        await ear.has_heard(1)


async def test_every_hint_is_heard_by_one_worker(hints: JobNotifications, valkey: EmbeddedValkey) -> None:
    async with listening(valkey.url) as one, listening(valkey.url) as other:
        await asyncio.gather(*(hints.send("COMPRESS") for _ in range(100)))

        async def look() -> bool:
            return one.heard + other.heard >= 100

        await eventually(look)
        assert one.heard + other.heard == 100


async def test_what_was_heard_is_acknowledged(hints: JobNotifications, valkey: EmbeddedValkey, redis: Redis) -> None:
    async with listening(valkey.url) as ear:
        await asyncio.gather(*(hints.send("COMPRESS") for _ in range(20)))
        await ear.has_heard(20)
        assert (await redis.xpending(QUEUE, "workers"))["pending"] == 0


async def test_a_worker_that_died_leaves_no_hint_that_holds_up_the_others(
    hints: JobNotifications, valkey: EmbeddedValkey, redis: Redis
) -> None:
    await hints.send("COMPRESS")
    await redis.xreadgroup("workers", "dead", {QUEUE: ">"})
    async with listening(valkey.url) as ear:
        await hints.send("COMPRESS")
        await ear.has_heard(1)


async def test_a_worker_that_comes_back_is_the_same_listener_and_those_that_are_gone_are_forgotten(
    hints: JobNotifications, valkey: EmbeddedValkey, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    await redis.xgroup_createconsumer(QUEUE, "workers", "gone")

    async def listeners() -> set[str]:
        return {consumer["name"] for consumer in await redis.xinfo_consumers(QUEUE, "workers")}

    for _ in range(2):
        async with listening(valkey.url, "one") as ear:
            await heard_again(hints, ear)
    assert await listeners() == {"gone", "one"}
    monkeypatch.setattr("storage.jobs.job_notifications.GONE_MS", -1)
    async with listening(valkey.url, "two") as ear:
        await heard_again(hints, ear)
        assert await listeners() == {"two"}


async def test_the_stream_is_trimmed(valkey: EmbeddedValkey, redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.jobs.job_notifications.QUEUE_LENGTH", 100)
    hints = JobNotifications(valkey.url)
    await hints.start()
    await asyncio.gather(*(hints.send("COMPRESS") for _ in range(500)))
    # Redis drops whole nodes of the stream, of 100 entries each.
    assert await redis.xlen(QUEUE) <= 200
    await hints.close()


async def crash(valkey: EmbeddedValkey, redis: Redis) -> None:
    valkey.kill()
    await valkey.wait()
    await valkey.start()


async def lose_everything(valkey: EmbeddedValkey, redis: Redis) -> None:
    await redis.flushall()


@pytest.mark.parametrize("disaster", [crash, lose_everything])
async def test_hints_are_heard_again_after_a_disaster(
    disaster: Callable[[EmbeddedValkey, Redis], Awaitable[None]],
    hints: JobNotifications,
    valkey: EmbeddedValkey,
    redis: Redis,
) -> None:
    async with listening(valkey.url) as ear:
        await heard_again(hints, ear)
        await disaster(valkey, redis)
        await heard_again(hints, ear)


async def test_a_hint_that_cannot_be_sent_fails_nothing(hints: JobNotifications, valkey: EmbeddedValkey) -> None:
    valkey.kill()
    await valkey.wait()
    await hints.send("COMPRESS")


async def test_a_redis_that_hangs_holds_nobody_up(
    hints: JobNotifications, valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.redis.connection.CALL_SECONDS", 0.1)
    with hanging(valkey):
        async with asyncio.timeout(30):
            await asyncio.gather(*(hints.send("COMPRESS") for _ in range(10)))
    async with listening(valkey.url) as ear:
        await heard_again(hints, ear)


async def test_a_listener_without_redis_can_be_cancelled(hints: JobNotifications, valkey: EmbeddedValkey) -> None:
    async with listening(valkey.url):
        valkey.kill()
        await valkey.wait()
        await asyncio.sleep(0.2)


async def test_hints_start_without_redis_and_are_heard_when_it_comes(
    hints: JobNotifications, valkey: EmbeddedValkey
) -> None:
    valkey.kill()
    await valkey.wait()
    async with listening(valkey.url) as ear:
        await valkey.start()
        await heard_again(hints, ear)


async def test_hints_are_heard_again_when_redis_has_vanished_without_a_word(
    hints: JobNotifications, valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.jobs.job_notifications.SILENCE_SECONDS", 0.2)
    monkeypatch.setattr("storage.redis.connection.CALL_SECONDS", 0.5)
    async with road_to(valkey) as road, listening(road.url) as ear:
        await heard_again(hints, ear)
        road.forget()
        await heard_again(hints, ear)


async def test_who_has_heard_nothing_for_long_still_hears_the_next_hint(
    hints: JobNotifications, valkey: EmbeddedValkey, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.jobs.job_notifications.SILENCE_SECONDS", 0.05)

    async def asked_anew() -> bool:
        stats = await redis.info("commandstats")
        return bool(stats.get("cmdstat_xgroup|create", {"calls": 0})["calls"] > 5)

    async with listening(valkey.url) as ear:
        await eventually(asked_anew)
        await heard_again(hints, ear)
