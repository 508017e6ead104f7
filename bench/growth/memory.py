"""Bytes that CloudKeep's data takes in Valkey, and processor time for events."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from uuid import uuid4

from redis.asyncio import Redis

from bench.clients.payload import GIB
from bench.growth.figure import Figure
from services.budgets.budgets import Budgets, Limits, Payer
from services.uploads.chunk_sizes import default_chunk_size
from services.uploads.progress.frame import receiving_frame
from storage.budgets.subscription_leases import SubscriptionLeaseStore
from storage.progress_stream import RedisEventLog
from storage.redis.client import close_redis, connect_redis
from storage.token_buckets import LocalBuckets, RedisBuckets

#: A cursor before every event.
NEVER = "0-0"
PATIENCE_SECONDS = 10.0
#: A large amount, so that no bucket is full, and deleted, before it is measured.
POINTS, CHUNK_BYTES = 15_000, 100 * GIB
#: Calls that are under way at the same time.
AT_ONCE = 64


async def measure(url: str, count: int) -> list[Figure]:
    """Measure ``count`` of each in an empty Valkey."""
    redis = connect_redis(url)
    try:
        return [
            await _weighed(redis, "event", count, _events(redis)),
            await _weighed(redis, "account and address with a budget in use", count, _budgets(url)),
            await _weighed(redis, "open subscription of an account", count, _seats(redis)),
            *await _processor_time(redis, count),
        ]
    finally:
        await close_redis(redis)


Make = Callable[[int], Awaitable[None]]


async def _weighed(redis: Redis, name: str, count: int, make: Make) -> Figure:
    # Valkey would otherwise do this in the background, during the measurement.
    await redis.eval("redis.call('FLUSHALL', 'SYNC')", 0)
    before = await _used(redis)
    await make(count)
    return Figure(name, (await _used(redis) - before) / count, "bytes in Valkey", count)


async def _used(redis: Redis) -> int:
    info = await redis.info("memory")
    return int(info["used_memory"])


def _events(redis: Redis) -> Make:
    log = RedisEventLog(redis)

    async def publish(number: int) -> None:
        frame = receiving_frame(uuid4(), number * default_chunk_size(GIB), GIB)
        await log.publish(str(frame.upload_id), frame.to_payload())

    return lambda count: _each(count, publish)


def _budgets(url: str) -> Make:
    async def make(count: int) -> None:
        buckets = RedisBuckets(url, 10)
        await buckets.start()
        # Without the global bucket, which all share.
        budgets = Budgets(Limits(all=None), buckets, LocalBuckets())

        async def reserve(number: int) -> None:
            address = f"198.{18 + number // 65536}.{number // 256 % 256}.{number % 256}"
            await budgets.reserve(Payer(address, uuid4()), POINTS, CHUNK_BYTES)

        await _each(count, reserve)
        await buckets.close()

    return make


def _seats(redis: Redis) -> Make:
    leases = SubscriptionLeaseStore(redis)

    async def take(_: int) -> None:
        await leases.acquire(str(uuid4()), str(uuid4()), 1)

    return lambda count: _each(count, take)


async def _processor_time(redis: Redis, count: int) -> list[Figure]:
    """The processor time of one event, for its sender and for each process with a watcher."""
    await redis.flushall()
    log = RedisEventLog(redis)
    await log.start()
    start = time.process_time()
    await _events(redis)(count)
    sender_seconds = time.process_time() - start
    start = time.process_time()
    async with log.subscribe(after=NEVER) as watcher:
        for _ in range(count):
            await watcher.next_event(PATIENCE_SECONDS)
    read = time.process_time() - start
    await log.close()
    return [
        Figure("event sent", sender_seconds / count * 1e6, "us of the sender's processor", count),
        Figure("event read", read / count * 1e6, "us of each watching process's processor", count),
    ]


async def _each(count: int, make: Callable[[int], Awaitable[None]]) -> None:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> None:
        async with gate:
            await make(number)

    for start in range(0, count, 10 * AT_ONCE):
        await asyncio.gather(*(one(number) for number in range(start, min(count, start + 10 * AT_ONCE))))
