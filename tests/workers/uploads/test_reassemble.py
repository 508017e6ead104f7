"""Reassembly: nothing that was not verified becomes a file."""

import zlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.core.clock import now
from services.uploads.adoption import adopt_later
from services.uploads.errors import ChecksumMismatch
from services.uploads.published_record import write_record
from storage.blobs import LocalBlobStore
from storage.drive.models import Blob, FileVersion
from storage.drive.versions import find
from storage.errors import StateChanged
from storage.jobs import jobs
from storage.jobs.models import Job, JobKind, JobState
from storage.uploads import receipts
from storage.uploads.models import Upload, UploadStatus
from tests.storage.rows import filled_indexes
from tests.support.clips import bigbuckbunny
from tests.support.server import digest
from tests.workers.conftest import CHUNK, fill, full_upload
from workers.job_context import JobContext
from workers.uploads import publishing
from workers.uploads.reassemble import reassemble

CONTENT = bytes(range(256)) * 1000


async def claim(kind: JobKind = JobKind.REASSEMBLE) -> Job:
    job = await jobs.claim([kind], "test", timedelta(minutes=1), now())
    assert job
    return job


async def stored(store: LocalBlobStore, key: str, size: int) -> bytes:
    return b"".join([block async for block in store.read(key, 0, size)])


def damage(tmp_path: Path, upload: Upload, offset: int) -> None:
    with (tmp_path / "blobs" / "staging" / str(upload.id)).open("r+b") as file:
        file.seek(offset)
        file.write(b"damaged")


async def test_a_full_upload_becomes_a_file_of_the_same_bytes(context: JobContext, store: LocalBlobStore) -> None:
    upload = await full_upload(store, CONTENT, sha256=digest(CONTENT))
    await reassemble(await claim(), context)
    await upload.refresh_from_db()
    assert upload.status is UploadStatus.READY
    assert upload.version_id
    file = await find(upload.version_id)
    assert file
    assert (file.blob.sha256, file.blob.size, file.media) == (digest(CONTENT), len(CONTENT), None)
    assert file.blob.crc32 == zlib.crc32(CONTENT)
    assert await stored(store, file.blob.key, len(CONTENT)) == CONTENT


async def test_a_chunk_damaged_on_disk_reopens_its_slot_and_no_other(
    context: JobContext, store: LocalBlobStore, tmp_path: Path
) -> None:
    upload = await full_upload(store, CONTENT)
    damage(tmp_path, upload, CHUNK + 5)
    await reassemble(await claim(), context)
    await upload.refresh_from_db()
    assert upload.status is UploadStatus.RECEIVING
    assert await filled_indexes(upload.id) == [0, 2, 3]
    assert await FileVersion.all().count() == 0


async def test_a_reopened_slot_that_is_filled_again_leads_to_the_file(
    context: JobContext, store: LocalBlobStore, tmp_path: Path
) -> None:
    upload = await full_upload(store, CONTENT)
    damage(tmp_path, upload, 0)
    await reassemble(await claim(), context)
    async with store.slot(str(upload.id), 0, CHUNK) as writer:
        await writer.write([CONTENT[:CHUNK]])
        digests = await writer.finish()
    assert (await receipts.add(upload, 0, digests, now(), now() + timedelta(days=1))).complete
    await reassemble(await claim(), context)
    await upload.refresh_from_db()
    assert upload.status is UploadStatus.READY


async def test_a_file_that_is_not_the_declared_one_never_appears(context: JobContext, store: LocalBlobStore) -> None:
    await full_upload(store, CONTENT, sha256=digest(b"another file"))
    with pytest.raises(ChecksumMismatch):
        await reassemble(await claim(), context)
    assert await FileVersion.all().count() == 0


async def test_a_crash_between_the_bytes_and_the_rows_is_made_good_by_the_next_attempt(
    context: JobContext, store: LocalBlobStore
) -> None:
    upload = await full_upload(store, CONTENT)
    await store.publish(str(upload.id))
    await reassemble(await claim(), context)
    await upload.refresh_from_db()
    assert upload.status is UploadStatus.READY


async def test_a_worker_that_lost_its_lease_publishes_nothing(context: JobContext, store: LocalBlobStore) -> None:
    await full_upload(store, CONTENT)
    job = await claim()
    await jobs.release("test", now())
    with pytest.raises(StateChanged):
        await reassemble(job, context)
    assert await FileVersion.all().count() == 0


async def test_a_worker_that_lost_its_lease_leaves_the_bytes_in_their_staging_area(
    context: JobContext, store: LocalBlobStore, tmp_path: Path
) -> None:
    upload = await full_upload(store, CONTENT)
    job = await claim()
    await jobs.release("test", now())
    with pytest.raises(StateChanged):
        await reassemble(job, context)
    assert (tmp_path / "blobs" / "staging" / str(upload.id)).exists()


async def test_a_lease_that_is_lost_right_before_the_rename_keeps_the_bytes_from_being_renamed(
    context: JobContext, store: LocalBlobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = await full_upload(store, CONTENT)
    job = await claim()

    async def lose_the_lease(*arguments: Any) -> None:
        await write_record(*arguments)
        await jobs.release("test", now())

    monkeypatch.setattr(publishing, "write_record", lose_the_lease)
    with pytest.raises(StateChanged):
        await reassemble(job, context)
    assert (tmp_path / "blobs" / "staging" / str(upload.id)).exists()


async def test_published_bytes_become_the_file_although_an_older_database_lacks_their_receipts(
    context: JobContext, store: LocalBlobStore
) -> None:
    upload = await published(context, store)
    await reassemble(await claim(), context)
    upload = await Upload.get(id=upload.id)
    file = await FileVersion.get(id=upload.version_id).select_related("blob")
    assert (upload.status, file.blob.sha256) == (UploadStatus.READY, digest(CONTENT))


async def test_published_bytes_that_have_changed_are_sent_again_where_they_differ(
    context: JobContext, store: LocalBlobStore, tmp_path: Path
) -> None:
    upload = await published(context, store)
    await store.unpublish(str(upload.id))
    damage(tmp_path, upload, CHUNK + 5)
    await store.publish(str(upload.id))
    await reassemble(await claim(), context)
    assert (await Upload.get(id=upload.id)).status is UploadStatus.RECEIVING
    assert await filled_indexes(upload.id) == [2, 3]
    for index in (0, 1):
        await fill(store, upload, CONTENT, index)
    await reassemble(await claim(), context)
    assert (await Upload.get(id=upload.id)).status is UploadStatus.READY
    assert await stored(store, str(upload.id), len(CONTENT)) == CONTENT


async def published(context: JobContext, store: LocalBlobStore) -> Upload:
    """An upload whose bytes were published, in an older database that lacks a receipt and was asked to adopt it."""
    upload = await full_upload(store, CONTENT)
    await reassemble(await claim(), context)
    await Upload.filter(id=upload.id).update(status=UploadStatus.RECEIVING, version_id=None)
    await receipts.reopen(upload.id, [0])
    await FileVersion.all().delete()
    await Blob.all().delete()
    assert await adopt_later(await Upload.get(id=upload.id), store)
    return await Upload.get(id=upload.id)


async def test_a_slot_that_is_reopened_after_the_bytes_were_published_takes_its_chunk_again(
    context: JobContext, store: LocalBlobStore, tmp_path: Path
) -> None:
    upload = await full_upload(store, CONTENT)
    damage(tmp_path, upload, CHUNK + 5)
    await store.publish(str(upload.id))
    await reassemble(await claim(), context)
    assert (await Upload.get(id=upload.id)).status is UploadStatus.RECEIVING
    await fill(store, upload, CONTENT, 1)
    await reassemble(await claim(), context)
    assert (await Upload.get(id=upload.id)).status is UploadStatus.READY
    assert await stored(store, str(upload.id), len(CONTENT)) == CONTENT


async def test_reassembling_twice_makes_one_file(context: JobContext, store: LocalBlobStore) -> None:
    await full_upload(store, CONTENT)
    job = await claim()
    await reassemble(job, context)
    with pytest.raises(StateChanged):
        await reassemble(job, context)
    assert await FileVersion.all().count() == 1


async def test_a_video_gets_its_facts_and_its_compression_is_queued(context: JobContext, store: LocalBlobStore) -> None:
    content = bigbuckbunny().read_bytes()
    upload = await full_upload(store, content, compress={"preset": "FAST", "max_height": None})
    await reassemble(await claim(), context)
    await upload.refresh_from_db()
    assert upload.status is UploadStatus.COMPRESSING
    file = await FileVersion.get(id=upload.version_id)
    assert file.media
    assert (file.media["width"], file.media["height"], file.media["video_codec"]) == (1280, 720, "h264")
    job = await Job.get(kind=JobKind.COMPRESS, subject_id=upload.id)
    assert job.state is JobState.QUEUED


async def test_chunks_that_lie_in_another_file_are_copied_and_verified(
    context: JobContext, store: LocalBlobStore
) -> None:
    old = await full_upload(store, CONTENT)
    await reassemble(await claim(), context)
    upload = await full_upload(store, bytes(len(CONTENT)))
    await point_to(upload, old, CONTENT)
    await reassemble(await claim(), context)
    await upload.refresh_from_db()
    assert upload.status is UploadStatus.READY
    assert await stored(store, str(upload.id), len(CONTENT)) == CONTENT


async def test_a_chunk_whose_source_is_gone_is_sent_again(context: JobContext, store: LocalBlobStore) -> None:
    old = await full_upload(store, CONTENT)
    await reassemble(await claim(), context)
    await store.delete(str(old.id))
    upload = await full_upload(store, bytes(len(CONTENT)))
    await point_to(upload, old, CONTENT)
    await reassemble(await claim(), context)
    await upload.refresh_from_db()
    assert (upload.status, upload.received_chunks) == (UploadStatus.RECEIVING, 0)


async def point_to(upload: Upload, old: Upload, content: bytes) -> None:
    """Point the upload's chunks to the blob of an older upload with this content."""
    for receipt in await receipts.find_all(upload.id):
        offset = upload.slot_offset(receipt.index)
        receipt.sha256, receipt.xxh3 = digest(content[offset : offset + receipt.size]), None
        receipt.source, receipt.source_offset = str(old.id), offset
        await receipt.save()
