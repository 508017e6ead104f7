"""The enums of error codes, one for each part of a response that has codes."""

from enum import Enum

import strawberry
from strawberry import enum_value


@strawberry.enum(description="Why a mutation was refused: the codes in `userErrors`. A code never changes its meaning.")
class UserErrorCode(Enum):
    ACCOUNT_DISABLED = enum_value(
        "ACCOUNT_DISABLED", description="The password is right, but an administrator has disabled the account."
    )
    ALREADY_EXISTS = enum_value("ALREADY_EXISTS", description="The name is already taken.")
    CHECKSUM_MISMATCH = enum_value("CHECKSUM_MISMATCH", description="The bytes do not have the declared SHA-256.")
    CHUNKS_MISSING = enum_value("CHUNKS_MISSING", description="Some chunks of the upload have not arrived.")
    CONTENT_LOST = enum_value(
        "CONTENT_LOST", description="The bytes of a file are missing on the server, or have changed there."
    )
    COOKIES_REFUSED = enum_value(
        "COOKIES_REFUSED",
        description="The response cannot set the cookie: the request does not come from a page of this server's own "
        "origin, has an access token, or came over a WebSocket or as an event stream.",
    )
    FOLDER_CYCLE = enum_value(
        "FOLDER_CYCLE", description="A folder cannot be moved or copied into itself, or into a folder below it."
    )
    IDEMPOTENCY_CONFLICT = enum_value(
        "IDEMPOTENCY_CONFLICT", description="The idempotency key was used before, for another file."
    )
    IN_TRASH = enum_value("IN_TRASH", description="The item, or a folder above it, is in the trash. Restore it first.")
    INVALID_CREDENTIALS = enum_value("INVALID_CREDENTIALS", description="The user ID, password or token is wrong.")
    INVALID_INPUT = enum_value("INVALID_INPUT", description="The value is not allowed for this field.")
    INVALID_OTP = enum_value("INVALID_OTP", description="The code is wrong, was used before, or has expired.")
    INVITATION_INVALID = enum_value(
        "INVITATION_INVALID",
        description="The invitation does not exist, was used, has expired, or is for another address.",
    )
    INVITATION_REQUIRED = enum_value(
        "INVITATION_REQUIRED", description="The server only accepts registrations with an invitation."
    )
    MAIL_UNAVAILABLE = enum_value("MAIL_UNAVAILABLE", description="The mail could not be sent. Try again later.")
    NOT_A_VIDEO = enum_value("NOT_A_VIDEO", description="There is no video in the file that can be compressed.")
    NOT_FOUND = enum_value("NOT_FOUND", description="The object does not exist, or the viewer may not see it.")
    QUOTA_EXCEEDED = enum_value("QUOTA_EXCEEDED", description="The file does not fit into the account's quota.")
    REAUTHENTICATION_REQUIRED = enum_value(
        "REAUTHENTICATION_REQUIRED",
        description="The last sign-in of the session was more than ten minutes ago. Call `reauthenticate`, then try "
        "again.",
    )
    REGISTRATION_CLOSED = enum_value("REGISTRATION_CLOSED", description="The server accepts no registrations.")
    SLOT_CONFLICT = enum_value("SLOT_CONFLICT", description="The slot already has a chunk with other bytes.")
    STORAGE_FULL = enum_value(
        "STORAGE_FULL",
        description="The server's disk is full, or the open uploads of the account would reserve too much of what is "
        "free. No chunk that was acknowledged is lost.",
    )
    STORAGE_UNAVAILABLE = enum_value("STORAGE_UNAVAILABLE", description="The server's file storage does not respond.")
    TOO_DEEP = enum_value("TOO_DEEP", description="Folders would be nested in more than 100 levels.")
    TOO_LARGE = enum_value("TOO_LARGE", description="The file is larger than the server accepts.")
    TOO_MANY_API_TOKENS = enum_value(
        "TOO_MANY_API_TOKENS", description="The account has as many valid API tokens as it may have. Revoke one first."
    )
    TOO_MANY_ITEMS = enum_value(
        "TOO_MANY_ITEMS",
        description="One mutation would copy or create too many items: do it in parts. Or the account has as many "
        "items as it may have: delete some first.",
    )
    TOO_MANY_REGISTRATIONS = enum_value(
        "TOO_MANY_REGISTRATIONS",
        description="Too many registrations wait for their code. Try again when the first of them have expired.",
    )
    TOO_MANY_UPLOADS = enum_value(
        "TOO_MANY_UPLOADS",
        description="The account has too many open uploads. Finish or abort some of them first.",
    )
    UPLOAD_CLOSED = enum_value("UPLOAD_CLOSED", description="The status of the upload no longer allows this.")
    ZIP_TOO_LARGE = enum_value("ZIP_TOO_LARGE", description="The zip file would have too many entries.")


@strawberry.enum(
    description="Why the server cannot continue to process an upload at the moment. It continues as soon as it can, "
    "and no bytes are lost."
)
class WaitReason(Enum):
    STORAGE_FULL = enum_value("STORAGE_FULL", description="The server's disk is full.")
    STORAGE_UNAVAILABLE = enum_value("STORAGE_UNAVAILABLE", description="The server's file storage does not respond.")
    TEMPORARILY_UNAVAILABLE = enum_value("TEMPORARILY_UNAVAILABLE", description="The database does not respond.")

    @classmethod
    def of(cls, code: str | None) -> "WaitReason | None":
        """The stored code; None for one that a newer version has stored."""
        return cls.__members__.get(code or "")


@strawberry.enum(description="Why an upload failed, or why its video was not compressed.")
class UploadErrorCode(Enum):
    CHECKSUM_MISMATCH = enum_value("CHECKSUM_MISMATCH", description="The bytes do not have the declared SHA-256.")
    COMPRESSION_FAILED = enum_value(
        "COMPRESSION_FAILED", description="The compression failed. The file itself is stored, and not changed."
    )
    INTERNAL = enum_value("INTERNAL", description="An internal error of the server.")
    NOT_A_VIDEO = enum_value("NOT_A_VIDEO", description="The file has no video that can be compressed.")

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
    CHECKSUMS_PENDING = enum_value(
        "CHECKSUMS_PENDING",
        description="The server still computes checksums that the zip file needs. Send the request again after "
        "`extensions.retryAfter` seconds.",
    )
    CONTENT_LOST = enum_value(
        "CONTENT_LOST", description="The bytes of a file are missing on the server, or have changed there."
    )
    CROSS_ORIGIN_REQUEST = enum_value(
        "CROSS_ORIGIN_REQUEST",
        description="The request has a session cookie, and comes from a page of another origin. Nothing was run.",
    )
    CURSOR_EXPIRED = enum_value(
        "CURSOR_EXPIRED",
        description="The changes after the cursor are no longer known: they are too old, or the server was restored "
        "from a backup. List the drive again, and continue with a new cursor.",
    )
    FORBIDDEN = enum_value(
        "FORBIDDEN",
        description="The API token may not use a field of the operation: it has none of the scopes in "
        "`extensions.requiredScopes`, or no API token may use the field. On `/metrics`: the client's address may not "
        "read this URL.",
    )
    GRAPHQL_INVALID = enum_value(
        "GRAPHQL_INVALID", description="The document or its variables are not valid for this schema."
    )
    HOST_NOT_ALLOWED = enum_value("HOST_NOT_ALLOWED", description="The server does not serve this host name.")
    INTERNAL = enum_value(
        "INTERNAL",
        description="An internal error of the server. The server's log has `extensions.requestId`, with the cause.",
    )
    INVALID_INPUT = enum_value("INVALID_INPUT", description="The value is not allowed for this argument.")
    MALFORMED_REQUEST = enum_value("MALFORMED_REQUEST", description="The server does not understand the request.")
    NOT_FOUND = enum_value("NOT_FOUND", description="The object does not exist, or the viewer may not see it.")
    NOT_READY = enum_value("NOT_READY", description="The server is starting or stopping. Send the request again.")
    OPERATION_TOO_COMPLEX = enum_value(
        "OPERATION_TOO_COMPLEX",
        description="The operation exceeds the limit that `extensions.limit` names.",
    )
    PERSISTED_QUERY_NOT_FOUND = enum_value(
        "PERSISTED_QUERY_NOT_FOUND",
        description="The server has no document with this ID. Send the request again, with the text of the document.",
    )
    RANGE_NOT_SATISFIABLE = enum_value("RANGE_NOT_SATISFIABLE", description="The range begins after the file's end.")
    RATE_LIMITED = enum_value(
        "RATE_LIMITED",
        description="The budget is used up. Try again after `extensions.retryAfter` seconds; if that is null, the "
        "request never fits the budget.",
    )
    REQUEST_TOO_LARGE = enum_value("REQUEST_TOO_LARGE", description="The head or the body of the request is too large.")
    SEARCH_TIMEOUT = enum_value(
        "SEARCH_TIMEOUT", description="The search took too long. Search for longer or more words."
    )
    SERVER_BUSY = enum_value(
        "SERVER_BUSY",
        description="Too many requests with passwords, or for resets, wait. Send the request again after "
        "`extensions.retryAfter` seconds.",
    )
    SLOT_BUSY = enum_value("SLOT_BUSY", description="Another request is sending a chunk to this slot. Try again later.")
    SLOT_CONFLICT = enum_value("SLOT_CONFLICT", description="The slot already has a chunk with other bytes.")
    SLOT_TAKEN_OVER = enum_value(
        "SLOT_TAKEN_OVER", description="The chunk arrived too slowly, and another request has taken over the slot."
    )
    STORAGE_FULL = enum_value(
        "STORAGE_FULL", description="The server's disk is full. No chunk that was acknowledged is lost."
    )
    STORAGE_UNAVAILABLE = enum_value("STORAGE_UNAVAILABLE", description="The server's file storage does not respond.")
    TEMPORARILY_UNAVAILABLE = enum_value(
        "TEMPORARILY_UNAVAILABLE", description="The database does not respond. Send the request again."
    )
    TOO_MANY_ATTEMPTS = enum_value(
        "TOO_MANY_ATTEMPTS",
        description="There were too many wrong passwords or codes, so this one was not verified. Try again after "
        "`extensions.retryAfter` seconds.",
    )
    TOO_MANY_CONNECTIONS = enum_value(
        "TOO_MANY_CONNECTIONS",
        description="The client's address, or the server, has as many connections or unfinished requests as it may "
        "have. Try again after the seconds of `Retry-After`.",
    )
    TOO_MANY_MAILS = enum_value(
        "TOO_MANY_MAILS",
        description="The address, which need not have an account, got as many mails as it may within an hour. Try "
        "again after `extensions.retryAfter` seconds.",
    )
    TOO_MANY_SUBSCRIPTIONS = enum_value(
        "TOO_MANY_SUBSCRIPTIONS", description="The client has as many open subscriptions as it may have."
    )
    UNAUTHENTICATED = enum_value(
        "UNAUTHENTICATED",
        description="The request has no access token and no session cookie, or one that is invalid or has expired.",
    )
    UNTRUSTED_DOCUMENT = enum_value(
        "UNTRUSTED_DOCUMENT", description="The server only runs the documents that its operator has listed."
    )
    UPLOAD_CLOSED = enum_value("UPLOAD_CLOSED", description="The upload accepts no more chunks.")
    URL_EXPIRED = enum_value("URL_EXPIRED", description="The URL has expired. Query its field again to get a new one.")
    URL_INVALID = enum_value("URL_INVALID", description="The URL was not made by this server, or it was altered.")
