"""Translates the errors of SQLite that are not caused by a statement."""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from tortoise.exceptions import OperationalError

from storage.errors import DatabaseUnavailable, NoSpace, QueryTimeout, in_one_line

#: The file, or the index of its write-ahead log, cannot grow (https://sqlite.org/rescode.html).
FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE}
#: Another process has been writing for longer than the busy timeout, or the file cannot be opened, read or written.
#: These are the lowest byte of extended codes.
UNAVAILABLE = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}
PRIMARY = 0xFF

logger = logging.getLogger("cloudkeep.database")


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise :class:`NoSpace` for a full disk and :class:`DatabaseUnavailable` for a file that cannot be used.

    Raises :class:`QueryTimeout` for a statement that was interrupted.
    """
    try:
        yield
    except (OperationalError, sqlite3.OperationalError) as error:
        codes = _codes(error)
        if sqlite3.SQLITE_INTERRUPT in codes:
            raise QueryTimeout("a statement was interrupted") from error
        if codes & FULL:
            raise NoSpace("the database has no room to grow") from error
        if {code & PRIMARY for code in codes} & UNAVAILABLE:
            # The caller gets a request to retry. The operator, who could repair it, needs the log.
            logger.warning("the database cannot be used: %s", error)
            raise DatabaseUnavailable(str(error)) from error
        raise


@contextmanager
def all_unavailable() -> Iterator[None]:
    """Raise :class:`DatabaseUnavailable` for every error. For the first use of the database."""
    try:
        yield
    except sqlite3.Error as error:
        raise DatabaseUnavailable(in_one_line(error)) from error


def _codes(error: BaseException | None) -> set[int]:
    # Tortoise passes SQLite's error on as an argument, and a rollback after an error may fail in turn.
    codes = set()
    while error:
        codes |= {getattr(each, "sqlite_errorcode", 0) for each in (error, *error.args)}
        error = error.__cause__ or error.__context__
    return codes
