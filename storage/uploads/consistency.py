"""Queries that compare the rows with the bytes and with each other, and repairs of rows.

One statement reads each batch, so the result is a consistent snapshot.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from tortoise.expressions import Subquery
from tortoise.functions import Count

from storage.database.connection import atomically
from storage.drive.models import Blob, FileVersion, Rendition
from storage.jobs import jobs
from storage.jobs.models import Job, JobState
from storage.uploads import receipts
from storage.uploads.models import JOB_OF_STATUS, Chunk, Upload, UploadStatus


async def find_uploads(upload_ids: Collection[UUID]) -> dict[UUID, Upload]:
    """The uploads that exist, of these."""
    return {upload.id: upload for upload in await Upload.filter(id__in=list(upload_ids))}


async def running_attempts(tokens: Collection[UUID]) -> set[UUID]:
    """The lease tokens that still hold a job, of these. Any other can never store a result again."""
    rows = await Job.filter(lease_token__in=list(tokens), state=JobState.RUNNING).values("lease_token")
    return {row["lease_token"] for row in rows}


async def known_blobs(keys: Collection[str]) -> set[str]:
    """The keys that a row of a blob has, of these."""
    return {row["key"] for row in await Blob.filter(key__in=list(keys)).values("key")}


async def blobs(after: UUID | None, limit: int) -> list[Blob]:
    """The oldest blobs created after this one that files use. The bytes of released ones may be deleted by now."""
    query = Blob.filter(released_at__isnull=True)
    query = query.filter(id__gt=after) if after else query
    return await query.order_by("id").limit(limit)


async def users_of(blob_id: UUID) -> tuple[list[FileVersion], list[Rendition]]:
    """The versions of a blob, and its renditions, each with its file."""
    versions = await FileVersion.filter(blob_id=blob_id).select_related("item")
    return versions, await Rendition.filter(blob_id=blob_id).select_related("version__item")


async def uploads_with_file(after: UUID | None, limit: int) -> list[Upload]:
    """The oldest uploads created after this one that have a file, with the file and its blob."""
    query = Upload.filter(id__gt=after, version_id__isnull=False) if after else Upload.filter(version_id__isnull=False)
    return await query.order_by("id").limit(limit).select_related("version__blob")


async def owners_of(key: str) -> list[tuple[str, str]]:
    """The names of the files of a blob, also of those that it was derived from, each with its owner's user ID."""
    versions = await FileVersion.filter(blob__key=key).select_related("account", "item")
    renditions = await Rendition.filter(blob__key=key).select_related("version__account", "version__item")
    return [(row.item.name, row.account.user_id) for row in (*versions, *(row.version for row in renditions))]


async def uploads_with(status: UploadStatus, after: UUID | None, limit: int) -> list[Upload]:
    """The oldest uploads of this status created after this one."""
    query = Upload.filter(status=status, id__gt=after) if after else Upload.filter(status=status)
    return await query.order_by("id").limit(limit)


async def uploads_without_job(status: UploadStatus, after: UUID | None, limit: int) -> list[Upload]:
    """The oldest uploads of this status created after this one that have no pending job."""
    living = Job.filter(kind=JOB_OF_STATUS[status], state__in=[JobState.QUEUED, JobState.RUNNING])
    query = Upload.filter(status=status, id__not_in=Subquery(living.values("subject_id")))
    query = query.filter(id__gt=after) if after else query
    return await query.order_by("id").limit(limit)


async def receipt_counts(upload_ids: Collection[UUID]) -> dict[UUID, int]:
    """The number of receipts of each upload that has any."""
    counts = Chunk.filter(upload_id__in=list(upload_ids)).annotate(chunks=Count("id")).group_by("upload_id")
    return {row["upload_id"]: row["chunks"] for row in await counts.values("upload_id", "chunks")}


async def queue_again(upload: Upload, now: datetime) -> bool:
    """Queue the job that drives the upload; False if the upload has changed or has such a job by now."""
    kind = JOB_OF_STATUS[upload.status]

    async def work() -> bool:
        if not await _lock_unchanged(upload):
            return False
        job = await jobs.find(kind, upload.id)
        if job and job.state in {JobState.QUEUED, JobState.RUNNING}:
            return False
        await jobs.enqueue(kind, upload.id, now)
        return True

    return await atomically(work)


async def end_receiving(upload: Upload, now: datetime) -> bool:
    """Queue the reassembly of an upload whose slots are all filled; False if it has changed or is not full."""

    async def work() -> bool:
        if not await _lock_unchanged(upload) or await Chunk.filter(upload_id=upload.id).count() < upload.chunk_count:
            return False
        await receipts.queue_reassembly(upload.id, now)
        return True

    return await atomically(work)


async def is_unchanged(upload: Upload) -> bool:
    """Whether the upload has the status with which it was read."""
    return bool(await _unchanged(upload).exists())


async def _lock_unchanged(upload: Upload) -> bool:
    """Like :func:`is_unchanged`, but locks the row. Call it at the start of a transaction."""
    return bool(await _unchanged(upload).update(status=upload.status))


def _unchanged(upload: Upload) -> Any:
    return Upload.filter(id=upload.id, status=upload.status)
