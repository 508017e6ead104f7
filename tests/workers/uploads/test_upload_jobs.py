"""The state of an upload whose job waits or has failed for good."""

from services.core.clock import now
from services.media.errors import NotAVideo
from services.uploads.errors import ChecksumMismatch
from storage.blobs import LocalBlobStore
from storage.jobs.models import Job, JobKind, JobState
from storage.uploads.models import Upload, UploadStatus
from tests.support.waiting import eventually
from tests.workers.conftest import DAY, Start, ended, full_upload, new_upload, queue

REASSEMBLE = JobKind.REASSEMBLE


async def test_a_fault_that_stays_fails_the_job_and_its_upload_with_a_reason(start: Start) -> None:
    upload = await new_upload()

    async def handler(job: Job) -> None:
        raise RuntimeError("a lasting fault")

    async with start(handler, attempts=2):
        await queue(REASSEMBLE, upload)
        job = await eventually(lambda: ended(upload))
    await upload.refresh_from_db()
    assert (job.state, job.attempts, upload.status) == (JobState.FAILED, 2, UploadStatus.FAILED)
    assert upload.error_message == "Gave up after 2 attempts."


async def test_an_upload_can_be_retried_from_its_failure_on_for_as_long_as_it_would_wait_for_a_chunk(
    start: Start,
) -> None:
    upload = await new_upload()
    await Upload.filter(id=upload.id).update(expires_at=now())

    async def handler(job: Job) -> None:
        raise RuntimeError("a lasting fault")

    async with start(handler, attempts=1):
        await queue(REASSEMBLE, upload)
        await eventually(lambda: ended(upload))
    await upload.refresh_from_db()
    assert upload.expires_at > now() + DAY / 2


async def test_a_failed_compression_leaves_the_upload_ready_with_an_error(start: Start) -> None:
    upload = await new_upload(status=UploadStatus.COMPRESSING)

    async def handler(job: Job) -> None:
        raise NotAVideo("no picture")

    async with start(handler, JobKind.COMPRESS):
        await queue(JobKind.COMPRESS, upload)
        ready = await eventually(lambda: Upload.get_or_none(id=upload.id, status=UploadStatus.READY))
    assert ready.error_code == "NOT_A_VIDEO"


async def test_only_bytes_that_are_not_the_declared_file_are_thrown_away(start: Start, store: LocalBlobStore) -> None:
    wrong, unlucky = await full_upload(store, b"content"), await full_upload(store, b"content")

    async def handler(job: Job) -> None:
        if job.subject_id == wrong.id:
            raise ChecksumMismatch("not the declared file")
        raise NotAVideo("no picture")

    async def thrown_away() -> bool:
        return not await store.holds(wrong.staging_area)

    async def both_failed() -> bool:
        return await Upload.filter(status=UploadStatus.FAILED).count() == 2

    async with start(handler):
        await eventually(both_failed)
        await eventually(thrown_away)
    assert await store.holds(unlucky.staging_area)
