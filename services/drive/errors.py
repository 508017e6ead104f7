"""Errors of the drive."""

from services.core.errors import ErrorCode, ExpectedError


class SearchTimeout(ExpectedError):
    """A search took too long. A search for other words may not."""

    code = ErrorCode.SEARCH_TIMEOUT
    status = 503
