"""Several workers with one store: each byte is read about once, and a dead worker only costs time."""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import ClassVar

import pytest

from cloudkeep.settings.settings import Settings
from cloudkeep.supervisor.worker_process import work
from services.media.content_types.media_types import EXAMINED
from services.uploads.progress.frame import ProgressFrame, receiving_frame
from services.uploads.progress.progress import Progress
from storage.blobs import LocalBlobStore
from storage.jobs import jobs
from storage.jobs.models import JobKind
from storage.jobs.worker_heartbeat import WorkerHeartbeats
from storage.progress_stream import RedisEventLog
from storage.redis.client import close_redis, connect_redis
from storage.uploads.models import Upload, UploadStatus
from tests.support.waiting import eventually
from tests.workers.conftest import CHUNK, fill, new_upload

CONTENT = bytes(range(256)) * 1024
UPLOADS = 9
NAMES = ("one", "two", "three")


class CountingStore(LocalBlobStore):
    """A local store that counts the bytes of verification."""

    bytes_read: ClassVar = Counter[str]()

    async def scan(self, key: str, offset: int, length: int, consume: Callable[[memoryview], None]) -> None:
        self.bytes_read[key] += length
        await super().scan(key, offset, length, consume)


@pytest.fixture
async def progress(redis_url: str, database: str) -> AsyncIterator[Progress]:
    redis = connect_redis(redis_url)
    yield Progress(RedisEventLog(redis))
    await close_redis(redis)


@pytest.fixture
async def settings(tmp_path: Path, database_url: str, redis_url: str) -> Settings:
    blobs = (tmp_path / "blobs").as_uri()
    return Settings(data_dir=tmp_path, database_url=database_url, redis_url=redis_url, blob_url=blobs)


@asynccontextmanager
async def working(
    settings: Settings, caplog: pytest.LogCaptureFixture, *names: str
) -> AsyncIterator[dict[str, asyncio.Task[None]]]:
    """Workers that know each other."""
    caplog.set_level(logging.INFO, "cloudkeep.worker")
    tasks = {name: asyncio.create_task(work(settings.model_copy(update={"worker_name": name}))) for name in names}

    async def all_know() -> bool:
        return caplog.messages.count(f"{len(names)} workers are alive") == len(names)

    try:
        await eventually(all_know)
        yield tasks
    finally:
        for task in tasks.values():
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def send_all_but_last(store: LocalBlobStore, progress: Progress, uploads: list[Upload]) -> None:
    for index in range(uploads[0].chunk_count - 1):
        for upload in uploads:
            received = await fill(store, upload, CONTENT, index)
            await progress.publish(receiving_frame(upload.id, received, upload.size))


async def send_last(store: LocalBlobStore, progress: Progress, upload: Upload) -> None:
    await fill(store, upload, CONTENT, upload.chunk_count - 1)
    await progress.publish(ProgressFrame(upload.id, UploadStatus.REASSEMBLING, 0.0, 0, upload.size))


async def say_nothing(heartbeats: WorkerHeartbeats, name: str) -> None:
    pass


async def ready(upload: Upload) -> bool:
    await upload.refresh_from_db()
    return upload.status is UploadStatus.READY


async def test_three_workers_read_each_byte_once_and_the_owner_ends_the_job(
    settings: Settings,
    progress: Progress,
    store: LocalBlobStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("workers.loop.ANNOUNCE_SECONDS", 0.1)

    async def counting(*_: object) -> CountingStore:
        return CountingStore(tmp_path / "blobs")

    monkeypatch.setattr("cloudkeep.resources.resources.open_blob_store", counting)
    CountingStore.bytes_read.clear()
    uploads = [await new_upload(CONTENT) for _ in range(UPLOADS)]
    for upload in uploads:
        await store.stage(str(upload.id), upload.size)
    expected = {str(upload.id): len(CONTENT) for upload in uploads}
    behind = {key: size - CHUNK for key, size in expected.items()}

    async def followed() -> bool:
        return behind == CountingStore.bytes_read

    async with working(settings, caplog, *NAMES):
        await send_all_but_last(store, progress, uploads)
        await eventually(followed)
        for upload in uploads:
            await send_last(store, progress, upload)
            await eventually(partial(ready, upload))
    # The first bytes are read once more, for the type.
    assert {key: size + EXAMINED for key, size in expected.items()} == CountingStore.bytes_read
    owners = [await jobs.find(JobKind.REASSEMBLE, upload.id) for upload in uploads]
    assert len({job.lease_owner for job in owners if job}) > 1


async def test_an_owner_that_is_gone_costs_time_alone(
    settings: Settings,
    progress: Progress,
    store: LocalBlobStore,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("workers.loop.ANNOUNCE_SECONDS", 0.1)
    # A killed worker does not leave the membership.
    monkeypatch.setattr(WorkerHeartbeats, "leave", say_nothing)
    uploads = [await new_upload(CONTENT) for _ in range(UPLOADS)]
    for upload in uploads:
        await store.stage(str(upload.id), upload.size)
    async with working(settings, caplog, *NAMES) as tasks:
        await send_all_but_last(store, progress, uploads)
        for name in NAMES[1:]:
            tasks[name].cancel()
        for upload in uploads:
            await send_last(store, progress, upload)
        for upload in uploads:
            await eventually(partial(ready, upload))
