"""Rows of uploads, and every change of their status, each by compare-and-set."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tortoise.queryset import QuerySet

from storage.accounts import accounts
from storage.blobs import ReopenedStaging
from storage.database.connection import atomically
from storage.database.pages import Window, newest_first
from storage.jobs import jobs
from storage.jobs.models import JobKind
from storage.uploads.models import JOB_OF_STATUS, OPEN, STORED, Chunk, Sliced, Upload, UploadStatus

#: Columns that a dead upload resets, so that the next upload can use the values.
GIVEN_UP: dict[str, Any] = {"idempotency_key": None, "fingerprint": None}
#: An account has no more open uploads of one file by accident.
ALIKE = 100


async def find(upload_id: UUID) -> Upload | None:
    """The upload with this key."""
    return await Upload.get_or_none(id=upload_id)


async def find_by_keys(account_id: UUID, idempotency_keys: Collection[str]) -> dict[str, Upload]:
    """The account's uploads with these idempotency keys, by key."""
    found = Upload.filter(account_id=account_id, idempotency_key__in=list(idempotency_keys))
    return {str(upload.idempotency_key): upload for upload in await found}


async def give_up_key(upload_id: UUID) -> None:
    """Let another upload use the idempotency key of this one, whose file is stored."""
    await Upload.filter(id=upload_id, status__in=STORED).update(idempotency_key=None)


async def open_alike(account_id: UUID, sha256s: Collection[str]) -> list[Upload]:
    """The account's unfinished uploads of files with these digests, newest first, also those past their expiry."""
    return (
        await Upload.filter(account_id=account_id, sha256__in=list(sha256s), status__in=OPEN)
        .order_by("-id")
        .limit(ALIKE * len(sha256s))
    )


@dataclass(frozen=True)
class UploadFilter:
    """Conditions for uploads: their status, and the folder for their files. The root has the ID of the account."""

    status: UploadStatus | None = None
    folder_id: UUID | None = None


async def page(account_id: UUID, only: UploadFilter, window: Window[UUID]) -> list[Upload]:
    """A window of the uploads of an account that meet the conditions, the newest one first."""
    return await newest_first(_of_account(account_id, only), window)


async def open_keys(account_id: UUID, limit: int) -> list[UUID]:
    """The keys of the account's uploads that have not ended, the newest first."""
    query = Upload.filter(account_id=account_id, status__in=[status for status in UploadStatus if not status.is_final])
    return [row["id"] for row in await query.order_by("-id").limit(limit).values("id")]


async def count(account_id: UUID, only: UploadFilter) -> int:
    """The number of an account's uploads that meet the conditions."""
    return await _of_account(account_id, only).count()


def _of_account(account_id: UUID, only: UploadFilter) -> QuerySet[Upload]:
    uploads = Upload.filter(account_id=account_id)
    if only.folder_id:
        uploads = uploads.filter(parent_id=None if only.folder_id == account_id else only.folder_id)
    return uploads.filter(status=only.status) if only.status else uploads


async def retry(upload: Upload, now: datetime) -> JobKind | None:
    """Queue the failed job again; None if the upload has changed.

    READY becomes COMPRESSING, FAILED becomes REASSEMBLING. A failed upload needs no further space of the quota.
    """
    status = UploadStatus.COMPRESSING if upload.version_id else UploadStatus.REASSEMBLING

    async def work() -> JobKind | None:
        # A deletion holds this lock, and then takes the rows of job and upload in the other order.
        await accounts.lock(upload.account_id)
        failed = Upload.filter(id=upload.id, status=upload.status, error_code=upload.error_code)
        if not await failed.update(status=status, error_code=None, error_message=None):
            return None
        return await enqueue_job(upload.id, status, now)

    return await atomically(work)


async def reopen_all_slots(upload: Sliced, place: ReopenedStaging) -> bool:
    """Delete every receipt of an upload whose bytes were lost, and continue in another place.

    False if it accepts no more chunks, or already continues elsewhere.
    """

    async def work() -> bool:
        same = receiving(upload.id).filter(staging=upload.staging)
        if not await same.update(staging=place.staging, received_chunks=0, received_bytes=0, known_bytes=0):
            return False
        await Chunk.filter(upload_id=upload.id).delete()
        return True

    return await atomically(work)


async def abort(upload_id: UUID) -> bool:
    """RECEIVING becomes ABORTED; False when it was not RECEIVING."""
    return bool(await receiving(upload_id).update(status=UploadStatus.ABORTED, **GIVEN_UP))


async def abort_failed(upload_id: UUID, deleted_code: str) -> bool:
    """FAILED becomes ABORTED; False when it was not FAILED, or with the error code ``deleted_code``."""
    failed = Upload.filter(id=upload_id, status=UploadStatus.FAILED, error_code__not=deleted_code)
    return bool(await failed.update(status=UploadStatus.ABORTED))


async def enqueue_job(upload_id: UUID, status: UploadStatus, now: datetime) -> JobKind | None:
    """Queue the job of an upload's new status, if it has one. Call it inside a transaction."""
    kind = JOB_OF_STATUS.get(status)
    if kind:
        await jobs.enqueue(kind, upload_id, now)
    return kind


def receiving(upload_id: UUID) -> Any:
    """The row of an upload, if it receives chunks."""
    return Upload.filter(id=upload_id, status=UploadStatus.RECEIVING)
