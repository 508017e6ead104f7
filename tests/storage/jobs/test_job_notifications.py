"""Notifications that a job may be due: received at once, and missed without harm while Redis is away."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis

from storage.jobs.job_notifications import QUEUE, JobNotifications
from storage.redis.client import close_redis, connect_redis
from storage.redis.valkey import EmbeddedValkey
from tests.support.faults.hanging import hanging
from tests.support.faults.tcp_tunnel import tunnel_to
from tests.support.waiting import eventually


class Listener:
    """Receives notifications as a worker does, and counts them."""

    def __init__(self) -> None:
        self.received = 0

    def __call__(self) -> None:
        self.received += 1

    async def has_received(self, count: int) -> None:
        async def look() -> bool:
            return self.received >= count

        await eventually(look)


@asynccontextmanager
async def listening(url: str, name: str | None = None) -> AsyncIterator[Listener]:
    notifications, listener = JobNotifications(url, name), Listener()
    await notifications.start()
    task = asyncio.create_task(notifications.listen(listener))
    yield listener
    task.cancel()
    await asyncio.wait({task}, timeout=30)
    assert task.cancelled()
    await notifications.close()


@pytest.fixture
async def notifications(valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[JobNotifications]:
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


async def received_again(notifications: JobNotifications, listener: Listener) -> None:
    """Return once notifications are received; those that are sent too early may be lost."""
    before = listener.received

    async def look() -> bool:
        await notifications.send("REASSEMBLE")
        await asyncio.sleep(0.05)
        return listener.received > before

    await eventually(look)


async def test_a_sent_notification_is_received(notifications: JobNotifications, valkey: EmbeddedValkey) -> None:
    async with listening(valkey.url) as listener:
        await notifications.send("REASSEMBLE")
        await listener.has_received(1)


async def test_every_notification_is_received_by_one_worker(
    notifications: JobNotifications, valkey: EmbeddedValkey
) -> None:
    async with listening(valkey.url) as one, listening(valkey.url) as other:
        await asyncio.gather(*(notifications.send("COMPRESS") for _ in range(100)))

        async def look() -> bool:
            return one.received + other.received >= 100

        await eventually(look)
        assert one.received + other.received == 100


async def test_what_was_received_is_acknowledged(
    notifications: JobNotifications, valkey: EmbeddedValkey, redis: Redis
) -> None:
    async with listening(valkey.url) as listener:
        await asyncio.gather(*(notifications.send("COMPRESS") for _ in range(20)))
        await listener.has_received(20)
        assert (await redis.xpending(QUEUE, "workers"))["pending"] == 0


async def test_a_worker_that_died_leaves_no_notification_that_holds_up_the_others(
    notifications: JobNotifications, valkey: EmbeddedValkey, redis: Redis
) -> None:
    await notifications.send("COMPRESS")
    await redis.xreadgroup("workers", "dead", {QUEUE: ">"})
    async with listening(valkey.url) as listener:
        await notifications.send("COMPRESS")
        await listener.has_received(1)


async def test_a_worker_that_comes_back_is_the_same_listener_and_those_that_are_gone_are_forgotten(
    notifications: JobNotifications, valkey: EmbeddedValkey, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    await redis.xgroup_createconsumer(QUEUE, "workers", "gone")

    async def listeners() -> set[str]:
        return {consumer["name"] for consumer in await redis.xinfo_consumers(QUEUE, "workers")}

    for _ in range(2):
        async with listening(valkey.url, "one") as listener:
            await received_again(notifications, listener)
    assert await listeners() == {"gone", "one"}
    monkeypatch.setattr("storage.jobs.job_notifications.DEAD_CONSUMER_MS", -1)
    async with listening(valkey.url, "two") as listener:
        await received_again(notifications, listener)
        assert await listeners() == {"two"}


async def test_the_stream_is_trimmed(valkey: EmbeddedValkey, redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.jobs.job_notifications.QUEUE_LENGTH", 100)
    notifications = JobNotifications(valkey.url)
    await notifications.start()
    await asyncio.gather(*(notifications.send("COMPRESS") for _ in range(500)))
    # Redis drops whole nodes of the stream, of 100 entries each.
    assert await redis.xlen(QUEUE) <= 200
    await notifications.close()


async def crash(valkey: EmbeddedValkey, redis: Redis) -> None:
    valkey.kill()
    await valkey.wait()
    await valkey.start()


async def lose_everything(valkey: EmbeddedValkey, redis: Redis) -> None:
    await redis.flushall()


@pytest.mark.parametrize("disaster", [crash, lose_everything])
async def test_notifications_are_received_again_after_a_disaster(
    disaster: Callable[[EmbeddedValkey, Redis], Awaitable[None]],
    notifications: JobNotifications,
    valkey: EmbeddedValkey,
    redis: Redis,
) -> None:
    async with listening(valkey.url) as listener:
        await received_again(notifications, listener)
        await disaster(valkey, redis)
        await received_again(notifications, listener)


async def test_a_notification_that_cannot_be_sent_fails_nothing(
    notifications: JobNotifications, valkey: EmbeddedValkey
) -> None:
    valkey.kill()
    await valkey.wait()
    await notifications.send("COMPRESS")


async def test_a_redis_that_hangs_delays_no_caller(
    notifications: JobNotifications, valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.redis.connection.CALL_SECONDS", 0.1)
    with hanging(valkey):
        async with asyncio.timeout(30):
            await asyncio.gather(*(notifications.send("COMPRESS") for _ in range(10)))
    async with listening(valkey.url) as listener:
        await received_again(notifications, listener)


async def test_a_listener_without_redis_can_be_cancelled(
    notifications: JobNotifications, valkey: EmbeddedValkey
) -> None:
    async with listening(valkey.url):
        valkey.kill()
        await valkey.wait()
        await asyncio.sleep(0.2)


async def test_notifications_start_without_redis_and_are_received_when_it_comes(
    notifications: JobNotifications, valkey: EmbeddedValkey
) -> None:
    valkey.kill()
    await valkey.wait()
    async with listening(valkey.url) as listener:
        await valkey.start()
        await received_again(notifications, listener)


async def test_notifications_are_received_again_when_redis_has_vanished_without_a_word(
    notifications: JobNotifications, valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.jobs.job_notifications.SILENCE_SECONDS", 0.2)
    monkeypatch.setattr("storage.redis.connection.CALL_SECONDS", 0.5)
    async with tunnel_to(valkey) as tunnel, listening(tunnel.url) as listener:
        await received_again(notifications, listener)
        tunnel.forget()
        await received_again(notifications, listener)


async def test_who_has_received_nothing_for_long_still_receives_the_next_notification(
    notifications: JobNotifications, valkey: EmbeddedValkey, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.jobs.job_notifications.SILENCE_SECONDS", 0.05)

    async def asked_anew() -> bool:
        stats = await redis.info("commandstats")
        return bool(stats.get("cmdstat_xgroup|create", {"calls": 0})["calls"] > 5)

    async with listening(valkey.url) as listener:
        await eventually(asked_anew)
        await received_again(notifications, listener)
