"""A disk that fails to write what it was given: no file becomes READY whose bytes are only in memory."""

import errno
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from services.core.clock import now
from storage.blobs import LocalBlobStore
from storage.errors import NoSpace
from storage.jobs import jobs
from storage.jobs.models import Job, JobKind
from storage.uploads import receipts
from storage.uploads.models import Upload, UploadStatus
from tests.storage.rows import filled_indexes
from tests.support.faults.failing_disk import FailingDisk
from tests.workers.conftest import CHUNK, fill, full_upload
from workers.job_context import JobContext
from workers.uploads.follower import Follower, _Followed
from workers.uploads.reassemble import reassemble
from workers.uploads.verification import Verification

CONTENT = bytes(range(1, 251)) * 1024
SECOND = (CHUNK, CHUNK)


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FailingDisk:
    return FailingDisk(tmp_path / "blobs", monkeypatch)


async def claim() -> Job:
    job = await jobs.claim([JobKind.REASSEMBLE], "test", timedelta(minutes=1), now())
    assert job
    return job


async def look(upload: Upload) -> Upload:
    return await Upload.get(id=upload.id)


async def fails(context: JobContext, error: type[Exception] = OSError) -> None:
    """Reassemble once, which fails and gives the job back, without counting the attempt."""
    job = await claim()
    with pytest.raises(error):
        await reassemble(job, context)
    await jobs.give_back(job, now())


async def send_again_what_is_open(store: LocalBlobStore, upload: Upload, context: JobContext) -> list[int]:
    """Fill the open slots, and reassemble. Returns their indexes."""
    filled = await filled_indexes(upload.id)
    missing = [index for index in range(upload.chunk_count) if index not in filled]
    for index in missing:
        await fill(store, await look(upload), CONTENT, index)
    if missing:
        await reassemble(await claim(), context)
    return missing


async def require_ready_on_the_device(store: LocalBlobStore, disk: FailingDisk, upload: Upload) -> None:
    assert (await look(upload)).status is UploadStatus.READY
    disk.drop_all_pages()
    assert b"".join([block async for block in store.read(str(upload.id), 0, len(CONTENT))]) == CONTENT


async def test_a_chunk_that_was_lost_by_a_failed_sync_is_sent_again_and_no_other(
    context: JobContext, store: LocalBlobStore, disk: FailingDisk
) -> None:
    upload = await full_upload(store, CONTENT)
    disk.fail_once(SECOND)
    await fails(context)
    await reassemble(await claim(), context)
    assert await send_again_what_is_open(store, upload, context) == [1]
    await require_ready_on_the_device(store, disk, upload)


async def test_a_failed_sync_that_lost_nothing_costs_another_attempt_only(
    context: JobContext, store: LocalBlobStore, disk: FailingDisk
) -> None:
    upload = await full_upload(store, CONTENT)
    disk.fail_once()
    await fails(context)
    await reassemble(await claim(), context)
    await require_ready_on_the_device(store, disk, upload)


async def test_a_sync_that_found_the_device_full_is_a_failed_sync(
    context: JobContext, store: LocalBlobStore, disk: FailingDisk
) -> None:
    upload = await full_upload(store, CONTENT)
    disk.error = errno.ENOSPC
    disk.fail_once(SECOND)
    await fails(context, NoSpace)
    await reassemble(await claim(), context)
    assert await send_again_what_is_open(store, upload, context) == [1]
    await require_ready_on_the_device(store, disk, upload)


async def test_what_another_worker_verified_before_a_failed_sync_counts_no_more(
    context: JobContext, store: LocalBlobStore, disk: FailingDisk
) -> None:
    upload = await full_upload(store, CONTENT)
    verified = Verification(upload, store)
    for receipt in await receipts.find_all(upload.id):
        await verified.advance(receipt)
    other = replace(context, follower=Remembering(context, verified))
    disk.fail_once(SECOND)
    await fails(context)
    await reassemble(await claim(), other)
    assert await send_again_what_is_open(store, upload, context) == [1]
    await require_ready_on_the_device(store, disk, upload)


async def test_a_worker_that_is_killed_by_a_failed_sync_leaves_a_trace_of_it(
    context: JobContext, store: LocalBlobStore, disk: FailingDisk
) -> None:
    upload = await full_upload(store, CONTENT)
    disk.fail_once(SECOND)
    with pytest.raises(OSError, match="error"):
        # Nothing of the worker runs after this.
        store._folder.prepare(str(upload.id))
    await reassemble(await claim(), context)
    assert await send_again_what_is_open(store, upload, context) == [1]
    await require_ready_on_the_device(store, disk, upload)


async def test_a_name_whose_sync_failed_is_written_again(
    context: JobContext, store: LocalBlobStore, disk: FailingDisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = await full_upload(store, CONTENT)
    disk.fail_folder_once()
    await fails(context)
    renamed: list[str] = []
    rename = Path.rename

    def record(source: Path, target: Path) -> Path:
        renamed.append(target.parent.name)
        return rename(source, target)

    monkeypatch.setattr(Path, "rename", record)
    await reassemble(await claim(), context)
    # Into the first folder and back, so that both folders are written again.
    assert renamed[:2] == ["staging", str(upload.id)[-4:-2]]
    await require_ready_on_the_device(store, disk, upload)


async def test_an_upload_that_ends_leaves_no_trace_of_a_failed_sync(
    context: JobContext, store: LocalBlobStore, disk: FailingDisk, tmp_path: Path
) -> None:
    traces = tmp_path / "blobs" / "syncing"
    for end in (lambda key: reassembled(context), store.discard):
        upload = await full_upload(store, CONTENT)
        disk.fail_once()
        await fails(context)
        assert len(list(traces.iterdir())) == 1
        await end(upload.staging_area)
        assert list(traces.iterdir()) == []


async def reassembled(context: JobContext) -> None:
    await reassemble(await claim(), context)


class Remembering(Follower):
    """The follower of a worker that has verified an upload."""

    def __init__(self, context: JobContext, verified: Verification) -> None:
        super().__init__(context.store, context.progress, context.membership)
        self._verified = verified

    async def _forget(self, upload_id: object) -> _Followed | None:
        return _Followed(self._verified)
