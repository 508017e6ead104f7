"""Copies of a SQLite database: one file, which any program that opens SQLite can read."""

import asyncio
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeVar

from storage.cancellation import run_to_end
from storage.database.backup import DatabaseCopy
from storage.database.connection import migrate
from storage.database.engine import FIRST_TABLE, SQLITE
from storage.database.sqlite.copy_reader import FILE_NAME, describe, has_table, newest_migration
from storage.database.sqlite.copying import copy_database, make_single_file, require_room
from storage.database.sqlite.errors import PRIMARY, all_unavailable
from storage.durable_files import full_disk_named, open_private, sync
from storage.errors import DatabaseInUse

T = TypeVar("T")

#: Seconds after every 4 MiB, so that requests of a running server find the disk free in between.
PAUSE = 0.01
BUSY_SECONDS = 10.0


class SqliteBackup:
    """See :class:`storage.database.backup.DatabaseBackup`."""

    kind = "sqlite"

    def __init__(self, url: str) -> None:
        self._path = Path(url.removeprefix(SQLITE))
        self._prepared = self._path.with_name(f"{self._path.name}.restoring")

    async def newest_migration(self) -> str | None:
        """See :class:`storage.database.backup.DatabaseBackup`."""
        with all_unavailable():
            return await asyncio.to_thread(self._read_live, newest_migration)

    async def write(self, folder: Path) -> DatabaseCopy:
        """See :class:`storage.database.backup.DatabaseBackup`."""
        cancelled = threading.Event()
        copying = asyncio.create_task(asyncio.to_thread(self._write, folder, cancelled.is_set))
        try:
            return await asyncio.shield(copying)
        except asyncio.CancelledError:
            cancelled.set()
            with suppress(InterruptedError):
                await run_to_end(copying)
            raise

    def _write(self, folder: Path, stopped: Callable[[], bool]) -> DatabaseCopy:
        copy_database(self._path, folder / FILE_NAME, pause=PAUSE, stopped=stopped)
        return describe(folder / FILE_NAME)

    async def is_empty(self) -> bool:
        """See :class:`storage.database.backup.DatabaseBackup`. A file that is no database is not empty."""
        try:
            return await asyncio.to_thread(self._read_live, _has_no_accounts) is not False
        except sqlite3.DatabaseError:
            return False

    async def require_unused(self) -> None:
        """See :class:`storage.database.backup.DatabaseBackup`."""
        await asyncio.to_thread(self._close_log)

    async def prepare(self, folder: Path, migration: str) -> None:
        """See :class:`storage.database.backup.DatabaseBackup`."""
        await asyncio.to_thread(self._load, folder / FILE_NAME)
        await migrate(f"{SQLITE}{self._prepared}", keep_copy=False)
        await asyncio.to_thread(make_single_file, self._prepared)
        await asyncio.to_thread(sync, self._prepared)

    async def replace(self, stamp: str) -> str | None:
        """See :class:`storage.database.backup.DatabaseBackup`."""
        return await asyncio.to_thread(self._replace, stamp)

    def _load(self, copy: Path) -> None:
        for suffix in ("-wal", "-shm", "-journal"):
            _beside(self._prepared, suffix).unlink(missing_ok=True)
        with full_disk_named(self._prepared.parent):
            require_room(copy, self._prepared.parent)
            with open_private(self._prepared) as target, copy.open("rb") as source:
                shutil.copyfileobj(source, target, 2**20)

    def _replace(self, stamp: str) -> str | None:
        self._close_log()
        aside = self._path.with_name(f"{self._path.name}.replaced-{stamp}")
        # The log of a damaged or deleted database must not be applied to the new one.
        for suffix in ("-wal", "-shm", "-journal"):
            if (log := _beside(self._path, suffix)).exists():
                log.rename(_beside(aside, suffix))
        had_one = self._path.exists()
        if had_one:
            # A second name first, so that there is a database at any time: a server would create an empty one.
            os.link(self._path, aside)
        os.replace(self._prepared, self._path)
        sync(self._path.parent)
        return str(aside) if had_one else None

    def _close_log(self) -> None:
        """Check that no other process has the database open, and remove its write-ahead log."""
        if not self._path.exists():
            return
        try:
            make_single_file(self._path)
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & PRIMARY == sqlite3.SQLITE_BUSY:
                raise DatabaseInUse(f"another process has the database {self._path} open") from None
            # A damaged database is moved aside as it is.

    def _read_live(self, query: Callable[[sqlite3.Connection], T]) -> T | None:
        if not self._path.is_file():
            return None
        with closing(sqlite3.connect(self._path, timeout=BUSY_SECONDS)) as connection:
            return query(connection)


def _has_no_accounts(connection: sqlite3.Connection) -> bool:
    if not has_table(connection, FIRST_TABLE):
        return True
    return connection.execute(f"SELECT 1 FROM {FIRST_TABLE} LIMIT 1").fetchone() is None  # noqa: S608 - a constant


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(f"{path.name}{suffix}")
