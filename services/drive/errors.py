"""Errors of the drive."""

from services.core.errors import ErrorCode, ExpectedError


class SearchTimeout(ExpectedError):
    """A search took too long. A search for other words may not."""

    code = ErrorCode.SEARCH_TIMEOUT
    status = 503


class InTrash(ExpectedError):
    """The item, or a folder above it, is in the trash."""

    code = ErrorCode.IN_TRASH
    status = 409


class FolderCycle(ExpectedError):
    """A folder cannot be moved or copied into itself, or into a folder below it."""

    code = ErrorCode.FOLDER_CYCLE
    status = 409


class NestedTooDeeply(ExpectedError):
    """Folders would be nested in too many levels."""

    code = ErrorCode.TOO_DEEP
    status = 409


class TooManyItems(ExpectedError):
    """A call would copy or create more items than one may, or the account has as many as it may have."""

    code = ErrorCode.TOO_MANY_ITEMS
    status = 409
