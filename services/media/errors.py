"""Errors of media files and their compression."""

from services.core.errors import ErrorCode, ExpectedError


class NotAVideo(ExpectedError):
    """The file has no video stream to compress."""

    code = ErrorCode.NOT_A_VIDEO
    status = 422


class CompressionFailed(ExpectedError):
    """The encoder failed. The original is unchanged."""

    code = ErrorCode.COMPRESSION_FAILED
    status = 500
