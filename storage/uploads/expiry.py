"""Rows of uploads that expire."""

from datetime import datetime
from uuid import UUID

from tortoise.expressions import Q

from storage.uploads.models import AWAITS_RETRY, Upload, UploadStatus
from storage.uploads.uploads import GIVEN_UP, receiving

#: Uploads that expire: those that wait for chunks, and failed ones that wait for a retry.
EXPIRING = Q(status=UploadStatus.RECEIVING) | AWAITS_RETRY


async def prolong(upload_id: UUID, expires_at: datetime) -> None:
    """Let an upload that receives chunks expire at this time, if that is later."""
    await receiving(upload_id).filter(expires_at__lt=expires_at).update(expires_at=expires_at)


async def expired(now: datetime, limit: int) -> list[Upload]:
    """Uploads that have expired and still receive chunks, or that failed and keep their bytes."""
    return await Upload.filter(EXPIRING, expires_at__lt=now).limit(limit)


async def expire(upload_id: UUID, now: datetime) -> bool:
    """RECEIVING becomes EXPIRED, and FAILED with bytes as well, which keeps its error.

    False when a chunk prolonged the upload, or it was retried meanwhile.
    """
    overdue = Upload.filter(EXPIRING, id=upload_id, expires_at__lt=now)
    return bool(await overdue.update(status=UploadStatus.EXPIRED, **GIVEN_UP))


async def close(upload_id: UUID) -> bool:
    """RECEIVING becomes EXPIRED before its time; False when it was not RECEIVING."""
    return bool(await receiving(upload_id).update(status=UploadStatus.EXPIRED, **GIVEN_UP))
