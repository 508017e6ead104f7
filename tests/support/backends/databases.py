"""Databases for tests: each is a copy of one that was migrated once. Migrating takes longer than most tests."""

import asyncio
import itertools
import shutil
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import asyncpg

from storage.database.connection import migrate
from tests.support.backends.postgres import PostgresServer, postgres_server
from tests.support.process import free_port

SQLITE, POSTGRES = "sqlite", "postgres"
ENGINES = (SQLITE, POSTGRES)
#: The database that always exists.
MAINTENANCE = "postgres"
TEMPLATE = "migrated"
#: Ends all connections to a database and deletes every row. TRUNCATE takes longer: it creates every file again.
CLEAR = """
DO $$
DECLARE used text;
BEGIN
    PERFORM pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid();
    SET LOCAL session_replication_role = replica;
    FOR used IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'tortoise_migrations' LOOP
        EXECUTE format('DELETE FROM %I', used);
    END LOOP;
END $$"""


class Databases(Protocol):
    """Creates databases of one kind. ``postmaster`` is the process ID of a server; None for files."""

    engine: str
    postmaster: int | None

    async def empty(self, folder: Path) -> str:
        """The URL of a new database without tables. ``folder`` is for databases that are files."""

    async def migrated(self, folder: Path) -> str:
        """The URL of a new, migrated database."""

    async def drop(self, url: str) -> None:
        """Remove a database, also with open connections."""


class SqliteDatabases:
    """Databases in files. They are deleted with their folders."""

    engine = SQLITE
    postmaster: int | None = None

    def __init__(self, template: Path) -> None:
        self._template = template

    async def empty(self, folder: Path) -> str:
        """See :class:`Databases`."""
        return f"sqlite://{folder / 'cloudkeep.sqlite3'}"

    async def migrated(self, folder: Path) -> str:
        """See :class:`Databases`."""
        await asyncio.to_thread(shutil.copyfile, self._template, folder / "cloudkeep.sqlite3")
        return await self.empty(folder)

    async def drop(self, url: str) -> None:
        """See :class:`Databases`."""


class PostgresDatabases:
    """Databases of one server. A used one is emptied for the next test: a copy takes ten times longer."""

    engine = POSTGRES

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self.postmaster: int | None = server.pid
        self._names = (f"test_{number}" for number in itertools.count(1))
        self._clean: list[str] = []
        self._made_by_tests: set[str] = set()

    async def empty(self, folder: Path) -> str:
        """See :class:`Databases`."""
        url = await self._create("template0")
        # Tests that crash the server need durable commits.
        await self.run(f"ALTER DATABASE {urlsplit(url).path[1:]} SET synchronous_commit TO on")
        self._made_by_tests.add(url)
        return url

    async def migrated(self, folder: Path) -> str:
        """See :class:`Databases`."""
        return self._clean.pop() if self._clean else await self._create(TEMPLATE)

    async def drop(self, url: str) -> None:
        """See :class:`Databases`."""
        name = urlsplit(url).path[1:]
        if url in self._made_by_tests:
            await self.run(f"DROP DATABASE {name} WITH (FORCE)")
            return
        await self.run(CLEAR, name)
        self._clean.append(url)

    async def run(self, statement: str, database: str = MAINTENANCE) -> None:
        """Run a statement as the superuser."""
        connection = await asyncpg.connect(self.server.url(database))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def _create(self, template: str) -> str:
        name = next(self._names)
        await self.run(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return self.server.url(name)


@contextmanager
def databases_of(engine: str, folder: Path) -> Iterator[Databases]:
    """Create databases of this kind. They are deleted, and a server is stopped, at the end of the block."""
    if engine == SQLITE:
        template = folder / "template.sqlite3"
        run_apart(lambda: migrate(f"sqlite://{template}"))
        yield SqliteDatabases(template)
        return
    with postgres_server(free_port()) as server:
        databases = PostgresDatabases(server)
        run_apart(lambda: databases.run(f"CREATE DATABASE {TEMPLATE} TEMPLATE template0"))
        run_apart(lambda: migrate(server.url(TEMPLATE)))
        yield databases


@contextmanager
def empty_one(databases: Databases, folder: Path) -> Iterator[str]:
    """The URL of a new database without tables, deleted at the end of the block. For code without an event loop."""
    url = asyncio.run(databases.empty(folder))
    yield url
    asyncio.run(databases.drop(url))


@contextmanager
def written_by_another(url: str) -> Iterator[None]:
    """Lock a database of SQLite for writing during the block, as a backup or VACUUM does."""
    with closing(sqlite3.connect(url.removeprefix(f"{SQLITE}://"), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def run_apart(work: Callable[[], Awaitable[None]]) -> None:
    """Run a coroutine in an event loop of its own."""

    async def main() -> None:
        await work()

    asyncio.run(main())
