"""Whether an upload has ended, may be retried, or has to expire."""

from services.core.clock import now
from services.core.errors import ErrorCode
from services.media.errors import NotAVideo
from services.uploads.adoption import adopt_later
from services.uploads.errors import ChunksMissing, UploadClosed
from services.uploads.progress.progress import Progress
from storage.blobs import BlobStore
from storage.uploads import expiry
from storage.uploads.models import BYTES_DELETED, Upload, UploadStatus

#: The error code of failed uploads whose bytes are deleted; after an internal error they are kept until they expire.
BYTES_GONE = ErrorCode(BYTES_DELETED)


def is_dead(upload: Upload) -> bool:
    """Whether an upload's bytes are no longer needed. An upload that failed by an internal error keeps them."""
    if upload.status is UploadStatus.FAILED:
        return upload.error_code == BYTES_GONE
    return upload.status in {UploadStatus.ABORTED, UploadStatus.EXPIRED}


def can_be_retried(upload: Upload) -> bool:
    """Whether a step failed that may succeed next time; False while it is under way or if it succeeded.

    Raises :class:`ChunksMissing` before all chunks have arrived, :class:`UploadClosed` if the bytes are deleted, and
    :class:`NotAVideo` if no attempt can succeed.
    """
    if upload.status is UploadStatus.RECEIVING:
        raise ChunksMissing("Nothing has failed: some chunks are still missing.")
    if is_dead(upload):
        raise UploadClosed("The upload has ended and its bytes are deleted. Start it again.")
    if upload.error_code == ErrorCode.NOT_A_VIDEO:
        raise NotAVideo("This file has no video to compress, so a retry cannot succeed.")
    return upload.status.is_final and upload.error_code is not None


async def expire(upload: Upload, store: BlobStore, progress: Progress) -> None:
    """Close an expired upload and free its space, unless a chunk has prolonged it or it is retried meanwhile.

    If its bytes were published, the database is an older copy: a worker then makes it READY instead.
    """
    if await adopt_later(upload, store):
        await progress.publish_snapshot(upload.id)
    elif await expiry.expire(upload.id, now()):
        # A worker that had lost its job may nevertheless have sealed it.
        await store.discard(upload.staging_area, sealed=True)
        await progress.publish_snapshot(upload.id)
