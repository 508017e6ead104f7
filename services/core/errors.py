"""The one table of everything CloudKeep refuses: a class, its stable code, its HTTP status.

GraphQL renders an :class:`ExpectedError` as a ``UserError`` and any other error under ``extensions.code``; plain HTTP
renders all of them as RFC 9457 problem documents. Clients branch on the code, people read the message.
"""

import math
from enum import StrEnum
from typing import ClassVar

from services.budgets.limits import LayerStatus
from storage.errors import DatabaseUnavailable, NoSpace, StoreUnavailable, Undone

DATABASE_AWAY = (DatabaseUnavailable, Undone)


class ErrorCode(StrEnum):
    """Stable codes of refusals. A code is never renamed or given a second meaning."""

    ALREADY_EXISTS = "ALREADY_EXISTS"
    BODY_INCOMPLETE = "BODY_INCOMPLETE"
    BODY_STALLED = "BODY_STALLED"
    CHECKSUM_MISMATCH = "CHECKSUM_MISMATCH"
    CHUNK_SIZE_MISMATCH = "CHUNK_SIZE_MISMATCH"
    CHUNKS_MISSING = "CHUNKS_MISSING"
    COMPRESSION_FAILED = "COMPRESSION_FAILED"
    FORBIDDEN = "FORBIDDEN"
    IDEMPOTENCY_CONFLICT = "IDEMPOTENCY_CONFLICT"
    INTERNAL = "INTERNAL"
    INVALID_CREDENTIALS = "INVALID_CREDENTIALS"
    INVALID_INPUT = "INVALID_INPUT"
    INVALID_OTP = "INVALID_OTP"
    MAIL_UNAVAILABLE = "MAIL_UNAVAILABLE"
    MALFORMED_REQUEST = "MALFORMED_REQUEST"
    NOT_A_VIDEO = "NOT_A_VIDEO"
    NOT_FOUND = "NOT_FOUND"
    NOT_READY = "NOT_READY"
    OPERATION_TOO_COMPLEX = "OPERATION_TOO_COMPLEX"
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
    RANGE_NOT_SATISFIABLE = "RANGE_NOT_SATISFIABLE"
    RATE_LIMITED = "RATE_LIMITED"
    REQUEST_TOO_LARGE = "REQUEST_TOO_LARGE"
    SLOT_BUSY = "SLOT_BUSY"
    SLOT_CONFLICT = "SLOT_CONFLICT"
    SLOT_TAKEN_OVER = "SLOT_TAKEN_OVER"
    STORAGE_FULL = "STORAGE_FULL"
    STORAGE_UNAVAILABLE = "STORAGE_UNAVAILABLE"
    TEMPORARILY_UNAVAILABLE = "TEMPORARILY_UNAVAILABLE"
    TOO_LARGE = "TOO_LARGE"
    TOO_MANY_SUBSCRIPTIONS = "TOO_MANY_SUBSCRIPTIONS"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    UNTRUSTED_DOCUMENT = "UNTRUSTED_DOCUMENT"
    UPLOAD_CLOSED = "UPLOAD_CLOSED"
    URL_EXPIRED = "URL_EXPIRED"
    URL_INVALID = "URL_INVALID"


class CloudKeepError(Exception):
    """Base of every refusal. ``str(error)`` is the message shown to the caller: it must hold no secret."""

    code: ClassVar[ErrorCode] = ErrorCode.INTERNAL
    status: ClassVar[int] = 500

    @property
    def extensions(self) -> dict[str, object]:
        """What stands beside the message: GraphQL's ``extensions``, and extension members of a problem document."""
        return {"code": self.code.value}


class ExpectedError(CloudKeepError):
    """A refusal the caller can act on. ``field`` names the input it is about, as the path clients sent."""

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class InvalidInput(ExpectedError):
    """A value breaks a documented rule."""

    code = ErrorCode.INVALID_INPUT
    status = 400


class TooLarge(ExpectedError):
    """A file is above the server's limit."""

    code = ErrorCode.TOO_LARGE
    status = 413


class AlreadyExists(ExpectedError):
    """A name that must be unique is taken."""

    code = ErrorCode.ALREADY_EXISTS
    status = 409


class NotFound(ExpectedError):
    """The thing does not exist, or is somebody else's: the two are never told apart."""

    code = ErrorCode.NOT_FOUND
    status = 404


class InvalidCredentials(ExpectedError):
    """User ID or password is wrong; which of them is not said."""

    code = ErrorCode.INVALID_CREDENTIALS
    status = 401


class InvalidOtp(ExpectedError):
    """The one-time password is wrong, used, expired or was guessed at too often."""

    code = ErrorCode.INVALID_OTP
    status = 400


class MailUnavailable(ExpectedError):
    """The mail could not be handed over; nothing was changed and the call may be repeated."""

    code = ErrorCode.MAIL_UNAVAILABLE
    status = 503


class IdempotencyConflict(ExpectedError):
    """An idempotency key was used before for something else."""

    code = ErrorCode.IDEMPOTENCY_CONFLICT
    status = 409


class UploadClosed(ExpectedError):
    """The upload no longer takes chunks, or can no longer be changed that way."""

    code = ErrorCode.UPLOAD_CLOSED
    status = 409


class ChunksMissing(ExpectedError):
    """The upload cannot finish: some slots are still open."""

    code = ErrorCode.CHUNKS_MISSING
    status = 409


class ChunkSizeMismatch(ExpectedError):
    """The chunk's length is not its slot's size."""

    code = ErrorCode.CHUNK_SIZE_MISMATCH
    status = 400


class ChecksumMismatch(ExpectedError):
    """The bytes do not have the declared SHA-256."""

    code = ErrorCode.CHECKSUM_MISMATCH
    status = 422


class SlotBusy(ExpectedError):
    """Somebody is filling this slot right now. Try again in a moment."""

    code = ErrorCode.SLOT_BUSY
    status = 409


class SlotConflict(ExpectedError):
    """The slot already holds a chunk with other bytes."""

    code = ErrorCode.SLOT_CONFLICT
    status = 409


class SlotTakenOver(ExpectedError):
    """The sender was silent, and another request with a right to the slot fills it now."""

    code = ErrorCode.SLOT_TAKEN_OVER
    status = 409


class StorageFull(ExpectedError):
    """There is no room; nothing that was acknowledged is lost."""

    code = ErrorCode.STORAGE_FULL
    status = 507


FULL_DISK = "The server's disk is full. Nothing that was acknowledged is lost; try again later."


class StorageUnavailable(ExpectedError):
    """Whoever keeps the bytes does not answer; nothing that was acknowledged is lost."""

    code = ErrorCode.STORAGE_UNAVAILABLE
    status = 503


AWAY = "The blob store does not answer at the moment. Nothing that was acknowledged is lost; try again in a moment."


class QuotaExceeded(ExpectedError):
    """The account may not store this much. RFC 4331, section 6, gives 507 for it too."""

    code = ErrorCode.QUOTA_EXCEEDED
    status = 507


class BodyIncomplete(ExpectedError):
    """The sender hung up before the whole chunk was there."""

    code = ErrorCode.BODY_INCOMPLETE
    status = 400


class BodyStalled(ExpectedError):
    """The sender went silent in the middle of a chunk."""

    code = ErrorCode.BODY_STALLED
    status = 408


class MalformedRequest(ExpectedError):
    """The request cannot be understood."""

    code = ErrorCode.MALFORMED_REQUEST
    status = 400


class UrlInvalid(ExpectedError):
    """A signed URL was forged or altered."""

    code = ErrorCode.URL_INVALID
    status = 403


class UrlExpired(ExpectedError):
    """A signed URL is past its time; ask for a new one."""

    code = ErrorCode.URL_EXPIRED
    status = 403


class NotAVideo(ExpectedError):
    """There is no video stream to compress."""

    code = ErrorCode.NOT_A_VIDEO
    status = 422


class CompressionFailed(ExpectedError):
    """The encoder gave up. The original is untouched."""

    code = ErrorCode.COMPRESSION_FAILED
    status = 500


class OperationTooComplex(CloudKeepError):
    """A GraphQL operation is above a hard limit: ``limit`` names it, and ``actual`` is what the operation has.

    Where counting stopped early, ``actual`` is how far it got, which is above ``maximum``, too.
    """

    code = ErrorCode.OPERATION_TOO_COMPLEX
    status = 400

    def __init__(self, message: str, *, limit: str, maximum: int, actual: int) -> None:
        super().__init__(message)
        self.limit = limit
        self.maximum = maximum
        self.actual = actual

    @property
    def extensions(self) -> dict[str, object]:
        """The code, and which limit it is."""
        return {**super().extensions, "limit": self.limit, "maximum": self.maximum, "actual": self.actual}


class DocumentNotFound(CloudKeepError):
    """No document has the ID by which the request names it.

    The code is the one that the clients of Apollo know: they send the same request again with the document's text.
    """

    code = ErrorCode.PERSISTED_QUERY_NOT_FOUND
    status = 404


class UntrustedDocument(CloudKeepError):
    """The operator runs trusted documents alone, and this is none of them."""

    code = ErrorCode.UNTRUSTED_DOCUMENT
    status = 403


class Unauthenticated(CloudKeepError):
    """No valid access token came with the request."""

    code = ErrorCode.UNAUTHENTICATED
    status = 401


class RateLimited(CloudKeepError):
    """A budget is used up, or nobody can tell at the moment.

    ``layer`` is the budget that refused, ``layers`` all that were asked, as they are. ``retry_after`` is how many
    seconds to wait for it; None when waiting does not help, because the cost is more than the budget ever holds.
    """

    code = ErrorCode.RATE_LIMITED
    status = 429

    def __init__(
        self,
        message: str,
        *,
        layer: str,
        retry_after: float | None = None,
        layers: tuple[LayerStatus, ...] = (),
    ) -> None:
        super().__init__(message)
        self.layer = layer
        self.retry_after = retry_after
        self.layers = layers

    @property
    def extensions(self) -> dict[str, object]:
        """``retryAfter`` in seconds, rounded up to the millisecond, or null; ``layer`` is the budget that refused."""
        retry_after = None if self.retry_after is None else math.ceil(1000 * self.retry_after) / 1000
        return {**super().extensions, "retryAfter": retry_after, "layer": self.layer}


class TooManySubscriptions(CloudKeepError):
    """As many subscriptions as are allowed are open. ``retry_after``: seconds until another try makes sense."""

    code = ErrorCode.TOO_MANY_SUBSCRIPTIONS
    status = 429
    retry_after: ClassVar[float] = 10.0

    @property
    def extensions(self) -> dict[str, object]:
        """Beside the code, when to try again."""
        return {**super().extensions, "retryAfter": self.retry_after}


class TemporarilyUnavailable(CloudKeepError):
    """Something that everything stands on is away. What was asked is done as a whole or not at all; it can be repeated.

    ``retry_after``: seconds until another try makes sense.
    """

    code = ErrorCode.TEMPORARILY_UNAVAILABLE
    status = 503
    retry_after: ClassVar[float] = 2.0

    @property
    def extensions(self) -> dict[str, object]:
        """Beside the code, when to try again."""
        return {**super().extensions, "retryAfter": self.retry_after}


def refusal_of(error: BaseException | None) -> CloudKeepError | None:
    """What a caller is told of an error; None for a fault of ours.

    A full disk may show in every write, and a store or a database that is away in every use of it, so that it is not
    left to each service to expect them.
    """
    if isinstance(error, NoSpace):
        return StorageFull(FULL_DISK)
    if isinstance(error, StoreUnavailable):
        return StorageUnavailable(AWAY)
    if isinstance(error, DATABASE_AWAY):
        return TemporarilyUnavailable("The database does not answer at the moment. Try again in a few seconds.")
    return error if isinstance(error, CloudKeepError) else None
