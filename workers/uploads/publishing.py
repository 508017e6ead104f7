"""Turns verified bytes into a file.

The order makes a crash harmless at any point. First everything that may take long, without a lock: the bytes are made
durable, their media type and facts are found, and their record is written. Then one transaction, which starts by ending
the job under its lease: it renames the bytes and stores the rows. A worker that has lost its lease changes nothing.
"""

import time
from functools import partial

from services.core.clock import now
from services.uploads.adoption import PublishedBlob, check_bytes, find_published
from services.uploads.progress.frame import bytes_frame
from services.uploads.published_record import PublishedRecord, write_record
from storage.jobs.models import Job
from storage.uploads import job_results
from storage.uploads.models import JOB_OF_STATUS, Upload, UploadStatus
from workers.job_context import JobContext
from workers.uploads.media_facts import content_facts
from workers.uploads.upload_jobs import ProgressReporter
from workers.uploads.verification import Verification


async def publish_verified(job: Job, upload: Upload, verification: Verification, context: JobContext) -> None:
    """Publish the sealed object of an upload, whose bytes were all verified.

    Raises :class:`storage.errors.StateChanged` if the lease was lost.
    """
    key = await context.store.prepare(upload.staging_area)
    facts = await content_facts(upload, key, context)
    upload.mime_type = facts.mime_type
    record = PublishedRecord.of(
        upload, verification.sha256, facts.media.to_json() if facts.media else None, crc32=verification.crc32
    )
    await write_record(context.store, key, record)
    publish_bytes = partial(context.store.publish, upload.staging_area)
    await _store_rows(job, upload, PublishedBlob(key, record), context, publish_bytes)


async def publish_found(job: Job, upload: Upload, context: JobContext) -> bool:
    """Store the file of an upload whose bytes were published already. False if there are none, or if they are damaged.

    This happens after a crash, and when the database was restored from an older copy. Raises
    :class:`storage.errors.StateChanged` if the lease was lost.
    """
    await context.store.reread_after_failed_sync(upload.staging_area)
    blob = await find_published(upload, context.store)
    if not blob:
        return False
    reporter, start = ProgressReporter(job, context.progress, upload.account_id), time.monotonic()

    async def report(done: int) -> None:
        seconds = time.monotonic() - start
        speed = done / seconds if seconds else None
        await reporter.report(bytes_frame(upload.id, UploadStatus.REASSEMBLING, done, upload.size, speed))

    intact = await check_bytes(blob, context.store, report)
    if not intact:
        return False
    await _store_rows(job, upload, intact, context)
    return True


async def _store_rows(
    job: Job, upload: Upload, blob: PublishedBlob, context: JobContext, publish_bytes: job_results.Step | None = None
) -> None:
    record = blob.record
    upload.mime_type = record.mime_type
    await job_results.publish(
        job,
        upload,
        blob_key=blob.key,
        sha256=record.sha256,
        crc32=record.crc32,
        media=record.media,
        now=now(),
        publish_bytes=publish_bytes,
    )
    if next_kind := JOB_OF_STATUS.get(upload.status_with_file):
        await context.notifications.send(next_kind)
