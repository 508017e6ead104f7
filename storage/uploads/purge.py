"""Deletes rows of dead uploads, a few at a time, so that no transaction is long.

``deleted_code`` is the error code of failed uploads whose bytes were deleted. Like aborted and expired uploads, these
never change again.
"""

from datetime import datetime

from tortoise.expressions import Q, Subquery

from storage.database.connection import atomically
from storage.jobs.models import Job
from storage.uploads.models import Chunk, Upload, UploadStatus

BATCH = 1_000


async def dead_with_receipts(deleted_code: str, limit: int) -> list[Upload]:
    """Dead uploads that still have receipts."""
    return await Upload.filter(_dead(deleted_code), id__in=Subquery(Chunk.all().values("upload_id"))).limit(limit)


async def receipts(upload: Upload) -> None:
    """Delete a dead upload's receipts, because their bytes are deleted."""
    # The receipts first, so that an interrupted run finds the rest again.
    await Upload.filter(id=upload.id).update(received_chunks=0, received_bytes=0)
    for start in range(0, upload.chunk_count, BATCH):
        await Chunk.filter(upload_id=upload.id, index__gte=start, index__lt=start + BATCH).delete()


async def uploads(deleted_code: str, before: datetime, limit: int) -> int:
    """Delete dead uploads that would have expired before this time, and their jobs. Returns their number."""
    rows = await Upload.filter(_dead(deleted_code), expires_at__lt=before).limit(limit).values("id")
    keys = [row["id"] for row in rows]

    async def work() -> None:
        await Upload.filter(_dead(deleted_code), id__in=keys).delete()
        await Job.filter(subject_id__in=keys).delete()

    if keys:
        await atomically(work)
    return len(keys)


def _dead(deleted_code: str) -> Q:
    ended = Q(status__in=[UploadStatus.ABORTED, UploadStatus.EXPIRED])
    return ended | Q(status=UploadStatus.FAILED, error_code=deleted_code)
