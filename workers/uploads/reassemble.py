"""Reassembly: verify the chunks and the whole file where the follower has not, make it durable and publish it.

Nothing is copied on a local disk, and elsewhere only within the store. After a crash at any point the job can simply
run again: sealing and publishing the bytes twice is harmless, and the rows are written in one transaction that names
the job's lease.
"""

import time
from functools import partial

from services.core.clock import now
from services.media.types import MediaFacts
from services.uploads.errors import ChecksumMismatch
from services.uploads.progress_frame import bytes_frame
from storage.jobs import jobs
from storage.jobs.models import Job, JobKind
from storage.uploads import receipts
from storage.uploads import uploads as rows
from storage.uploads.models import JOB_OF_STATUS, Upload, UploadStatus
from workers.job_context import JobContext
from workers.job_type import JobType
from workers.media.probe import NotMedia, probe
from workers.uploads.sealing import reopen, seal
from workers.uploads.upload_jobs import UPLOAD_ID, ProgressReporter, fail_upload, publish_status
from workers.uploads.verification import Verification

#: Bytes at both ends of a file that describe its container, for stores that would have to download the whole file.
PROBED = 8 * 2**20


async def reassemble(job: Job, context: JobContext) -> None:
    """Turn a full upload into a file, or reopen its damaged slots.

    Raises :class:`ChecksumMismatch` if every chunk is correct but the whole is not what the client declared, and
    :class:`storage.errors.StateChanged` if the lease was lost.
    """
    upload = await rows.find(job.subject_id)
    if not upload:
        return
    damaged = await seal(upload, context.store)
    if not damaged:
        verification = await context.follower.take(upload)
        await _finish(verification, upload, ProgressReporter(job, context.progress))
        damaged = verification.damaged
    if damaged:
        await reopen(job, upload, damaged, context)
    else:
        await _publish(job, upload, verification.sha256, context)
    await context.progress.publish_snapshot(upload.id)


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


async def _publish(job: Job, upload: Upload, sha256: str, context: JobContext) -> None:
    if upload.sha256 and upload.sha256 != sha256:
        raise ChecksumMismatch(f"The file's SHA-256 is {sha256}, not the declared one.", field="sha256")
    key = await context.store.publish(upload.staging_area)
    facts = await _facts(key, context)
    media = facts.to_json() if facts else None
    await rows.publish(job, upload, blob_key=key, sha256=sha256, media=media, now=now())
    if next_kind := JOB_OF_STATUS.get(upload.status_with_file):
        await context.notifications.send(next_kind)


async def _facts(key: str, context: JobContext) -> MediaFacts | None:
    async with context.store.local_path(key, PROBED) as path:
        try:
            return await probe(path, context.tools)
        except NotMedia:
            return None


async def _finish(verification: Verification, upload: Upload, reporter: ProgressReporter) -> None:
    """Verify the remaining slots."""
    receipts_left = {receipt.index: receipt for receipt in await receipts.find_all(upload.id, verification.index)}
    done_before, start = verification.done, time.monotonic()
    while verification.index < upload.chunk_count:
        await verification.advance(receipts_left.get(verification.index))
        done, seconds = verification.done, time.monotonic() - start
        speed = (done - done_before) / seconds if seconds else None
        await reporter.report(bytes_frame(upload.id, UploadStatus.REASSEMBLING, done, upload.size, speed))
