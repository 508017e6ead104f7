"""Copies a database of SQLite while other processes read and write it.

SQLite's backup interface copies pages, with pauses in between if the caller wants them. An open read transaction keeps
the source as it was when the copy began, so a writer neither waits for the copy nor makes it start again
(https://sqlite.org/backup.html). Meanwhile the write-ahead log grows by what is written.
"""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from storage.database.sqlite.errors import FULL, PRIMARY
from storage.durable_files import full_disk_named, open_private, require_free, sync
from storage.errors import DatabaseDamaged, DatabaseUnavailable, NoSpace, in_one_line

#: Seconds that a statement waits for the locks of another process.
BUSY_SECONDS = 10.0
#: 4 MiB of the usual pages, so that a cancelled copy ends soon, and a pause comes often.
PAGES_AT_ONCE = 1024


def copy_database(source: Path, target: Path, *, pause: float = 0.0, stopped: Callable[[], bool] = bool) -> None:
    """Write a consistent copy that is one file, readable by its owner only, checked, and durable.

    ``target`` is replaced only when the copy is complete. After every 4 MiB the copy pauses for ``pause`` seconds, and
    ends with :class:`InterruptedError` if ``stopped`` returns True. Blocks, so the caller uses a thread.

    Raises :class:`NoSpace`, :class:`DatabaseUnavailable`, and :class:`DatabaseDamaged` if the copy is not intact.
    """
    draft = target.with_name(f"{target.name}.partial")
    try:
        with _translated(target.parent):
            require_room(source, target.parent)
            open_private(draft).close()
            _copy_pages(source, draft, pause, stopped)
            make_single_file(draft)
            require_intact(draft)
            os.replace(draft, target)
            sync(target)
            sync(target.parent)
    finally:
        draft.unlink(missing_ok=True)


def require_room(source: Path, folder: Path) -> None:
    """Raise :class:`NoSpace` unless a copy of the database fits into the folder."""
    log = source.with_name(f"{source.name}-wal")
    size = source.stat().st_size + (log.stat().st_size if log.exists() else 0)
    require_free(folder, size, "a copy of the database")


def require_intact(path: Path) -> None:
    """Raise :class:`DatabaseDamaged` unless SQLite's own check finds nothing (https://sqlite.org/pragma.html)."""
    try:
        with closing(read_only(path)) as connection:
            (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        verdict = in_one_line(error)
    if verdict != "ok":
        raise DatabaseDamaged(f"the database is damaged: {' '.join(verdict.split())}")


def make_single_file(path: Path) -> None:
    """Move what is in the write-ahead log into the database, and remove the log.

    Raises ``sqlite3.OperationalError`` (SQLITE_BUSY) while any other connection to the database is open.
    """
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA journal_mode=DELETE")


def read_only(path: Path) -> sqlite3.Connection:
    """A connection to a database that is one file and does not change. It writes nothing beside it."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)


def _copy_pages(source: Path, draft: Path, pause: float, stopped: Callable[[], bool]) -> None:
    def progress(status: int, remaining: int, total: int) -> None:
        if stopped():
            raise InterruptedError("the copy was stopped")
        time.sleep(pause)

    uri = f"{source.absolute().as_uri()}?mode=rw"
    with (
        closing(sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)) as original,
        closing(sqlite3.connect(draft)) as copy,
    ):
        # Without this, every commit of another process would make the copy start again.
        original.execute("BEGIN")
        original.execute("SELECT count(*) FROM sqlite_master").fetchone()
        original.backup(copy, pages=PAGES_AT_ONCE, progress=progress)


@contextmanager
def _translated(folder: Path) -> Iterator[None]:
    try:
        with full_disk_named(folder):
            yield
    except sqlite3.DatabaseError as error:
        if {error.sqlite_errorcode, error.sqlite_errorcode & PRIMARY} & FULL:
            raise NoSpace(f"the disk of {folder} is full") from error
        raise DatabaseUnavailable(in_one_line(error)) from error
