"""How a job ends for its upload: only the holder of the lease stores a result, and stores all of it."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tortoise.exceptions import IntegrityError

from storage.drive.models import Blob, FileVersion, Rendition, RenditionKind
from storage.errors import StateChanged
from storage.jobs import jobs
from storage.jobs.models import Job, JobKind, JobState
from storage.uploads import job_results
from storage.uploads.models import Upload, UploadStatus
from tests.storage.rows import LATER, LEASE, NOW, SHA256, claim, filled_indexes, look, new_upload, receive, receive_all

pytestmark = pytest.mark.usefixtures("database")

AFTER_LEASE = NOW + LEASE + timedelta(microseconds=1)


async def publish(job: Job, upload: Upload) -> FileVersion:
    return await job_results.publish(
        job, upload, blob_key=str(upload.id), sha256=SHA256, media={"duration": 1.5}, now=AFTER_LEASE
    )


async def full_upload(**more: Any) -> tuple[Upload, Job]:
    """An upload whose reassembly has started."""
    upload = await new_upload(**more)
    await receive_all(upload)
    return upload, await claim()


async def compressing_upload() -> tuple[Upload, FileVersion, Job]:
    """An upload whose compression has started."""
    upload, job = await full_upload(compress={"preset": "FAST"})
    return upload, await publish(job, upload), await claim(JobKind.COMPRESS, moment=AFTER_LEASE)


async def add_rendition(job: Job, file: FileVersion, key: str = "rendition") -> None:
    await job_results.add_rendition(job, file, mime_type="video/mp4", blob_key=key, size=5, sha256=SHA256, now=NOW)


# Reassembly


async def test_damaged_slots_are_opened_again_and_no_other() -> None:
    upload, job = await full_upload(chunks=4)
    await job_results.reopen_slots(job, [1, 3], LATER + timedelta(days=1))
    assert await filled_indexes(upload.id) == [0, 2]
    found = await look(upload)
    assert (found.status, found.expires_at) == (UploadStatus.RECEIVING, LATER + timedelta(days=1))
    assert (found.received_chunks, found.received_bytes) == (2, 20)


async def test_the_slots_of_other_uploads_stay_closed() -> None:
    other = await new_upload(chunks=2)
    await receive(other, 1)
    _, job = await full_upload(chunks=2)
    await job_results.reopen_slots(job, [0, 1], LATER)
    assert await filled_indexes(other.id) == [1]


async def test_an_upload_with_reopened_slots_is_reassembled_again() -> None:
    upload, job = await full_upload(chunks=2)
    await job_results.reopen_slots(job, [1], LATER)
    assert (await receive(upload, 1)).complete
    again = await claim()
    assert (again.id, again.attempts) == (job.id, 1)
    assert (await look(upload)).status is UploadStatus.REASSEMBLING


async def test_a_file_appears_with_its_blob_and_the_upload_is_ready() -> None:
    upload, job = await full_upload()
    file = await publish(job, upload)
    found = await FileVersion.get(id=file.id).select_related("blob", "item")
    assert (found.account_id, found.item.name, found.mime_type) == (upload.account_id, "file", "video/mp4")
    assert (found.blob.key, found.blob.size, found.blob.sha256) == (str(upload.id), upload.size, SHA256)
    assert found.media == {"duration": 1.5}
    ready = await look(upload)
    assert (ready.status, ready.version_id) == (UploadStatus.READY, file.id)
    assert await Job.filter(state=JobState.DONE).count() == 1


async def test_a_compression_that_was_asked_for_is_queued_with_the_file() -> None:
    upload, file, job = await compressing_upload()
    assert job.subject_id == upload.id
    found = await look(upload)
    assert (found.status, found.version_id) == (UploadStatus.COMPRESSING, file.id)


async def test_who_lost_the_lease_publishes_nothing() -> None:
    upload, stale = await full_upload()
    await claim(moment=AFTER_LEASE)
    with pytest.raises(StateChanged):
        await publish(stale, upload)
    assert await FileVersion.all().count() == await Blob.all().count() == 0
    assert (await look(upload)).status is UploadStatus.REASSEMBLING


async def test_who_lost_the_lease_reopens_nothing() -> None:
    upload, stale = await full_upload(chunks=3)
    await claim(moment=AFTER_LEASE)
    with pytest.raises(StateChanged):
        await job_results.reopen_slots(stale, [0, 1, 2], LATER)
    assert (await look(upload)).received_chunks == 3
    assert (await look(upload)).status is UploadStatus.REASSEMBLING


async def test_a_file_that_is_published_twice_at_once_appears_once() -> None:
    upload, job = await full_upload()
    results = await asyncio.gather(*(publish(job, upload) for _ in range(5)), return_exceptions=True)
    assert [type(result) for result in results].count(StateChanged) == 4
    assert await FileVersion.all().count() == 1


async def test_a_publication_that_fails_leaves_the_job_to_the_next_attempt() -> None:
    upload, job = await full_upload()
    await Blob.create(key=str(upload.id), size=1, sha256=SHA256)
    with pytest.raises(IntegrityError):
        await publish(job, upload)
    assert await jobs.renew(job, AFTER_LEASE)
    assert (await look(upload)).status is UploadStatus.REASSEMBLING


# Compression


async def test_a_rendition_appears_and_the_upload_is_ready() -> None:
    upload, file, job = await compressing_upload()
    await add_rendition(job, file)
    rendition = await Rendition.get(version_id=file.id).select_related("blob")
    assert (rendition.kind, rendition.mime_type) == (RenditionKind.COMPRESSED_VIDEO, "video/mp4")
    assert (rendition.blob.key, rendition.blob.size) == ("rendition", 5)
    assert (await look(upload)).status is UploadStatus.READY


async def test_who_lost_the_lease_adds_no_rendition() -> None:
    upload, file, stale = await compressing_upload()
    winner = await claim(JobKind.COMPRESS, moment=AFTER_LEASE + 2 * LEASE)
    with pytest.raises(StateChanged):
        await add_rendition(stale, file, "stale")
    assert (await look(upload)).status is UploadStatus.COMPRESSING
    await add_rendition(winner, file, "winner")
    assert [rendition.blob.key for rendition in await Rendition.all().select_related("blob")] == ["winner"]
    assert not await Blob.filter(key="stale").exists()


# Failure


async def test_a_job_that_fails_for_good_tells_the_upload_why() -> None:
    upload, job = await full_upload(idempotency_key="key")
    await job_results.fail_job(job, status=UploadStatus.FAILED, code="CHECKSUM_MISMATCH", message="Not the file.")
    found = await look(upload)
    assert (found.status, found.error_code, found.error_message) == (
        UploadStatus.FAILED,
        "CHECKSUM_MISMATCH",
        "Not the file.",
    )
    assert found.idempotency_key is None
    assert (await Job.get(id=job.id)).state is JobState.FAILED


async def test_no_reason_keeps_a_job_from_ending() -> None:
    """ffmpeg quotes the contents of files, and PostgreSQL does not accept every character."""
    upload, job = await full_upload()
    await job_results.fail_job(job, status=UploadStatus.FAILED, code="INTERNAL", message="a\0b\udc80" + "x" * 1_000)
    assert (await look(upload)).error_message == "ab?" + "x" * 497
    assert (await Job.get(id=job.id)).state is JobState.FAILED


async def test_a_compression_that_fails_leaves_the_upload_ready_under_its_key() -> None:
    upload, job = await full_upload(compress={"preset": "FAST"}, idempotency_key="key")
    file = await publish(job, upload)
    compression = await claim(JobKind.COMPRESS, moment=AFTER_LEASE)
    await job_results.fail_job(compression, status=UploadStatus.READY, code="NOT_A_VIDEO", message="No video.")
    found = await look(upload)
    assert (found.status, found.error_code, found.version_id) == (UploadStatus.READY, "NOT_A_VIDEO", file.id)
    assert found.idempotency_key == "key"


async def test_who_lost_the_lease_fails_nothing() -> None:
    upload, stale = await full_upload()
    await claim(moment=AFTER_LEASE)
    with pytest.raises(StateChanged):
        await job_results.fail_job(stale, status=UploadStatus.FAILED, code="INTERNAL", message="reason")
    found = await look(upload)
    assert (found.status, found.error_code) == (UploadStatus.REASSEMBLING, None)


async def test_a_job_may_fail_for_a_reason_of_any_length() -> None:
    upload, job = await full_upload()
    await job_results.fail_job(job, status=UploadStatus.FAILED, code="INTERNAL", message="ü" * 10_000)
    assert (await look(upload)).error_message == "ü" * 500
