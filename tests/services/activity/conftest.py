"""The activity of accounts in this process, and the event log of another one."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest

from services.activity.activity import Activity
from services.changes.notifier import ChangeNotifier
from services.core.counters import Counters
from services.uploads.progress.progress import Progress
from storage.progress_stream import RedisEventLog
from storage.redis.client import close_redis, connect_redis


@dataclass(frozen=True)
class Process:
    """What a process has for the activity of accounts."""

    activity: Activity
    notifier: ChangeNotifier
    progress: Progress
    log: RedisEventLog
    counters: Counters


@asynccontextmanager
async def process(redis_url: str) -> AsyncIterator[Process]:
    """The services of a process."""
    async with AsyncExitStack() as stack:
        redis = connect_redis(redis_url)
        stack.push_async_callback(close_redis, redis)
        log, counters = RedisEventLog(redis), Counters()
        await log.start()
        stack.push_async_callback(log.close)
        activity = Activity(log, counters)
        stack.push_async_callback(activity.close)
        yield Process(activity, ChangeNotifier(log), Progress(log), log, counters)


@pytest.fixture
async def here(database: str, redis_url: str) -> AsyncIterator[Process]:
    """This process."""
    async with process(redis_url) as running:
        yield running


@pytest.fixture
async def other(redis_url: str) -> AsyncIterator[Process]:
    """The services as another process has them, with connections of their own."""
    async with process(redis_url) as running:
        yield running
