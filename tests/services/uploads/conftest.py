"""Progress over a real event log."""

from collections.abc import AsyncIterator

import pytest

from storage.progress_stream import RedisEventLog
from storage.redis.connection import close_redis, connect_redis
from tests.services.uploads.watching import CountingProgress


@pytest.fixture
async def log(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RedisEventLog]:
    monkeypatch.setattr("storage.progress_stream.redis.RETRY_SECONDS", 0.05)
    redis = connect_redis(redis_url)
    opened = RedisEventLog(redis)
    await opened.start()
    yield opened
    await opened.close()
    await close_redis(redis)


@pytest.fixture
async def progress(log: RedisEventLog, database: str) -> CountingProgress:
    return CountingProgress(log)
