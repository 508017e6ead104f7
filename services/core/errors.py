"""The one table of everything CloudKeep refuses: a class, its stable code, its HTTP status.

GraphQL renders an :class:`ExpectedError` as a ``UserError`` and any other error under ``extensions.code``; plain HTTP
renders all of them as RFC 9457 problem documents. Clients branch on the code, people read the message.
"""

from enum import StrEnum
from typing import ClassVar

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


class AlreadyExists(ExpectedError):
    """A name that must be unique is taken."""

    code = ErrorCode.ALREADY_EXISTS
    status = 409


class NotFound(ExpectedError):
    """The thing does not exist, or is somebody else's: the two are never told apart."""

    code = ErrorCode.NOT_FOUND
    status = 404


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
