"""Copies of a database in a folder: how they are made beside a running server, and how they are restored.

A copy is restored into a database of the same kind. It has no table definitions for PostgreSQL: the migrations of
CloudKeep make the tables.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from storage.database.engine import SQLITE

#: The table in which the ORM records the migrations that ran.
MIGRATIONS = "tortoise_migrations"


@dataclass(frozen=True)
class DatabaseCopy:
    """What a copy contains: the newest migration that ran, and the number of rows of each table."""

    migration: str
    rows: Mapping[str, int]


@dataclass(frozen=True)
class BlobEntry:
    """A stored blob: its key, its size in bytes, and its SHA-256 in lower-case hex."""

    key: str
    size: int
    sha256: str


class CopyReader(Protocol):
    """Reads copies of one kind of database, without any database."""

    def read(self, folder: Path) -> DatabaseCopy:
        """Open a copy, and read all of it. Blocks. Raises :class:`storage.errors.DatabaseDamaged`."""
        ...

    def blobs(self, folder: Path) -> Iterator[BlobEntry]:
        """The blobs that files of the copy use, always in the same order. Blocks.

        Released blobs are left out: nothing needs their bytes, and they may be deleted meanwhile.
        """
        ...


class DatabaseBackup(Protocol):
    """Makes copies of one database and restores them. The copy itself is in a folder of the caller."""

    #: The kind of the database, as backups name it.
    kind: str

    async def newest_migration(self) -> str | None:
        """The newest migration that ran in the database; None if it has no tables.

        Raises :class:`storage.errors.DatabaseUnavailable`.
        """
        ...

    async def write(self, folder: Path) -> DatabaseCopy:
        """Write a consistent copy into an empty folder, while others use the database. The files are durable.

        Requires a database with the newest migration. Raises :class:`storage.errors.NoSpace`,
        :class:`storage.errors.DatabaseUnavailable` and :class:`storage.errors.DatabaseDamaged`.
        """
        ...

    async def is_empty(self) -> bool:
        """Whether the database has no accounts, so that nothing is lost when another one takes its place."""
        ...

    async def require_unused(self) -> None:
        """Raise :class:`storage.errors.DatabaseInUse` while another process of CloudKeep has the database open."""
        ...

    async def prepare(self, folder: Path, migration: str) -> None:
        """Load a copy beside the database, which does not change yet, and migrate it to the newest version.

        ``migration`` is that of the copy. The remains of an interrupted call are replaced.
        """
        ...

    async def replace(self, stamp: str) -> str | None:
        """Put the prepared database in the place of the present one, in one step.

        Returns where the present one is from now on, named after ``stamp``; None if there was none. Raises
        :class:`storage.errors.DatabaseInUse`.
        """
        ...


def backup_of(url: str) -> DatabaseBackup:
    """Copies of the database at a URL that ``cloudkeep.settings.parsers.database_url`` has validated."""
    if url.startswith(SQLITE):
        from storage.database.sqlite.backup import SqliteBackup

        return SqliteBackup(url)
    from storage.database.postgres.backup import PostgresBackup

    return PostgresBackup(url)


def reader_of(kind: str) -> CopyReader:
    """Reads copies of a kind of database. Raises ValueError for an unknown kind."""
    if kind == "sqlite":
        from storage.database.sqlite.copy_reader import SqliteCopyReader

        return SqliteCopyReader()
    if kind == "postgres":
        from storage.database.postgres.copy_reader import PostgresCopyReader

        return PostgresCopyReader()
    raise ValueError(f"unknown kind of database: {kind!r}")
