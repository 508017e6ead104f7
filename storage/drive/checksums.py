"""CRC-32s of blobs that older versions stored, and the jobs that compute those that a client waits for."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from storage.database.connection import atomically
from storage.drive.models import Blob
from storage.errors import StateChanged
from storage.jobs import jobs
from storage.jobs.models import Job, JobKind, JobState
from storage.tracing import traceparent


async def find(blob_id: UUID) -> Blob | None:
    """The blob with this key."""
    return await Blob.get_or_none(id=blob_id)


async def without_crc32(after: UUID | None, limit: int) -> list[Blob]:
    """The oldest blobs without a CRC-32 that were stored after this one."""
    query = Blob.filter(crc32__isnull=True, is_deleting=False)
    query = query.filter(id__gt=after) if after else query
    return await query.order_by("id").limit(limit)


async def fill_in(blob_id: UUID, crc32: int) -> None:
    """Store the CRC-32 of a blob that has none."""
    await Blob.filter(id=blob_id, crc32__isnull=True).update(crc32=crc32)


async def request(blob_ids: Collection[UUID], now: datetime) -> set[UUID]:
    """Queue a job for each of these blobs that has none. Returns the blobs whose job has failed."""

    async def work() -> None:
        rows = [
            Job(kind=JobKind.CHECKSUM, subject_id=blob_id, run_after=now, trace=traceparent()) for blob_id in blob_ids
        ]
        await Job.bulk_create(rows, ignore_conflicts=True)

    await atomically(work)
    failed = Job.filter(kind=JobKind.CHECKSUM, subject_id__in=list(blob_ids), state=JobState.FAILED)
    return {row["subject_id"] for row in await failed.values("subject_id")}


async def finish(job: Job, crc32: int) -> None:
    """End a job with its result, and delete its row: a blob needs the job only once.

    Raises :class:`StateChanged` if the lease was lost.
    """

    async def work() -> None:
        if not await jobs.finish(job):
            raise StateChanged("the lease was lost")
        await fill_in(job.subject_id, crc32)
        await Job.filter(id=job.id).delete()

    await atomically(work)
