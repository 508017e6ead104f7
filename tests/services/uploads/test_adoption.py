"""An upload whose bytes were published is never closed nor sent again, whatever an older database says about it."""

import asyncio
import zlib
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.access.signed_urls import SlotAuthorization
from services.core.clock import now
from services.uploads.adoption import adopt_later, check_bytes, find_published
from services.uploads.errors import UploadClosed
from services.uploads.published_record import PublishedRecord, read_record, write_record
from storage.errors import BlobNotFound
from storage.jobs import jobs
from storage.jobs.models import Job, JobKind, JobState
from storage.uploads.models import Upload, UploadStatus
from tests.services.conftest import SENDER, Bench
from tests.services.maintenance.published import CONTENT, OLD, content_of, damage, published
from tests.support.server import digest

S = UploadStatus


async def queued(upload: Upload) -> bool:
    """Whether a worker is about to adopt the upload."""
    job = await jobs.find(JobKind.REASSEMBLE, upload.id)
    return (
        (await Upload.get(id=upload.id)).status is S.REASSEMBLING and job is not None and job.state is JobState.QUEUED
    )


async def test_the_expiry_of_an_upload_with_published_bytes_adopts_them(bench: Bench, ada: UUID) -> None:
    upload = await published(bench, ada)
    assert await bench.uploads.expire() == 1
    assert await queued(upload)
    assert await content_of(bench.store, upload) == CONTENT
    assert await bench.uploads.expire() == 0


async def test_an_abort_of_an_upload_with_published_bytes_comes_too_late(bench: Bench, ada: UUID) -> None:
    """As for any other upload of which all chunks have arrived."""
    upload = await published(bench, ada, expires_at=now() + OLD)
    with pytest.raises(UploadClosed):
        await bench.uploads.abort(upload)
    assert await queued(upload)
    assert await content_of(bench.store, upload) == CONTENT


async def test_a_failed_upload_with_published_bytes_is_adopted_instead_of_aborted(bench: Bench, ada: UUID) -> None:
    upload = await published(bench, ada, status=S.FAILED, error_code="INTERNAL")
    with pytest.raises(UploadClosed):
        await bench.uploads.abort(upload)
    assert await queued(upload)
    assert (await Upload.get(id=upload.id)).error_code is None


async def test_a_chunk_for_an_upload_with_published_bytes_lets_them_be_adopted(bench: Bench, ada: UUID) -> None:
    upload = await published(bench, ada, expires_at=now() + OLD)
    with pytest.raises(UploadClosed, match="stored already"):
        async with bench.ingest.open(SlotAuthorization(upload.id, 0, upload.slot_size(0)), SENDER):
            pass
    assert await queued(upload)


@pytest.mark.parametrize("status", [S.ABORTED, S.READY, S.COMPRESSING, S.REASSEMBLING])
async def test_an_upload_that_was_aborted_or_goes_on_by_itself_is_not_adopted(
    bench: Bench, ada: UUID, status: UploadStatus
) -> None:
    upload = await published(bench, ada, status=status)
    assert not await adopt_later(upload, bench.store)
    assert not await Job.all().exists()


async def test_an_upload_that_has_changed_meanwhile_is_not_adopted(bench: Bench, ada: UUID) -> None:
    upload = await published(bench, ada)
    await Upload.filter(id=upload.id).update(status=S.ABORTED)
    assert not await adopt_later(upload, bench.store)
    assert (await Upload.get(id=upload.id)).status is S.ABORTED


async def test_adopting_many_times_at_once_queues_one_job(bench: Bench, ada: UUID) -> None:
    upload = await published(bench, ada)
    assert sorted(await asyncio.gather(*(adopt_later(upload, bench.store) for _ in range(8)))) == [False] * 7 + [True]
    assert await Job.all().count() == 1


@pytest.mark.parametrize("changes", [{"size": 5}, {"sha256": "0" * 64}, {"damaged": True}])
async def test_a_record_that_does_not_fit_is_not_that_of_the_upload(
    bench: Bench, ada: UUID, changes: dict[str, Any]
) -> None:
    upload = await published(bench, ada, declared=digest(CONTENT))
    record = PublishedRecord.of(upload, digest(CONTENT), None)
    await write_record(bench.store, str(upload.id), PublishedRecord(**{**vars(record), **changes}))
    assert await find_published(upload, bench.store) is None


async def test_bytes_that_were_not_published_yet_are_not_found(bench: Bench, ada: UUID) -> None:
    upload = await published(bench, ada)
    await bench.store.unpublish(str(upload.id))
    assert await find_published(upload, bench.store) is None
    assert await bench.uploads.expire() == 1
    assert (await Upload.get(id=upload.id)).status is S.EXPIRED
    assert await content_of(bench.store, upload) == CONTENT


async def test_changed_bytes_are_noted_so_that_they_are_read_once(bench: Bench, ada: UUID, tmp_path: Path) -> None:
    upload = await published(bench, ada)
    blob = await find_published(upload, bench.store)
    assert blob
    intact = await check_bytes(blob, bench.store)
    assert intact
    assert intact.record.crc32 == zlib.crc32(CONTENT)
    damage(tmp_path / "blobs", upload)
    assert not await check_bytes(blob, bench.store)
    record = await read_record(bench.store, blob.key)
    assert record
    assert record.damaged
    assert await find_published(upload, bench.store) is None


async def test_bytes_that_are_gone_are_not_noted_as_changed(bench: Bench, ada: UUID) -> None:
    upload = await published(bench, ada)
    blob = await find_published(upload, bench.store)
    assert blob
    await bench.store.unpublish(str(upload.id))
    with pytest.raises(BlobNotFound):
        await check_bytes(blob, bench.store)
    record = await read_record(bench.store, blob.key)
    assert record
    assert not record.damaged
