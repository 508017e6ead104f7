"""Computes the CRC-32 of a blob for which a client waits, before :mod:`workers.maintenance.checksum_backfill` would."""

from services.core.errors import ErrorCode
from services.drive.zips.zips import CHECKSUM_RATE
from services.maintenance.checksums import crc32_of
from services.maintenance.scrub import ReadThrottle
from storage.drive import checksums
from storage.jobs.models import Job, JobKind
from workers.job_context import JobContext
from workers.job_type import JobType
from workers.lease import until_stored


async def checksum(job: Job, context: JobContext) -> None:
    """Compute and store the CRC-32.

    Raises :class:`services.drive.zips.errors.ContentLost`, and :class:`storage.errors.StateChanged` if the lease was
    lost.
    """
    blob = await checksums.find(job.subject_id)
    if blob is None or blob.is_deleting:
        return
    crc32 = blob.crc32
    if crc32 is None:
        crc32 = await crc32_of(blob, context.store, ReadThrottle(CHECKSUM_RATE))
    await until_stored(lambda: checksums.finish(job, crc32))
    context.counters.checksums_computed += 1


CHECKSUM = JobType(
    kind=JobKind.CHECKSUM,
    handler=checksum,
    # A zip file with a blob whose job has failed is refused.
    failure_code=ErrorCode.CONTENT_LOST,
    subject="blob_id",
    # The disk is read from one place at a time.
    concurrency=1,
)
