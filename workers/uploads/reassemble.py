"""Reassembly: verify the chunks and the whole file where the follower has not, make it durable and publish it.

Nothing is copied on a local disk, and elsewhere only within the store. After a crash at any point the job can simply
run again: sealing and publishing the bytes twice is harmless, and bytes that were published are found by their record.
"""

import time
from functools import partial

from services.uploads.errors import ChecksumMismatch
from services.uploads.progress.frame import bytes_frame
from storage.jobs import jobs
from storage.jobs.models import Job, JobKind
from storage.uploads import receipts
from storage.uploads import uploads as rows
from storage.uploads.models import Upload, UploadStatus
from storage.uploads.small_files import is_small
from workers.job_context import JobContext
from workers.job_type import JobType
from workers.uploads.publishing import publish_found, publish_verified
from workers.uploads.sealing import reopen, seal
from workers.uploads.small_files import reassemble_more
from workers.uploads.upload_jobs import UPLOAD_ID, ProgressReporter, fail_upload, publish_status
from workers.uploads.verification import Verification


async def reassemble(job: Job, context: JobContext) -> None:
    """Turn a full upload into a file, or reopen its damaged slots.

    Raises :class:`ChecksumMismatch` if every chunk is correct but the whole is not what the client declared, and
    :class:`storage.errors.StateChanged` if the lease was lost.
    """
    upload = await rows.find(job.subject_id)
    if not upload:
        return
    if is_small(upload):
        await reassemble_more(job, upload, context)
    if not await publish_found(job, upload, context):
        await _reassemble_chunks(job, upload, context)
    await context.progress.publish_snapshot(upload.id)


async def _reassemble_chunks(job: Job, upload: Upload, context: JobContext) -> None:
    damaged = await seal(upload, context.store)
    if not damaged:
        verification = await context.follower.take(upload)
        await _finish(verification, upload, ProgressReporter(job, context.progress, upload.account_id))
        damaged = verification.damaged
    if damaged:
        await reopen(job, upload, damaged, context)
    else:
        _require_declared(upload, verification.sha256)
        await publish_verified(job, upload, verification, context)


def _require_declared(upload: Upload, sha256: str) -> None:
    if upload.sha256 and upload.sha256 != sha256:
        raise ChecksumMismatch(f"The file's SHA-256 is {sha256}, not the declared one.", field="sha256")


def _claim_order(context: JobContext) -> jobs.Choice:
    """Prefer the owner, which has verified most of the upload.

    Any worker may claim one that cannot be read before its last chunk.
    """
    return context.membership.claim_order if context.store.reads_staging else jobs.oldest_first


REASSEMBLE = JobType(
    kind=JobKind.REASSEMBLE,
    handler=reassemble,
    on_failure=partial(fail_upload, status=UploadStatus.FAILED),
    on_wait=publish_status,
    subject=UPLOAD_ID,
    # It waits for the disk, so two at a time are faster.
    concurrency=2,
    claim_order=_claim_order,
)


async def _finish(verification: Verification, upload: Upload, reporter: ProgressReporter) -> None:
    """Verify the remaining slots."""
    receipts_left = {receipt.index: receipt for receipt in await receipts.find_all(upload.id, verification.index)}
    done_before, start = verification.done, time.monotonic()
    while verification.index < upload.chunk_count:
        await verification.advance(receipts_left.get(verification.index))
        done, seconds = verification.done, time.monotonic() - start
        speed = (done - done_before) / seconds if seconds else None
        await reporter.report(bytes_frame(upload.id, UploadStatus.REASSEMBLING, done, upload.size, speed))
