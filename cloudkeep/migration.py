"""Bringing the database up to date, by whichever process comes first.

Every process does it for itself, right before it opens the database. A process of its own would take ten times longer
to load than the check takes, and every start would wait for it.
"""

import asyncio
import fcntl
import sqlite3
from contextlib import closing

from tortoise.exceptions import BaseORMException

from cloudkeep.settings import PREFIX, Settings
from storage.database import BUSY_TIMEOUT_MS, migrate


class MigrationFailed(Exception):
    """The database cannot be used. ``str(error)`` is one line."""


async def migrate_database(settings: Settings) -> None:
    """Migrate under a lock in the data folder: of processes that start at once one migrates, the others find it done.

    Raises :class:`MigrationFailed`.
    """
    with (settings.data_dir / "migration.lock").open("w") as lock:
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
        try:
            await asyncio.to_thread(_try_to_write, settings.database_url.removeprefix("sqlite://"))
            await migrate(settings.database_url)
        except (sqlite3.Error, OSError, BaseORMException) as error:
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            raise MigrationFailed(f"{PREFIX}DATABASE_URL: the database cannot be used: {reason}") from error


def _try_to_write(path: str) -> None:
    """Raise what SQLite says of a file that is no database or cannot be written to; the ORM would wait for ever."""
    with closing(sqlite3.connect(path, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
