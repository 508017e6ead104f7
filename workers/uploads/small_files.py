"""Reassembles small files in groups.

A worker that has claimed the reassembly of a small file claims those of other small files of the same account as well,
and takes each step for all of them: they are verified, synced and recorded together, and stored in one transaction. The
order of the steps is that of :mod:`workers.uploads.publishing`, and so is what follows from a crash between them.

A file that is not as it should be, or a step that fails, is left to :mod:`workers.uploads.reassemble`, which handles
each file by itself.
"""

import asyncio
import logging
from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

from services.core.clock import now
from services.uploads.progress.frame import final_frame
from services.uploads.published_record import PublishedRecord
from storage.blobs import Part
from storage.errors import BlobNotFound, PartsRefused
from storage.jobs.models import Job, JobKind
from storage.uploads import small_files as rows
from storage.uploads.models import JOB_OF_STATUS, Chunk, Upload
from storage.uploads.small_files import ClaimedFiles, VerifiedFile
from workers.job_context import JobContext
from workers.uploads.media_facts import content_facts
from workers.uploads.verification import Verification

logger = logging.getLogger("cloudkeep.worker")

#: The time for a group. It takes a second or two; a lease that is lost nevertheless leaves its file to another worker.
LEASE = timedelta(minutes=1)
#: Files that are verified at the same time.
AT_ONCE = 8


async def reassemble_more(job: Job, upload: Upload, context: JobContext) -> None:
    """Reassemble other small files of the account that are due, beside the one whose job was claimed.

    It raises no error because of a file: what could not be stored is queued again.
    """
    claimed = await rows.claim_more(job, upload.account_id, now() + LEASE, now())
    if not claimed:
        return
    try:
        await _publish(claimed, context)
    except Exception:
        logger.exception("a group of small files could not be stored; they are stored one by one")
    finally:
        await asyncio.shield(rows.give_back(claimed, now()))


async def _publish(claimed: ClaimedFiles, context: JobContext) -> None:
    intact = await _intact(claimed, context)
    if not intact:
        return
    files = await _prepared(intact, context)
    areas = {file.upload.id: file.upload.staging_area for file in files}

    async def publish_bytes(keys: Collection[UUID]) -> None:
        await context.store.publish_all([areas[key] for key in keys])

    stored = await rows.publish(claimed, files, now(), publish_bytes)
    await _announce([file.upload for file in files if file.upload.id in stored], context)


async def _intact(claimed: ClaimedFiles, context: JobContext) -> list[tuple[Upload, Verification]]:
    """The uploads whose bytes are intact, verified."""
    free = asyncio.Semaphore(AT_ONCE)

    async def verified(upload: Upload) -> Verification | None:
        async with free:
            return await _verified(upload, claimed.receipts.get(upload.id), context)

    # All come to their end before an error is raised: then their jobs are given back, and another worker may begin.
    found = await asyncio.gather(*map(verified, claimed.uploads), return_exceptions=True)
    intact = []
    for upload, each in zip(claimed.uploads, found, strict=True):
        if isinstance(each, BaseException):
            raise each
        if each:
            intact.append((upload, each))
    return intact


async def _verified(upload: Upload, receipt: Chunk | None, context: JobContext) -> Verification | None:
    """The verification of an upload whose bytes are intact; None if anything about it is unusual."""
    store, area = context.store, upload.staging_area
    if not receipt or receipt.source or await store.records.keys(area) or await store.reread_after_failed_sync(area):
        return None
    verification = Verification(upload, store)
    try:
        await store.seal(area, [Part(0, 0, upload.size, receipt.etag)])
        await verification.advance(receipt)
    except (PartsRefused, BlobNotFound):
        return None
    is_intact = not verification.damaged and upload.sha256 in {None, verification.sha256}
    return verification if is_intact else None


async def _prepared(intact: Sequence[tuple[Upload, Verification]], context: JobContext) -> list[VerifiedFile]:
    """Make the bytes durable, find out what they are, and write their records."""
    keys = await context.store.prepare_all([upload.staging_area for upload, _ in intact])
    files, records = [], {}
    for key, (upload, verification) in zip(keys, intact, strict=True):
        facts = await content_facts(upload, key, context)
        upload.mime_type, media = facts.mime_type, facts.media.to_json() if facts.media else None
        record = PublishedRecord.of(upload, verification.sha256, media, crc32=verification.crc32)
        records[key] = record.to_bytes()
        files.append(VerifiedFile(upload, key, verification.sha256, verification.crc32, media))
    await context.store.records.write_all(records)
    return files


async def _announce(uploads: Sequence[Upload], context: JobContext) -> None:
    context.counters.jobs[JobKind.REASSEMBLE.value, "done"] += len(uploads)
    for upload in uploads:
        if kind := JOB_OF_STATUS.get(upload.status):
            await context.notifications.send(kind)
            await context.progress.publish_snapshot(upload.id)
        else:
            await context.progress.publish(final_frame(upload), upload.account_id)
