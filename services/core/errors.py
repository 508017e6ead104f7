"""Errors that callers see: each class has a stable code, an HTTP status and, where it helps, a time to wait.

This module has the codes, the base classes and the errors that every domain raises. Others are in ``errors.py`` of
their domain. GraphQL renders an :class:`ExpectedError` as a ``UserError`` and any other error under
``extensions.code``; plain HTTP renders all of them as RFC 9457 problem documents. Programs use the code, people read
the message.
"""

import math
from collections.abc import Sequence
from enum import StrEnum
from typing import ClassVar

from storage.errors import DatabaseUnavailable, NoSpace, StoreUnavailable, TransactionAborted

DATABASE_AWAY = (DatabaseUnavailable, TransactionAborted)


class ErrorCode(StrEnum):
    """Stable codes of refusals. A code is never renamed or given a second meaning."""

    ACCOUNT_DISABLED = "ACCOUNT_DISABLED"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    BODY_INCOMPLETE = "BODY_INCOMPLETE"
    BODY_STALLED = "BODY_STALLED"
    CHECKSUM_MISMATCH = "CHECKSUM_MISMATCH"
    CHECKSUMS_PENDING = "CHECKSUMS_PENDING"
    CHUNK_SIZE_MISMATCH = "CHUNK_SIZE_MISMATCH"
    CHUNKS_MISSING = "CHUNKS_MISSING"
    COMPRESSION_FAILED = "COMPRESSION_FAILED"
    CONTENT_LOST = "CONTENT_LOST"
    COOKIES_REFUSED = "COOKIES_REFUSED"
    CROSS_ORIGIN_REQUEST = "CROSS_ORIGIN_REQUEST"
    CURSOR_EXPIRED = "CURSOR_EXPIRED"
    FOLDER_CYCLE = "FOLDER_CYCLE"
    FORBIDDEN = "FORBIDDEN"
    GRAPHQL_INVALID = "GRAPHQL_INVALID"
    HOST_NOT_ALLOWED = "HOST_NOT_ALLOWED"
    IDEMPOTENCY_CONFLICT = "IDEMPOTENCY_CONFLICT"
    INTERNAL = "INTERNAL"
    IN_TRASH = "IN_TRASH"
    INVALID_CREDENTIALS = "INVALID_CREDENTIALS"
    INVALID_INPUT = "INVALID_INPUT"
    INVALID_OTP = "INVALID_OTP"
    INVITATION_INVALID = "INVITATION_INVALID"
    INVITATION_REQUIRED = "INVITATION_REQUIRED"
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
    REAUTHENTICATION_REQUIRED = "REAUTHENTICATION_REQUIRED"
    REGISTRATION_CLOSED = "REGISTRATION_CLOSED"
    REQUEST_TOO_LARGE = "REQUEST_TOO_LARGE"
    SEARCH_TIMEOUT = "SEARCH_TIMEOUT"
    SERVER_BUSY = "SERVER_BUSY"
    SLOT_BUSY = "SLOT_BUSY"
    SLOT_CONFLICT = "SLOT_CONFLICT"
    SLOT_TAKEN_OVER = "SLOT_TAKEN_OVER"
    STORAGE_FULL = "STORAGE_FULL"
    STORAGE_UNAVAILABLE = "STORAGE_UNAVAILABLE"
    TEMPORARILY_UNAVAILABLE = "TEMPORARILY_UNAVAILABLE"
    TOO_DEEP = "TOO_DEEP"
    TOO_LARGE = "TOO_LARGE"
    TOO_MANY_ATTEMPTS = "TOO_MANY_ATTEMPTS"
    TOO_MANY_API_TOKENS = "TOO_MANY_API_TOKENS"
    TOO_MANY_CONNECTIONS = "TOO_MANY_CONNECTIONS"
    TOO_MANY_ITEMS = "TOO_MANY_ITEMS"
    TOO_MANY_MAILS = "TOO_MANY_MAILS"
    TOO_MANY_REGISTRATIONS = "TOO_MANY_REGISTRATIONS"
    TOO_MANY_SUBSCRIPTIONS = "TOO_MANY_SUBSCRIPTIONS"
    TOO_MANY_UPLOADS = "TOO_MANY_UPLOADS"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    UNTRUSTED_DOCUMENT = "UNTRUSTED_DOCUMENT"
    UPLOAD_CLOSED = "UPLOAD_CLOSED"
    URL_EXPIRED = "URL_EXPIRED"
    URL_INVALID = "URL_INVALID"
    ZIP_TOO_LARGE = "ZIP_TOO_LARGE"


class CloudKeepError(Exception):
    """Base class of errors that callers see. ``str(error)`` is the message for the caller, without secrets."""

    code: ClassVar[ErrorCode] = ErrorCode.INTERNAL
    status: ClassVar[int] = 500
    #: Seconds until the same request may succeed, for the ``Retry-After`` header; None if waiting does not help.
    retry_after: float | None = None
    #: Whether the server stops reading the request's body, so that the connection cannot be reused.
    closes_connection: ClassVar[bool] = False

    @property
    def extensions(self) -> dict[str, object]:
        """The fields beside the message: GraphQL's ``extensions``, and extension members of a problem document."""
        return {"code": self.code.value}


class RetryLater(CloudKeepError):
    """The same request may succeed later. GraphQL clients, too, see ``retry_after``.

    ``retry_after``: seconds, if they differ from those of the class.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        if retry_after is not None:
            self.retry_after = retry_after

    @property
    def extensions(self) -> dict[str, object]:
        """The code and ``retryAfter`` in seconds, rounded up to the millisecond, or null."""
        seconds = None if self.retry_after is None else math.ceil(1000 * self.retry_after) / 1000
        return {**super().extensions, "retryAfter": seconds}


class ExpectedError(CloudKeepError):
    """An error that the caller can act on. ``field`` is the path of the input field that caused it.

    ``others`` are the errors of other fields of the same input, so that a caller can correct all of them at once.
    """

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field
        self.others: Sequence[ExpectedError] = ()


class InvalidInput(ExpectedError):
    """A value breaks a documented rule."""

    code = ErrorCode.INVALID_INPUT
    status = 400


class AlreadyExists(ExpectedError):
    """A name that must be unique is taken."""

    code = ErrorCode.ALREADY_EXISTS
    status = 409


class NotFound(ExpectedError):
    """The item does not exist or belongs to another account. The two cases have the same response."""

    code = ErrorCode.NOT_FOUND
    status = 404


class StorageFull(ExpectedError):
    """The disk is full. Nothing that was acknowledged is lost."""

    code = ErrorCode.STORAGE_FULL
    status = 507
    retry_after: float | None = 30.0


FULL_DISK = "The server's disk is full. Nothing that was acknowledged is lost; try again later."


class StorageUnavailable(ExpectedError):
    """The blob store does not answer; nothing that was acknowledged is lost."""

    code = ErrorCode.STORAGE_UNAVAILABLE
    status = 503
    retry_after = 5.0


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
    """A signed URL has expired. The client needs a new one."""

    code = ErrorCode.URL_EXPIRED
    status = 403


class TemporarilyUnavailable(RetryLater):
    """The database, or a file that is needed, is away. The request took effect as a whole or not at all."""

    code = ErrorCode.TEMPORARILY_UNAVAILABLE
    status = 503
    retry_after = 2.0


def refusal_of(error: BaseException | None) -> CloudKeepError | None:
    """The error that a caller sees for another error; None for an internal error.

    Every write may find a full disk, and every use of the store or the database may find it away, so services need not
    handle these cases.
    """
    if isinstance(error, NoSpace):
        return StorageFull(FULL_DISK)
    if isinstance(error, StoreUnavailable):
        return StorageUnavailable(AWAY)
    if isinstance(error, DATABASE_AWAY):
        return TemporarilyUnavailable("The database does not answer at the moment. Try again in a few seconds.")
    return error if isinstance(error, CloudKeepError) else None
