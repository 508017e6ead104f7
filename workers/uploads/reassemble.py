"""Reassembly: verify every chunk and the whole, as far as the follower has not, make it durable, let the file appear.

On a local disk nothing is copied, and elsewhere only what the store copies by itself. A crash at any point leaves a job
that can simply run again: sealing and publishing the bytes twice is harmless, and the rows are written in one
transaction that names the job's lease.
"""

import time

from services.core.clock import now
from services.media.media import MediaFacts
from services.uploads.errors import ChecksumMismatch
from services.uploads.progress import moving
from storage.jobs.models import Job, JobKind
from storage.uploads import receipts
from storage.uploads import uploads as rows
from storage.uploads.models import Upload, UploadStatus
from workers.job_context import JobContext
from workers.media.probe import NotMedia, probe
from workers.uploads.sealing import reopen, sealed
from workers.uploads.upload_jobs import Reporter
from workers.uploads.verification import Verification

#: Bytes at both ends of a file in which a container says what it holds, where the whole would have to be loaded.
PROBED = 8 * 2**20


async def reassemble(job: Job, crew: JobContext) -> None:
    """Turn a full upload into a file, or reopen its damaged slots.

    Raises :class:`ChecksumMismatch` when every chunk is as received but the whole is not what the client declared, and
    :class:`storage.errors.StateChanged` when the lease was lost.
    """
    upload = await rows.find(job.subject_id)
    if not upload:
        return
    damaged = await sealed(upload, crew.store)
    if not damaged:
        verification = await crew.follower.take(upload)
        await _finish(verification, upload, Reporter(job, crew.progress))
        damaged = verification.damaged
    if damaged:
        await reopen(job, upload, damaged, crew)
    else:
        await _publish(job, upload, verification.sha256, crew)
    await crew.progress.changed(upload.id)


async def _publish(job: Job, upload: Upload, sha256: str, crew: JobContext) -> None:
    if upload.sha256 and upload.sha256 != sha256:
        raise ChecksumMismatch(f"The file's SHA-256 is {sha256}, not the declared one.", field="sha256")
    key = await crew.store.publish(upload.staging_area)
    facts = await _facts(key, crew)
    media = facts.to_json() if facts else None
    await rows.publish(job, upload, blob_key=key, sha256=sha256, media=media, now=now())
    if upload.compress:
        await crew.hints.send(JobKind.COMPRESS)


async def _facts(key: str, crew: JobContext) -> MediaFacts | None:
    async with crew.store.local_path(key, PROBED) as path:
        try:
            return await probe(path, crew.tools)
        except NotMedia:
            return None


async def _finish(verification: Verification, upload: Upload, reporter: Reporter) -> None:
    """Verify what is left, which after a quick upload is little."""
    left = {receipt.index: receipt for receipt in await receipts.of(upload.id, verification.index)}
    before, began = verification.done, time.monotonic()
    while verification.index < upload.chunk_count:
        await verification.advance(left.get(verification.index))
        done, seconds = verification.done, time.monotonic() - began
        speed = (done - before) / seconds if seconds else None
        await reporter.report(moving(upload.id, UploadStatus.REASSEMBLING, done, upload.size, speed))
