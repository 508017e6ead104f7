"""Published objects on a real S3, and rows of an older database: no object is lost, and every file is there again."""

from dataclasses import replace

import pytest

from services.access.signed_urls import SlotAuthorization
from services.budgets.budgets import Budgets, Limits
from services.core.clock import now
from services.maintenance.doctor import Doctor
from services.maintenance.findings import Code
from services.maintenance.sweeper import Sweeper
from services.uploads.errors import ChecksumMismatch, UploadClosed
from services.uploads.ingest import Ingest
from services.uploads.published_record import read_record
from storage.blobs.s3 import bucket as s3_bucket
from storage.blobs.s3.store import S3BlobStore
from storage.drive.models import Blob, FileVersion
from storage.jobs.models import Job
from storage.token_buckets import LocalBuckets
from storage.uploads import job_results
from storage.uploads.models import Chunk, Upload, UploadStatus
from tests.services.conftest import SENDER
from tests.workers.uploads.s3_uploads import (
    CONTENT,
    DAY,
    SLOT,
    begun,
    brought_to_its_end,
    claim,
    file_of,
    fill,
    left_in,
    uploads_of,
    work,
)
from workers.job_context import JobContext
from workers.uploads.reassemble import reassemble

S = UploadStatus


async def go_back(upload: Upload, **changes: object) -> Upload:
    """Restore the rows of a moment at which the upload lacked a chunk. It has expired since."""
    before = {"status": S.RECEIVING, "version_id": None, "expires_at": now() - DAY, "received_chunks": 1, **changes}
    await Upload.filter(id=upload.id).update(**before)
    await Chunk.filter(upload_id=upload.id, index=1).delete()
    await Job.filter(subject_id=upload.id).delete()
    await FileVersion.all().delete()
    await Blob.all().delete()
    return await Upload.get(id=upload.id)


async def found(context: JobContext, *, mend: bool = True) -> list[tuple[Code, str | None]]:
    findings = [one async for one in Doctor(context.store, mend=mend).examine()]
    # The tests delete rows of blobs without counting them.
    ignored = ("BUCKET", Code.USAGE.value)
    return [(one.code, one.mended) for one in findings if not one.code.startswith(ignored)]


@pytest.fixture
def grown_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let everything in the store count as old."""
    monkeypatch.setattr("services.maintenance.garbage.GRACE", -DAY)


async def published_by_an_older_version(context: JobContext, monkeypatch: pytest.MonkeyPatch) -> Upload:
    """An upload whose object tells nothing about records, and has none."""
    with monkeypatch.context() as patches:
        patches.setattr(s3_bucket, "RECORDED", {})
        upload = await begun(context)
    await fill(context, upload)
    await work(context)
    assert isinstance(context.store, S3BlobStore)
    await context.store.records.delete(str(upload.id))
    return upload


def ingest_of(context: JobContext) -> Ingest:
    budgets = Budgets(Limits(), LocalBuckets(), LocalBuckets())
    return Ingest(context.store, context.progress, context.notifications, budgets, DAY)


async def test_the_expiry_of_a_published_upload_makes_it_a_file_again(on_s3: JobContext) -> None:
    upload = await fill(on_s3, await begun(on_s3))
    await work(on_s3)
    await go_back(upload)
    service = uploads_of(on_s3)
    await service.expire()
    await Sweeper(on_s3.store, service).sweep()
    await work(on_s3)
    upload = await Upload.get(id=upload.id)
    assert upload.status is S.READY
    assert await file_of(on_s3, upload) == CONTENT
    assert await left_in(on_s3) == (1, 0)


async def test_a_published_upload_whose_slots_had_been_reopened_is_found_under_its_later_key(
    on_s3: JobContext,
) -> None:
    upload = await fill(on_s3, await begun(on_s3))
    first = upload.staging
    await Chunk.filter(upload_id=upload.id, index=1).update(xxh3="0" * 32)
    await work(on_s3)
    await brought_to_its_end(on_s3, upload)
    await go_back(upload, staging=first)
    await uploads_of(on_s3).expire()
    await work(on_s3)
    assert await file_of(on_s3, await Upload.get(id=upload.id)) == CONTENT


async def test_a_chunk_for_a_published_upload_does_not_start_it_over(on_s3: JobContext) -> None:
    upload = await fill(on_s3, await begun(on_s3))
    await work(on_s3)
    upload = await go_back(upload, expires_at=now() + DAY)

    async def send() -> None:
        async with ingest_of(on_s3).open(SlotAuthorization(upload.id, 1, upload.slot_size(1)), SENDER) as sink:
            await sink.write([CONTENT[SLOT:]])
            await sink.commit(None)

    with pytest.raises(UploadClosed, match="stored already"):
        await send()
    await work(on_s3)
    assert await file_of(on_s3, await Upload.get(id=upload.id)) == CONTENT


async def test_the_doctor_makes_a_file_again_of_an_upload_that_has_no_row(on_s3: JobContext) -> None:
    upload = await fill(on_s3, await begun(on_s3))
    await work(on_s3)
    await (await go_back(upload)).delete()
    assert await found(on_s3) == [(Code.BLOB_ADOPTABLE, "adopted")]
    assert await file_of(on_s3, await Upload.get(id=upload.id)) == CONTENT
    assert await found(on_s3) == []


async def test_an_object_of_an_older_version_outlives_the_rows_of_its_upload(
    on_s3: JobContext, grown_old: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = await published_by_an_older_version(on_s3, monkeypatch)
    await go_back(upload)
    service = uploads_of(on_s3)
    await service.expire()
    await Sweeper(on_s3.store, service).sweep()
    assert (await Upload.get(id=upload.id)).status is S.EXPIRED
    assert await found(on_s3) == [(Code.BLOB_QUARANTINED, None)]
    assert await left_in(on_s3) == (1, 0)


async def test_an_object_of_an_older_version_outlives_an_upload_that_starts_over(
    on_s3: JobContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = await published_by_an_older_version(on_s3, monkeypatch)
    upload = await go_back(upload, expires_at=now() + DAY)
    assert await ingest_of(on_s3).reopen_all_slots(upload)
    assert await brought_to_its_end(on_s3, upload) == 2
    assert await left_in(on_s3) == (2, 0)


async def test_what_was_sealed_and_never_published_is_garbage_once_its_upload_has_ended(
    on_s3: JobContext, grown_old: None
) -> None:
    upload = await fill(on_s3, await begun(on_s3, sha256="0" * 64))
    job = await claim()
    assert job
    with pytest.raises(ChecksumMismatch):
        await reassemble(job, on_s3)
    await job_results.fail_job(job, status=S.FAILED, code="CHECKSUM_MISMATCH", message="-")
    assert await found(on_s3) == [(Code.BLOB_ORPHAN, "removed")]
    assert await read_record(on_s3.store, str(upload.id)) is None


async def test_an_object_that_has_changed_is_kept_while_its_upload_is_sent_again(
    on_s3: JobContext, grown_old: None
) -> None:
    upload = await fill(on_s3, await begun(on_s3))
    await work(on_s3)
    record = await read_record(on_s3.store, str(upload.id))
    assert record
    await on_s3.store.records.write(str(upload.id), replace(record, sha256="0" * 64).to_bytes())
    await go_back(upload)
    service = uploads_of(on_s3)
    await service.expire()
    await work(on_s3)
    assert (await Upload.get(id=upload.id)).status is S.RECEIVING
    await Upload.filter(id=upload.id).update(expires_at=now() - DAY)
    await service.expire()
    assert (await Upload.get(id=upload.id)).status is S.EXPIRED
    assert await found(on_s3) == [(Code.BLOB_QUARANTINED, None)]
    assert await left_in(on_s3) == (1, 0)
