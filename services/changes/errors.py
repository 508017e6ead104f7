"""Errors of the feed of changes."""

from services.core.errors import ErrorCode, ExpectedError


class CursorExpired(ExpectedError):
    """Changes after the cursor are deleted, or it belongs to a history that the database no longer has.

    The client lists the drive again, and continues with a new cursor.
    """

    code = ErrorCode.CURSOR_EXPIRED
    status = 410
