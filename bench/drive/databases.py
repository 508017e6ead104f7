"""Databases that are filled quickly: without the ORM, and with the index of searches made afterwards."""

import sqlite3
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, closing, suppress
from datetime import datetime
from itertools import islice
from pathlib import Path
from time import process_time
from typing import Any, Protocol
from uuid import UUID

import asyncpg
import psutil
from tortoise.backends.base.executor import EXECUTOR_CACHE

from storage.database.connection import migrate
from storage.search.index import update_index
from storage.search.sqlite_index import TRIGGERS
from tests.support.backends.postgres import DURABLE, PostgresServer, postgres_server
from tests.support.process import free_port

KINDS = ("sqlite", "postgres")
#: Rows of one statement or COPY.
BATCH = 50_000
Row = Sequence[object]


class FilledDatabase(Protocol):
    """A migrated database at a URL, to fill."""

    kind: str
    url: str

    async def copy(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """Add rows to a table."""

    async def drop_search_index(self) -> None:
        """Drop the index of searches, which would slow the fill down."""

    async def finish(self) -> None:
        """Make the index again, and collect what the planner needs."""

    def cpu_seconds(self) -> float:
        """The processor time of this process, and of the database if it has processes of its own."""


class SqliteDatabase:
    """See :class:`FilledDatabase`."""

    kind = "sqlite"

    def __init__(self, path: Path) -> None:
        self.url = f"sqlite://{path}"
        self._path = path

    async def copy(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """See :class:`FilledDatabase`."""
        marks = ", ".join("?" * len(columns))
        statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 - constants
        with closing(sqlite3.connect(self._path)) as connection, connection:
            connection.execute("PRAGMA synchronous = OFF")
            connection.executemany(statement, ([_sqlite_value(value) for value in row] for row in rows))

    async def drop_search_index(self) -> None:
        """See :class:`FilledDatabase`."""
        with closing(sqlite3.connect(self._path)) as connection, connection:
            for name in TRIGGERS:
                connection.execute(f"DROP TRIGGER {name}")

    async def finish(self) -> None:
        """See :class:`FilledDatabase`. Nothing collects statistics of SQLite on a server."""
        await migrate(self.url, then=update_index)

    def cpu_seconds(self) -> float:
        """See :class:`FilledDatabase`."""
        return process_time()


class PostgresDatabase:
    """See :class:`FilledDatabase`."""

    kind = "postgres"

    def __init__(self, server: PostgresServer, name: str) -> None:
        self.url = server.url(name)
        self._server = server

    async def copy(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """See :class:`FilledDatabase`."""
        iterator = iter(rows)
        async with _connected(self.url) as connection:
            while batch := list(islice(iterator, BATCH)):
                await connection.copy_records_to_table(table, columns=columns, records=batch)

    async def drop_search_index(self) -> None:
        """See :class:`FilledDatabase`."""
        async with _connected(self.url) as connection:
            await connection.execute("DROP INDEX search_entry_text")

    async def finish(self) -> None:
        """See :class:`FilledDatabase`. Autovacuum does the same on a server."""
        await migrate(self.url, then=update_index)
        async with _connected(self.url) as connection:
            await connection.execute("VACUUM ANALYZE")

    def cpu_seconds(self) -> float:
        """See :class:`FilledDatabase`. Precise to a hundredth of a second for each process."""
        seconds = process_time()
        for process in psutil.Process(self._server.pid).children():
            with suppress(psutil.NoSuchProcess):
                seconds += sum(process.cpu_times()[:2])
        return seconds


@asynccontextmanager
async def open_empty(kind: str, folder: Path) -> AsyncIterator[FilledDatabase]:
    """A migrated database without rows. That of PostgreSQL has the defaults of the server."""
    # Tortoise keeps statements for the kind of database that this process opened before.
    EXECUTOR_CACHE.clear()
    if kind == "sqlite":
        database: FilledDatabase = SqliteDatabase(folder / "bench.sqlite3")
        await migrate(database.url)
        yield database
        return
    with postgres_server(free_port(), DURABLE) as server:
        async with _connected(server.url("postgres")) as connection:
            await connection.execute("CREATE DATABASE bench")
        database = PostgresDatabase(server, "bench")
        await migrate(database.url)
        yield database


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


def _sqlite_value(value: object) -> object:
    if isinstance(value, UUID):
        return str(value)
    # As the ORM writes it.
    return value.isoformat(" ") if isinstance(value, datetime) else value
