"""Restores a copy into a schema beside the one in use, and then exchanges them in one transaction."""

from collections.abc import Mapping
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import asyncpg

from storage.database.connection import migrate
from storage.database.postgres.copy_reader import file_name
from storage.database.postgres.engine import CLOSE, CONNECT, SESSION
from storage.database.postgres.errors import translate_errors
from storage.errors import DatabaseInUse, DatabaseUnavailable

#: The schema of a copy that is being restored.
SCHEMA = "cloudkeep_restoring"
OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = $1"""
#: Tables and those that they refer to.
REFERENCES = """
SELECT t.relname AS name, r.relname AS other FROM pg_constraint c
JOIN pg_class t ON t.oid = c.conrelid JOIN pg_class r ON r.oid = c.confrelid
WHERE c.contype = 'f' AND t.relnamespace = current_schema()::regnamespace"""
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = $1 ORDER BY 1"
#: Names that tables had in older versions. Their indexes have the names that those of the renamed tables kept.
FORMER_TABLES = ("file",)
_LOCK_TIMEOUT = "SET LOCAL lock_timeout = '5s'"


async def require_unused(connection: Any) -> None:
    """Raise :class:`DatabaseInUse` while a server or a worker is connected."""
    others = await connection.fetchval(OTHERS, SESSION["application_name"])
    if others:
        raise DatabaseInUse(f"CloudKeep has {others} other connections to the database")


async def make_empty_schema(connection: Any) -> None:
    """Make the schema to restore into. That of an interrupted restore is deleted."""
    async with connection.transaction():
        await connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
        await connection.execute(f"CREATE SCHEMA {SCHEMA}")


async def load(url: str, folder: Path, description: Mapping[str, Any], migration: str) -> None:
    """Create the tables as they were at ``migration``, load the rows, and migrate to the newest version."""
    beside = f"{url}{'&' if '?' in url else '?'}search_path={SCHEMA}"
    await _require_schema(beside)
    await migrate(beside, migration)
    with translate_errors():
        connection = await asyncpg.connect(
            beside, timeout=CONNECT, server_settings={**SESSION, "statement_timeout": "0"}
        )
        try:
            async with connection.transaction():
                await _load_rows(connection, folder, description)
        finally:
            await connection.close(timeout=CLOSE)
    await migrate(beside)


async def replace(connection: Any, stamp: str) -> str | None:
    """Exchange the schemas. The old tables move into one named after ``stamp``, whose name this returns."""
    present = await connection.fetchval("SELECT current_schema()")
    aside = f"replaced_{stamp.replace('-', '_').lower()}"
    async with connection.transaction():
        await connection.execute(_LOCK_TIMEOUT)
        await require_unused(connection)
        restored = [row["tablename"] for row in await connection.fetch(TABLES, SCHEMA)]
        existing = {row["tablename"] for row in await connection.fetch(TABLES, present)}
        if replaced := [name for name in (*restored, *FORMER_TABLES) if name in existing]:
            await connection.execute(f'CREATE SCHEMA "{aside}"')
            await _move(connection, replaced, present, aside)
        await _move(connection, restored, SCHEMA, present)
        await connection.execute(f"DROP SCHEMA {SCHEMA}")
    return f"the schema {aside}" if replaced else None


async def _move(connection: Any, tables: list[str], source: str, target: str) -> None:
    # Indexes, constraints and the sequences of columns move with their tables.
    for table in tables:
        await connection.execute(f'ALTER TABLE "{source}"."{table}" SET SCHEMA "{target}"')


async def _require_schema(url: str) -> None:
    """A pooler that ignores ``search_path`` would lead the copy into the tables in use."""
    connection = await asyncpg.connect(url, timeout=CONNECT)
    try:
        schema = await connection.fetchval("SELECT current_schema()")
    finally:
        await connection.close(timeout=CLOSE)
    if schema != SCHEMA:
        raise DatabaseUnavailable("a restore needs a direct connection to PostgreSQL, without a pooler")


async def _load_rows(connection: Any, folder: Path, description: Mapping[str, Any]) -> None:
    tables = description["tables"]
    order = TopologicalSorter({name: set() for name in tables})
    for row in await connection.fetch(REFERENCES):
        if row["name"] != row["other"]:
            order.add(row["name"], row["other"])
    for name in order.static_order():
        if name in tables:
            path = folder / file_name(name)
            await connection.copy_to_table(name, source=path, columns=tables[name]["columns"], schema_name=SCHEMA)
    for name, value in description["sequences"].items():
        await connection.execute("SELECT setval(to_regclass($1), $2) WHERE to_regclass($1) IS NOT NULL", name, value)
