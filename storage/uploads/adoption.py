"""Rows for bytes that were published although the database does not say so: it is an older copy."""

from datetime import datetime
from typing import Any

from tortoise.exceptions import IntegrityError

from storage.accounts import accounts
from storage.database.connection import atomically
from storage.errors import Duplicate, StateChanged
from storage.jobs import jobs
from storage.jobs.models import JobKind
from storage.uploads.job_results import add_file
from storage.uploads.models import QuarantinedBlob, Upload, UploadStatus
from storage.uploads.uploads import enqueue_job


async def queue(upload: Upload, now: datetime) -> JobKind | None:
    """The upload becomes REASSEMBLING, so that a worker finds its published bytes. None if its status has changed."""

    async def work() -> JobKind | None:
        changes: dict[str, Any] = {"status": UploadStatus.REASSEMBLING, "error_code": None, "error_message": None}
        if not await Upload.filter(id=upload.id, status=upload.status).update(**changes):
            return None
        await jobs.enqueue(JobKind.REASSEMBLE, upload.id, now)
        return JobKind.REASSEMBLE

    return await atomically(work)


async def complete(
    upload: Upload,
    *,
    blob_key: str,
    sha256: str,
    crc32: int | None = None,
    media: dict[str, Any] | None,
    now: datetime,
    is_new: bool,
) -> JobKind | None:
    """Store the file of an upload whose bytes were published, and the upload itself if it ``is_new``.

    Returns the kind of the job that continues with it, if any. Raises :class:`StateChanged` if the upload has another
    status by now, and :class:`Duplicate` if the blob or the upload has a row by now.
    """
    status = upload.status_with_file

    async def work() -> JobKind | None:
        # Before the row of the upload: a retry takes them in this order.
        await accounts.lock(upload.account_id)
        if is_new:
            await upload.save(force_create=True)
        changes: dict[str, Any] = {"status": status, "error_code": None, "error_message": None, "fingerprint": None}
        if not await Upload.filter(id=upload.id, status=upload.status).update(**changes):
            raise StateChanged("the upload has changed")
        version = await add_file(upload, blob_key=blob_key, sha256=sha256, crc32=crc32, media=media, now=now)
        await Upload.filter(id=upload.id).update(version_id=version.id, mime_type=upload.mime_type)
        await QuarantinedBlob.filter(key=blob_key).delete()
        return await enqueue_job(upload.id, status, now)

    try:
        return await atomically(work)
    except IntegrityError as error:
        raise Duplicate("the blob has a row") from error
