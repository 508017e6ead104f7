"""Sets the clock of this process by Redis, so that all hosts agree about the time."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

from redis.asyncio import Redis

from services.core.clock import set_ahead
from storage.redis.connection import RedisUnavailable, in_time

PERIOD_SECONDS = 60.0

_log = logging.getLogger("cloudkeep.clock")


@asynccontextmanager
async def synchronized_clock(redis: Redis) -> AsyncIterator[None]:
    """Use Redis' clock in the block. While Redis is unavailable, the last known difference is used."""
    await _compare(redis)
    task = asyncio.create_task(_compare_for_ever(redis), name="clock-sync")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _compare_for_ever(redis: Redis) -> None:
    while True:
        await asyncio.sleep(PERIOD_SECONDS)
        await _compare(redis)


async def _compare(redis: Redis) -> None:
    try:
        async with in_time():
            before = datetime.now(UTC)
            seconds, microseconds = await redis.time()
            after = datetime.now(UTC)
    except RedisUnavailable:
        return
    there = datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=microseconds)
    ahead = before + (after - before) / 2 - there
    if set_ahead(ahead):
        _log.warning(
            "this host's clock differs by %+.1f s from Redis' clock, which is used instead", ahead.total_seconds()
        )
