"""Errors of zip files."""

from services.core.errors import ErrorCode, ExpectedError, RetryLater


class ChecksumsPending(RetryLater):
    """The server still computes CRC-32s that the zip file needs. ``retry_after`` is in seconds."""

    code = ErrorCode.CHECKSUMS_PENDING
    status = 503


class ContentLost(ExpectedError):
    """The bytes of a file are missing on the server, or are not those that were uploaded."""

    code = ErrorCode.CONTENT_LOST
    status = 410


class ZipTooLarge(ExpectedError):
    """The zip file would have more entries than the server allows."""

    code = ErrorCode.ZIP_TOO_LARGE
    status = 413


class TooManyZipDownloads(RetryLater):
    """The zip files that the process sends, or those of the client's address, take as much memory as they may."""

    code = ErrorCode.TOO_MANY_CONNECTIONS
    status = 503
    retry_after = 10.0
