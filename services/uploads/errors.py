"""Errors of uploads, their slots and their chunks."""

from services.core.errors import ErrorCode, ExpectedError, StorageFull


class TooLarge(ExpectedError):
    """A file is above the server's limit."""

    code = ErrorCode.TOO_LARGE
    status = 413


class QuotaExceeded(ExpectedError):
    """The account's quota is used up. RFC 4331, section 6, uses 507 for it too."""

    code = ErrorCode.QUOTA_EXCEEDED
    status = 507


class ReservationTooLarge(StorageFull):
    """The disk has space, but not for this account: its uploads would reserve too much that they have not sent.

    ``retry_after`` is None if the file alone is too large for that.
    """


class TooManyUploads(ExpectedError):
    """The account has as many open uploads as it may have."""

    code = ErrorCode.TOO_MANY_UPLOADS
    status = 429
    retry_after = 30.0


class IdempotencyConflict(ExpectedError):
    """An idempotency key was used before for another file."""

    code = ErrorCode.IDEMPOTENCY_CONFLICT
    status = 409


class UploadClosed(ExpectedError):
    """The upload no longer accepts chunks, or this change."""

    code = ErrorCode.UPLOAD_CLOSED
    status = 409


class ChunksMissing(ExpectedError):
    """The upload cannot finish: some slots are still open."""

    code = ErrorCode.CHUNKS_MISSING
    status = 409


class ChunkSizeMismatch(ExpectedError):
    """The length of the chunk is not the size of its slot."""

    code = ErrorCode.CHUNK_SIZE_MISMATCH
    status = 400


class ChecksumMismatch(ExpectedError):
    """The SHA-256 of the bytes is not the declared one."""

    code = ErrorCode.CHECKSUM_MISMATCH
    status = 422


class SlotBusy(ExpectedError):
    """Another request is filling this slot. Try again in a moment."""

    code = ErrorCode.SLOT_BUSY
    status = 409
    retry_after = 1.0


class SlotConflict(ExpectedError):
    """The slot already holds a chunk with other bytes."""

    code = ErrorCode.SLOT_CONFLICT
    status = 409


class SlotTakenOver(ExpectedError):
    """The sender was silent, and another authorized request fills the slot now."""

    code = ErrorCode.SLOT_TAKEN_OVER
    status = 409
    retry_after = 1.0
    closes_connection = True


class BodyIncomplete(ExpectedError):
    """The sender closed the connection before the whole chunk had arrived."""

    code = ErrorCode.BODY_INCOMPLETE
    status = 400


class BodyStalled(ExpectedError):
    """The sender was silent for too long within a chunk."""

    code = ErrorCode.BODY_STALLED
    status = 408
    closes_connection = True
