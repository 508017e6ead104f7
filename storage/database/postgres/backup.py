"""Copies of a PostgreSQL database: a file for each table, in the text format of COPY, and one that describes them.

(https://www.postgresql.org/docs/current/sql-copy.html)
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

from storage.database.backup import MIGRATIONS, DatabaseCopy
from storage.database.connection import known_tables
from storage.database.engine import FIRST_TABLE
from storage.database.postgres import restore
from storage.database.postgres.copy_reader import DESCRIPTION, copy_of, file_name
from storage.database.postgres.engine import CLOSE, CONNECT, SESSION
from storage.database.postgres.errors import translate_errors
from storage.durable_files import full_disk_named, sync, write_durably

COLUMNS = """
SELECT attname FROM pg_attribute
WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum"""
#: A sequence only grows, and not by transactions: read after the snapshot began, it is never behind the rows.
SEQUENCES = "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = current_schema()"


class PostgresBackup:
    """See :class:`storage.database.backup.DatabaseBackup`."""

    kind = "postgres"

    def __init__(self, url: str) -> None:
        self._url = url

    async def newest_migration(self) -> str | None:
        """See :class:`storage.database.backup.DatabaseBackup`."""
        async with connected(self._url) as connection:
            return await _newest_migration(connection)

    async def write(self, folder: Path) -> DatabaseCopy:
        """See :class:`storage.database.backup.DatabaseBackup`. One transaction reads a snapshot of all tables."""
        async with connected(self._url) as connection:
            with full_disk_named(folder):
                async with connection.transaction(isolation="repeatable_read", readonly=True):
                    migration = await _newest_migration(connection)
                    names = [name for name in known_tables() if await _exists(connection, name)]
                    tables = {name: await _copy_table(connection, name, folder) for name in names}
                    sequences = {name: value for name, value in await connection.fetch(SEQUENCES) if value}
                description = {"migration": migration, "tables": tables, "sequences": sequences}
                write_durably(folder / DESCRIPTION, json.dumps(description, indent=2, sort_keys=True).encode())
        return copy_of(description)

    async def is_empty(self) -> bool:
        """See :class:`storage.database.backup.DatabaseBackup`."""
        async with connected(self._url) as connection:
            if not await _exists(connection, FIRST_TABLE):
                return True
            query = f"SELECT NOT EXISTS (SELECT FROM {FIRST_TABLE})"  # noqa: S608 - a constant
            return bool(await connection.fetchval(query))

    async def require_unused(self) -> None:
        """See :class:`storage.database.backup.DatabaseBackup`."""
        async with connected(self._url) as connection:
            await restore.require_unused(connection)

    async def prepare(self, folder: Path, migration: str) -> None:
        """See :class:`storage.database.backup.DatabaseBackup`."""
        description = json.loads(await asyncio.to_thread((folder / DESCRIPTION).read_bytes))
        async with connected(self._url) as connection:
            await restore.make_empty_schema(connection)
        await restore.load(self._url, folder, description, migration)

    async def replace(self, stamp: str) -> str | None:
        """See :class:`storage.database.backup.DatabaseBackup`."""
        async with connected(self._url) as connection:
            return await restore.replace(connection, stamp)


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Any]:
    """A connection without a time limit for statements."""
    with translate_errors():
        settings = {**SESSION, "statement_timeout": "0"}
        connection = await asyncpg.connect(url, timeout=CONNECT, server_settings=settings)
        try:
            yield connection
        finally:
            await connection.close(timeout=CLOSE)


async def _copy_table(connection: Any, name: str, folder: Path) -> dict[str, Any]:
    """Write all rows of a table into its file. Returns its description."""
    path = folder / file_name(name)
    path.touch(mode=0o600)
    columns = [row["attname"] for row in await connection.fetch(COLUMNS, name)]
    names = ", ".join(f'"{column}"' for column in columns)
    result = await connection.copy_from_query(f'SELECT {names} FROM "{name}"', output=path)  # noqa: S608
    await asyncio.to_thread(sync, path)
    return {"columns": columns, "rows": int(result.split()[-1])}


async def _exists(connection: Any, table: str) -> bool:
    """Whether there is such a table. A database of an older version lacks some."""
    return bool(await connection.fetchval("SELECT to_regclass($1)", table))


async def _newest_migration(connection: Any) -> str | None:
    if not await _exists(connection, MIGRATIONS):
        return None
    name = await connection.fetchval(f"SELECT max(name) FROM {MIGRATIONS}")  # noqa: S608 - a constant
    return str(name) if name else None
