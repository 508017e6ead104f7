"""Reads copies of a SQLite database."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from storage.database.backup import MIGRATIONS, BlobEntry, DatabaseCopy
from storage.database.sqlite.copying import read_only, require_intact
from storage.errors import DatabaseDamaged, in_one_line

FILE_NAME = "cloudkeep.sqlite3"
#: Without those of the index of searches, which can be made from the others, and which not every SQLite can open.
TABLES = """
SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'search_index%'"""


class SqliteCopyReader:
    """See :class:`storage.database.backup.CopyReader`."""

    def read(self, folder: Path) -> DatabaseCopy:
        """See :class:`storage.database.backup.CopyReader`."""
        require_intact(folder / FILE_NAME)
        return describe(folder / FILE_NAME)

    def blobs(self, folder: Path) -> Iterator[BlobEntry]:
        """See :class:`storage.database.backup.CopyReader`."""
        with closing(read_only(folder / FILE_NAME)) as connection:
            columns = {name for _, name, *_ in connection.execute("PRAGMA table_info(blob)")}
            # Copies of older versions have no such column.
            in_use = "WHERE released_at IS NULL" if "released_at" in columns else ""
            for row in connection.execute(f"SELECT key, size, sha256 FROM blob {in_use} ORDER BY id"):  # noqa: S608
                yield BlobEntry(*row)


def describe(path: Path) -> DatabaseCopy:
    """The contents of a copy. Raises :class:`DatabaseDamaged`."""
    try:
        with closing(read_only(path)) as connection:
            migration = newest_migration(connection)
            if migration is None:
                raise DatabaseDamaged(f"{path.name} has no tables of CloudKeep's")
            return DatabaseCopy(migration, _row_counts(connection))
    except sqlite3.DatabaseError as error:
        raise DatabaseDamaged(f"{path.name}: {in_one_line(error)}") from error


def _row_counts(connection: sqlite3.Connection) -> dict[str, int]:
    tables = connection.execute(TABLES)
    names = sorted(name for (name,) in tables if name != MIGRATIONS)
    # The names are those of the database itself.
    return {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names}  # noqa: S608


def newest_migration(connection: sqlite3.Connection) -> str | None:
    """The newest migration that ran; None if there are no tables."""
    if not has_table(connection, MIGRATIONS):
        return None
    (name,) = connection.execute(f"SELECT max(name) FROM {MIGRATIONS}").fetchone()  # noqa: S608 - a constant
    return str(name) if name else None


def has_table(connection: sqlite3.Connection, name: str) -> bool:
    """Whether the database has this table."""
    query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
    return connection.execute(query, [name]).fetchone() is not None
