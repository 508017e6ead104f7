"""Rows of uploads, and every change of their status, each by compare-and-set."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from tortoise.exceptions import IntegrityError
from tortoise.queryset import QuerySet

from storage.accounts import accounts
from storage.blobs import ReopenedStaging
from storage.database.connection import atomically
from storage.database.pages import Window, newest_first
from storage.drive import blobs, new_files
from storage.drive.models import FileVersion
from storage.drive.versions import Content
from storage.errors import Duplicate, StateChanged
from storage.jobs import jobs
from storage.jobs.models import JobKind
from storage.uploads import receipts, usage
from storage.uploads.known_chunks import KnownChunk
from storage.uploads.models import JOB_OF_STATUS, OPEN, Chunk, Sliced, Upload, UploadStatus

NONE: Mapping[int, KnownChunk] = {}
#: Columns that a dead upload resets, so that the next upload can use the values.
GIVEN_UP: dict[str, Any] = {"idempotency_key": None, "fingerprint": None}
#: An account has no more open uploads of one file by accident.
ALIKE = 100


async def _admit_all() -> None:
    """Admit any upload."""


async def insert(
    upload: Upload,
    now: datetime,
    *,
    quota: int | None = None,
    known_chunks: Mapping[int, KnownChunk] = NONE,
    admit: Callable[[], Awaitable[None]] = _admit_all,
) -> None:
    """Store a new upload, which reserves its bytes of the account's quota.

    The slots of ``known_chunks`` are filled, except from blobs whose bytes are being deleted; if those are all slots,
    reassembly is queued. ``admit`` is called while the account's row is locked; the upload is not stored if it raises.
    Raises :class:`Duplicate` if its idempotency key or its fingerprint is in use, :class:`OverQuota`, and what
    ``admit`` raises.
    """

    async def work() -> None:
        await accounts.lock(upload.account_id)
        await usage.require_space(upload.account_id, upload.size, quota)
        await admit()
        usable = await _usable(known_chunks)
        upload.received_chunks = len(usable)
        upload.received_bytes = upload.known_bytes = sum(chunk.size for chunk in usable.values())
        await upload.save(force_create=True)
        await receipts.add_known(upload, usable)
        if len(usable) == upload.chunk_count:
            upload.status = UploadStatus.REASSEMBLING
            await receipts.queue_reassembly(upload.id, now)

    try:
        await atomically(work)
    except IntegrityError as error:
        raise Duplicate("the idempotency key or the fingerprint is in use") from error


async def _usable(known_chunks: Mapping[int, KnownChunk]) -> Mapping[int, KnownChunk]:
    """Those of the chunks whose blobs exist. As soon as receipts name these blobs, their bytes are not deleted."""
    if not known_chunks:
        return known_chunks
    keys = await blobs.usable({chunk.key for chunk in known_chunks.values()})
    return {index: chunk for index, chunk in known_chunks.items() if chunk.key in keys}


async def insert_owned(upload: Upload, version_with_bytes: FileVersion, now: datetime) -> None:
    """Store a new upload that needs no bytes: it shares the blob of ``version_with_bytes``, of the same owner.

    Compression is queued if it was requested. Raises :class:`Duplicate` if the idempotency key is in use, and
    :class:`StateChanged` if the version was deleted meanwhile, and its bytes as well.
    """

    async def work() -> None:
        await accounts.lock(upload.account_id)
        blob = await blobs.use(version_with_bytes.blob_id)
        if not blob:
            raise StateChanged("the bytes are deleted")
        content = Content(blob, upload.mime_type, version_with_bytes.media)
        version = await new_files.add(upload.account_id, upload.parent_id, upload.file_name, content, now)
        upload.version_id = version.id
        upload.status = upload.status_with_file
        upload.fingerprint = None
        await upload.save(force_create=True)
        await enqueue_job(upload.id, upload.status, now)

    try:
        await atomically(work)
    except IntegrityError as error:
        raise Duplicate("the idempotency key is in use") from error


async def find(upload_id: UUID) -> Upload | None:
    """The upload with this key."""
    return await Upload.get_or_none(id=upload_id)


async def find_by_key(account_id: UUID, idempotency_key: str) -> Upload | None:
    """The account's upload with this idempotency key."""
    return await Upload.get_or_none(account_id=account_id, idempotency_key=idempotency_key)


async def find_by_fingerprint(fingerprint: str) -> Upload | None:
    """The open upload with this fingerprint."""
    return await Upload.get_or_none(fingerprint=fingerprint)


async def open_alike(account_id: UUID, file_name: str, size: int, sha256: str) -> list[Upload]:
    """The account's unfinished uploads of this file, newest first, also those past their expiry."""
    return (
        await Upload.filter(account_id=account_id, sha256=sha256, size=size, file_name=file_name, status__in=OPEN)
        .order_by("-id")
        .limit(ALIKE)
    )


async def page(account_id: UUID, status: UploadStatus | None, window: Window[UUID]) -> list[Upload]:
    """A window of the uploads of an account, the newest one first; only those with this status, if one is given."""
    return await newest_first(_of_account(account_id, status), window)


async def open_keys(account_id: UUID, limit: int) -> list[UUID]:
    """The keys of the account's uploads that have not ended, the newest first."""
    query = Upload.filter(account_id=account_id, status__in=[status for status in UploadStatus if not status.is_final])
    return [row["id"] for row in await query.order_by("-id").limit(limit).values("id")]


async def count(account_id: UUID, status: UploadStatus | None) -> int:
    """The number of an account's uploads; only those with this status, if one is given."""
    return await _of_account(account_id, status).count()


def _of_account(account_id: UUID, status: UploadStatus | None) -> QuerySet[Upload]:
    uploads = Upload.filter(account_id=account_id)
    return uploads.filter(status=status) if status else uploads


async def retry(upload: Upload, now: datetime) -> JobKind | None:
    """Queue the failed job again; None if the upload has changed.

    READY becomes COMPRESSING, FAILED becomes REASSEMBLING. A failed upload needs no further space of the quota.
    """
    status = UploadStatus.COMPRESSING if upload.version_id else UploadStatus.REASSEMBLING

    async def work() -> JobKind | None:
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
