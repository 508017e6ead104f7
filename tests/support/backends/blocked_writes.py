"""Another client of the database that makes every write to the table of uploads wait."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

import asyncpg

SQLITE = "sqlite://"


@asynccontextmanager
async def blocked_writes(database_url: str) -> AsyncIterator[None]:
    """Let writes wait for the block; reads go on. With SQLite, writes to all tables wait."""
    if database_url.startswith(SQLITE):
        path = database_url.removeprefix(SQLITE)
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
        return
    client = await asyncpg.connect(database_url)
    try:
        async with client.transaction():
            await client.execute("LOCK TABLE upload IN EXCLUSIVE MODE")
            yield
    finally:
        await client.close()
