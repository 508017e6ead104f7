"""Codes of errors, by the place where a client meets them."""

from enum import Enum

import strawberry
from strawberry import enum_value


@strawberry.enum(description="Why a mutation was refused: the codes in `userErrors`. A code never changes its meaning.")
class UserErrorCode(Enum):
    ALREADY_EXISTS = enum_value("ALREADY_EXISTS", description="The name must be unique, and is taken.")
    CHECKSUM_MISMATCH = enum_value("CHECKSUM_MISMATCH", description="The bytes do not have the declared digest.")
    CHUNKS_MISSING = enum_value("CHUNKS_MISSING", description="Some slots of the upload are still open.")
    IDEMPOTENCY_CONFLICT = enum_value("IDEMPOTENCY_CONFLICT", description="The key was used before for another file.")
    INVALID_CREDENTIALS = enum_value("INVALID_CREDENTIALS", description="The user ID, password or token is wrong.")
    INVALID_INPUT = enum_value("INVALID_INPUT", description="The value breaks a rule of its input.")
    INVALID_OTP = enum_value("INVALID_OTP", description="The code is wrong, was used, or has expired.")
    MAIL_UNAVAILABLE = enum_value("MAIL_UNAVAILABLE", description="The mail could not be sent. Try again.")
    NOT_A_VIDEO = enum_value("NOT_A_VIDEO", description="There is no video in the file that can be compressed.")
    NOT_FOUND = enum_value("NOT_FOUND", description="It does not exist, or you may not see it.")
    QUOTA_EXCEEDED = enum_value("QUOTA_EXCEEDED", description="The account may not store this much.")
    SLOT_CONFLICT = enum_value("SLOT_CONFLICT", description="The slot already has a chunk with other bytes.")
    STORAGE_FULL = enum_value("STORAGE_FULL", description="The server's disk is full. Nothing that was stored is lost.")
    STORAGE_UNAVAILABLE = enum_value("STORAGE_UNAVAILABLE", description="The server's blob store does not answer.")
    TOO_LARGE = enum_value("TOO_LARGE", description="The file is larger than `Server.maxFileSize`.")
    UPLOAD_CLOSED = enum_value("UPLOAD_CLOSED", description="The state of the upload no longer allows this.")


@strawberry.enum(description="Why the work on an upload waits. It continues by itself, and nothing is lost.")
class WaitReason(Enum):
    STORAGE_FULL = enum_value("STORAGE_FULL", description="The server's disk is full.")
    STORAGE_UNAVAILABLE = enum_value("STORAGE_UNAVAILABLE", description="The server's blob store does not answer.")
    TEMPORARILY_UNAVAILABLE = enum_value("TEMPORARILY_UNAVAILABLE", description="The database does not answer.")

    @classmethod
    def of(cls, code: str | None) -> "WaitReason | None":
        """The stored code; None for one that a newer version has stored."""
        return cls.__members__.get(code or "")


@strawberry.enum(description="Why an upload failed, or why its video was not compressed.")
class UploadErrorCode(Enum):
    CHECKSUM_MISMATCH = enum_value("CHECKSUM_MISMATCH", description="The bytes do not have the declared SHA-256.")
    COMPRESSION_FAILED = enum_value("COMPRESSION_FAILED", description="The encoder failed. The original is untouched.")
    INTERNAL = enum_value("INTERNAL", description="Something went wrong on the server.")
    NOT_A_VIDEO = enum_value("NOT_A_VIDEO", description="There is no video in the file that can be compressed.")

    @classmethod
    def of(cls, code: str) -> "UploadErrorCode":
        """The stored code; INTERNAL for one that another version has stored."""
        return cls.__members__.get(code, cls.INTERNAL)


@strawberry.enum(
    description="Why a request was refused: the codes in `errors[].extensions.code`, and in the problem documents (RFC "
    "9457) of the URLs of slots and downloads. A code never changes its meaning."
)
class RequestErrorCode(Enum):
    BODY_INCOMPLETE = enum_value("BODY_INCOMPLETE", description="The connection closed in the middle of a chunk.")
    BODY_STALLED = enum_value("BODY_STALLED", description="The body arrived too slowly.")
    CHECKSUM_MISMATCH = enum_value("CHECKSUM_MISMATCH", description="The chunk does not have the declared SHA-256.")
    CHUNK_SIZE_MISMATCH = enum_value("CHUNK_SIZE_MISMATCH", description="The chunk does not have the slot's size.")
    FORBIDDEN = enum_value("FORBIDDEN", description="This client may not read this.")
    GRAPHQL_INVALID = enum_value(
        "GRAPHQL_INVALID", description="The document or its variables are not valid for this schema."
    )
    HOST_NOT_ALLOWED = enum_value("HOST_NOT_ALLOWED", description="The server does not answer under this host name.")
    INTERNAL = enum_value(
        "INTERNAL", description="Something went wrong on the server. `extensions.requestId` finds it in the log."
    )
    INVALID_INPUT = enum_value("INVALID_INPUT", description="The value breaks a rule of its argument.")
    MALFORMED_REQUEST = enum_value("MALFORMED_REQUEST", description="The HTTP request cannot be understood.")
    NOT_FOUND = enum_value("NOT_FOUND", description="It does not exist, or you may not see it.")
    NOT_READY = enum_value("NOT_READY", description="The server is about to stop. Send the request again.")
    OPERATION_TOO_COMPLEX = enum_value(
        "OPERATION_TOO_COMPLEX", description="The operation exceeds a limit, which `extensions` names."
    )
    PERSISTED_QUERY_NOT_FOUND = enum_value(
        "PERSISTED_QUERY_NOT_FOUND", description="The server does not know the document's ID. Send the document."
    )
    RANGE_NOT_SATISFIABLE = enum_value("RANGE_NOT_SATISFIABLE", description="The range begins after the file's end.")
    RATE_LIMITED = enum_value(
        "RATE_LIMITED", description="The budget is used up. Try again after `extensions.retryAfter` seconds."
    )
    REQUEST_TOO_LARGE = enum_value("REQUEST_TOO_LARGE", description="The body of the request is too large.")
    SLOT_BUSY = enum_value("SLOT_BUSY", description="Another request fills this slot. Try again.")
    SLOT_CONFLICT = enum_value("SLOT_CONFLICT", description="The slot already has a chunk with other bytes.")
    SLOT_TAKEN_OVER = enum_value(
        "SLOT_TAKEN_OVER", description="The chunk arrived too slowly, and another request fills the slot now."
    )
    STORAGE_FULL = enum_value("STORAGE_FULL", description="The server's disk is full. Nothing that was stored is lost.")
    STORAGE_UNAVAILABLE = enum_value("STORAGE_UNAVAILABLE", description="The server's blob store does not answer.")
    TEMPORARILY_UNAVAILABLE = enum_value(
        "TEMPORARILY_UNAVAILABLE", description="The database does not answer. Send the request again."
    )
    TOO_MANY_SUBSCRIPTIONS = enum_value(
        "TOO_MANY_SUBSCRIPTIONS", description="As many subscriptions as are allowed are open."
    )
    UNAUTHENTICATED = enum_value(
        "UNAUTHENTICATED", description="There is no access token, or it is invalid or has expired."
    )
    UNTRUSTED_DOCUMENT = enum_value(
        "UNTRUSTED_DOCUMENT", description="The server only runs documents that its operator has listed."
    )
    UPLOAD_CLOSED = enum_value("UPLOAD_CLOSED", description="The upload takes no more chunks.")
    URL_EXPIRED = enum_value("URL_EXPIRED", description="The URL has expired. Get a new one.")
    URL_INVALID = enum_value("URL_INVALID", description="The URL was not made by this server, or it was altered.")
