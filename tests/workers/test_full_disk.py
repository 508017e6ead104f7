"""Work that meets a full disk waits and continues: nothing fails, no attempt counts, and its owner can see why."""

import asyncio
import dataclasses
from pathlib import Path
from uuid import uuid4

import pytest

from services.core.errors import ErrorCode
from services.uploads.progress.frame import ProgressFrame
from storage.blobs import LocalBlobStore
from storage.drive.models import Blob
from storage.drive.versions import renditions_of
from storage.errors import NoSpace
from storage.jobs import jobs
from storage.jobs.models import Job, JobKind, JobState
from storage.uploads.models import Upload, UploadStatus
from tests.support.clips import bikes
from tests.support.faults.disk import database_ends_here
from tests.support.waiting import eventually
from tests.workers.conftest import Start, full_upload, new_upload, queue
from tests.workers.media.test_compress import FAST_144, assembled, blobs
from tests.workers.uploads.test_reassemble import claim
from workers import job_runner, lease
from workers.job_context import JobContext
from workers.media.compress import compress
from workers.uploads.reassemble import reassemble

COMPRESS, REASSEMBLE = JobKind.COMPRESS, JobKind.REASSEMBLE
EVERYTHING = 2**53


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry fast."""
    monkeypatch.setattr(job_runner, "WAIT_SECONDS", 0.05)
    monkeypatch.setattr(job_runner, "PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(lease, "STORE_RETRY_SECONDS", 0.05)


class Disk:
    """A handler that fails with a full disk until there is space."""

    def __init__(self) -> None:
        self.room = asyncio.Event()
        self.attempts: list[int] = []

    async def handle(self, job: Job) -> None:
        self.attempts.append(job.attempts)
        if not self.room.is_set():
            raise NoSpace("no room")

    async def tried_often(self) -> bool:
        return len(self.attempts) > 5


async def fill_up_with_blobs() -> None:
    """Store small rows of blobs until the disk is full."""
    refused = 0
    while refused < 50:
        try:
            await Blob.create(key=uuid4().hex, size=1, sha256="")
            refused = 0
        except NoSpace:
            refused += 1


@pytest.mark.parametrize("kind", [REASSEMBLE, COMPRESS])
async def test_a_job_without_space_is_tried_until_there_is_some_and_never_fails(start: Start, kind: JobKind) -> None:
    upload, disk = await new_upload(), Disk()
    async with start(disk.handle, kind, attempts=3):
        await queue(kind, upload)
        await eventually(disk.tried_often)
        disk.room.set()
        await eventually(lambda: Job.get_or_none(subject_id=upload.id, state=JobState.DONE))
    assert set(disk.attempts) == {1}


async def test_its_owner_is_told_what_it_waits_for_and_no_longer_when_it_runs(
    start: Start, context: JobContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = await new_upload(status=UploadStatus.COMPRESSING)
    began, done = asyncio.Event(), asyncio.Event()

    async def handler(job: Job) -> None:
        if not began.is_set():
            began.set()
            raise NoSpace("no room")
        await done.wait()

    async def frame(waits_for: str | None) -> ProgressFrame | None:
        found = await context.progress.snapshot(upload.id)
        return found if began.is_set() and found.waits_for == waits_for else None

    monkeypatch.setattr(job_runner, "WAIT_SECONDS", 0.5)
    async with start(handler, COMPRESS):
        await queue(COMPRESS, upload)
        waiting = await eventually(lambda: frame("STORAGE_FULL"))
        assert (waiting.stage, waiting.speed) == (UploadStatus.COMPRESSING, None)
        assert await jobs.waiting_of([upload.id]) == {upload.id: ErrorCode.STORAGE_FULL}
        await eventually(lambda: frame(None))
        assert await jobs.waiting_of([upload.id]) == {}
        done.set()


async def test_a_job_that_fits_does_not_wait_behind_one_that_does_not(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_runner, "WAIT_SECONDS", 3_600.0)
    large, small = await new_upload(), await new_upload()

    async def handler(job: Job) -> None:
        if job.subject_id == large.id:
            raise NoSpace("no room")

    async with start(handler):
        await queue(REASSEMBLE, large)
        await queue(REASSEMBLE, small)
        await eventually(lambda: Job.get_or_none(subject_id=small.id, state=JobState.DONE))
    assert (await Job.get(subject_id=large.id)).state is JobState.QUEUED


@pytest.mark.sqlite
async def test_a_job_is_given_back_as_soon_as_the_database_has_space_for_that(start: Start) -> None:
    upload, disk = await new_upload(), Disk()
    full = asyncio.Event()

    async def handler(job: Job) -> None:
        while not full.is_set():
            try:
                await new_upload()
            except NoSpace:
                full.set()
                raise
        await disk.handle(job)

    async with start(handler, attempts=1):
        async with database_ends_here():
            await queue(REASSEMBLE, upload)
            await full.wait()
        disk.room.set()
        await eventually(lambda: Job.get_or_none(subject_id=upload.id, state=JobState.DONE))


async def test_work_that_cannot_renew_its_lease_for_want_of_room_waits_too(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload, attempts = await new_upload(), list[int]()

    async def full(*_: object) -> bool:
        raise NoSpace("no room")

    async def handler(job: Job) -> None:
        attempts.append(job.attempts)
        if len(attempts) == 1:
            await asyncio.sleep(3_600)

    monkeypatch.setattr(jobs, "renew", full)
    async with start(handler, lease=0.3, attempts=1):
        await queue(REASSEMBLE, upload)
        await eventually(lambda: Job.get_or_none(subject_id=upload.id, state=JobState.DONE))
    assert attempts == [1, 1]


async def test_a_compression_does_not_begin_without_space_for_its_result(
    context: JobContext, store: LocalBlobStore, tmp_path: Path
) -> None:
    await assembled(context, store, bikes().read_bytes())
    before, job = blobs(tmp_path), await claim(COMPRESS)
    with pytest.raises(NoSpace):
        await compress(job, dataclasses.replace(context, reserve=EVERYTHING))
    assert (blobs(tmp_path), list(context.scratch.iterdir())) == (before, [])
    await compress(job, context)
    assert (await Upload.get(id=job.subject_id)).status is UploadStatus.READY


@pytest.mark.sqlite
async def test_a_result_whose_rows_find_no_space_is_removed_and_made_again(
    context: JobContext, store: LocalBlobStore, tmp_path: Path
) -> None:
    upload = await assembled(context, store, bikes().read_bytes())
    before, job = blobs(tmp_path), await claim(COMPRESS)
    async with database_ends_here():
        await fill_up_with_blobs()
        with pytest.raises(NoSpace):
            await compress(job, context)
    assert (blobs(tmp_path), list(context.scratch.iterdir())) == (before, [])
    await compress(job, context)
    assert upload.version_id
    assert len((await renditions_of([upload.version_id]))[upload.version_id]) == 1


@pytest.mark.sqlite
async def test_a_reassembly_whose_rows_find_no_space_ends_whole_later(
    context: JobContext, store: LocalBlobStore
) -> None:
    upload = await full_upload(store, bikes().read_bytes(), compress=FAST_144)
    job = await claim()
    async with database_ends_here():
        await fill_up_with_blobs()
        with pytest.raises(NoSpace):
            await reassemble(job, context)
    assert (await Upload.get(id=upload.id)).version_id is None
    await reassemble(job, context)
    assert (await Upload.get(id=upload.id)).status is UploadStatus.COMPRESSING
