"""A database in a SQLite file: how to connect to it, check it and migrate it."""

import asyncio
import fcntl
import sqlite3
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any, TextIO

from tortoise import connections
from tortoise.backends.base.client import TransactionalDBClient
from tortoise.models import Model
from tortoise.transactions import in_transaction

from storage.database.engine import FIRST_TABLE, SQLITE, WRITER, PoolSize
from storage.database.sqlite.before_migration import copy_before_migration
from storage.database.sqlite.errors import PRIMARY, all_unavailable, translate_errors

READER = "reader"
#: For reads that may take a while.
SLOW_READER = "slow_reader"
BUSY_TIMEOUT_MS = 10_000
RETRY_SECONDS = 0.02
#: Bytes of the write-ahead log that stay on the disk, so that a full disk does not stop the next write.
LOG_KEPT = 8 * 2**20


class ReadRouter:
    """Sends reads to a connection of their own, so they do not wait for a commit to reach the disk.

    A transaction reads on its own connection. Outside a transaction, WAL shows what was committed before the read.
    """

    def db_for_read(self, model: type[Model]) -> str:
        """The connection for a read."""
        return WRITER if isinstance(connections.get(WRITER), TransactionalDBClient) else READER


class SqliteEngine:
    """See :class:`storage.database.engine.Engine`."""

    routers: Sequence[type] = (ReadRouter,)

    def __init__(self, url: str) -> None:
        self._path = Path(url.removeprefix(SQLITE))

    def connections(self, pool: PoolSize, *, timeouts: bool) -> dict[str, Any]:
        """See :class:`storage.database.engine.Engine`.

        WAL lets the API read while a worker writes. With ``synchronous=FULL``, READY survives a power cut: a user may
        have deleted the only other copy after it.
        """
        credentials = {
            "file_path": str(self._path),
            "journal_mode": "WAL",
            "synchronous": "FULL",
            "busy_timeout": BUSY_TIMEOUT_MS,
            "journal_size_limit": LOG_KEPT,
        }
        engine = "storage.database.sqlite.client"
        return {name: {"engine": engine, "credentials": credentials} for name in (WRITER, READER, SLOW_READER)}

    async def missing_tables(self) -> str | None:
        """See :class:`storage.database.engine.Engine`."""
        if not self._path.is_file():
            return f"there is no database at {self._path}"
        with all_unavailable():
            has_tables = await asyncio.to_thread(self._has_tables)
        return None if has_tables else f"the database at {self._path} has no tables of CloudKeep's"

    def _has_tables(self) -> bool:
        with closing(sqlite3.connect(self._path, timeout=BUSY_TIMEOUT_MS / 1000)) as connection:
            row = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", [FIRST_TABLE])
            return row.fetchone() is not None

    async def require_available(self) -> None:
        """See :class:`storage.database.engine.Engine`. Fails for a file that is no database, or not writable."""
        with all_unavailable():
            await asyncio.to_thread(self._try_to_write)

    def _try_to_write(self) -> None:
        # A migration by another process may take longer than the busy timeout.
        with suppress(OSError), self._open_migration_lock() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
        # The ORM would wait without end.
        with closing(sqlite3.connect(self._path, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None)) as connection:
            _switch_to_wal(connection)
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")

    @asynccontextmanager
    async def migration_lock(self) -> AsyncIterator[Any]:
        """See :class:`storage.database.engine.Engine`.

        All migrations are one transaction; the lock is a file beside the database.
        """
        with self._open_migration_lock() as lock:
            await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
            with translate_errors():
                async with in_transaction(WRITER) as transaction:
                    yield transaction

    def _open_migration_lock(self) -> TextIO:
        return self._path.with_name("migration.lock").open("w")

    async def copy_before_migration(self, first: str) -> Path:
        """See :class:`storage.database.engine.Engine`."""
        return await asyncio.to_thread(copy_before_migration, self._path, first)


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Switch the journal mode of a new or old database.

    SQLite refuses this at once while another process writes, whatever the busy timeout, because waiting during an
    upgrade of its lock could be a deadlock (https://sqlite.org/c3ref/busy_handler.html). So this function retries.
    """
    deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & PRIMARY != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(RETRY_SECONDS)
