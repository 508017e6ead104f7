"""Progress over a real event log."""

from collections.abc import AsyncIterator, Collection
from uuid import UUID

import pytest

from services.uploads.progress.progress import Progress
from services.uploads.progress.upload_states import UploadState, read_states
from storage.progress_stream import RedisEventLog
from storage.redis.client import close_redis, connect_redis
from tests.services.uploads.progress.watching import Reads


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
async def progress(log: RedisEventLog, database: str) -> Progress:
    return Progress(log)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    """The queries for states of uploads from now on."""
    found: Reads = []

    async def noting(upload_ids: Collection[UUID]) -> dict[UUID, UploadState]:
        found.append(list(upload_ids))
        return await read_states(upload_ids)

    monkeypatch.setattr("services.uploads.progress.upload_states.read_states", noting)
    return found
