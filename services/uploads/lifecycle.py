"""Whether an upload is over, and whether work on it that failed may be tried again."""

from services.core.errors import ErrorCode
from services.media.errors import NotAVideo
from services.uploads.errors import ChunksMissing, UploadClosed
from storage.uploads.models import Upload, UploadStatus

#: An upload that failed with it has no bytes any more; one that failed by a fault of ours keeps them.
BYTES_GONE = ErrorCode.CHECKSUM_MISMATCH


def is_dead(upload: Upload) -> bool:
    """Whether an upload's bytes are of no more use.

    One that failed by a fault of ours keeps them; so does every one that is not at its end.
    """
    if upload.status is UploadStatus.FAILED:
        return upload.error_code == BYTES_GONE
    return upload.status in {UploadStatus.ABORTED, UploadStatus.EXPIRED}


def can_be_retried(upload: Upload) -> bool:
    """Whether something failed that may end better next time; False when it is under way or has ended well.

    Raises :class:`ChunksMissing` before everything has arrived, :class:`UploadClosed` when the bytes are gone, and
    :class:`NotAVideo` where no attempt can change that.
    """
    if upload.status is UploadStatus.RECEIVING:
        raise ChunksMissing("Nothing has failed: some chunks are still missing.")
    if is_dead(upload):
        raise UploadClosed("The upload is over and its bytes are gone. Begin it again.")
    if upload.error_code == ErrorCode.NOT_A_VIDEO:
        raise NotAVideo("This file has no video to compress. Trying again would not change that.")
    return upload.status.is_final and upload.error_code is not None
