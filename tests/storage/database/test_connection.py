"""The database: opening it, migrating it, and several processes at once."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from threading import Event

import pytest
from tortoise import Tortoise, connections

from storage.accounts import accounts
from storage.database.connection import (
    close_database,
    fetch,
    migrate,
    open_database,
    ping_database,
)
from storage.errors import DatabaseUnavailable
from storage.uploads.models import Chunk
from tests.storage.rows import new_account, new_upload, run_together
from tests.support.backends.databases import Databases

#: Fills every slot of an upload of its own, and looks for jobs in between as a worker does.
WRITER = """
from datetime import UTC, datetime, timedelta
from uuid import UUID
from storage.jobs import jobs
from storage.uploads import receipts, uploads
from storage.blobs import Digests
from storage.jobs.models import JobKind
async def main(upload_id):
    upload, now = await uploads.find(UUID(upload_id)), datetime.now(UTC)
    for index in range(upload.chunk_count):
        await receipts.add(upload, index, Digests("0" * 64, ""), now, now + timedelta(days=1))
        await jobs.claim([JobKind.REASSEMBLE], upload_id, timedelta(hours=1), now)
"""


async def tables() -> set[str]:
    catalogues = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
        "postgres": "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'",
    }
    return {name for (name,) in await fetch(catalogues[connections.get("default").capabilities.dialect])}


async def pragma(name: str) -> object:
    _, rows = await connections.get("default").execute_query(f"PRAGMA {name}")
    return next(iter(dict(rows[0]).values()))


# Migrations


async def test_migrating_twice_is_harmless(databases: Databases, tmp_path: Path) -> None:
    url = await databases.empty(tmp_path)
    await migrate(url)
    await open_database(url)
    await new_account("ada")
    before = await tables()
    await close_database()
    await migrate(url)
    await open_database(url)
    assert await accounts.user_id_exists("ada")
    assert await tables() == before
    await close_database()


@pytest.mark.sqlite
async def test_a_new_database_is_migrated_while_another_process_writes_to_it_again_and_again(
    databases: Databases, tmp_path: Path
) -> None:
    url, done = await databases.empty(tmp_path), Event()
    writing = asyncio.create_task(asyncio.to_thread(_write_again_and_again, url.removeprefix("sqlite://"), done))
    try:
        await migrate(url)
    finally:
        done.set()
        await writing
    await open_database(url)
    assert await pragma("journal_mode") == "wal"
    await close_database()


def _write_again_and_again(path: str, done: Event) -> None:
    with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as connection:
        while not done.wait(0.001):
            connection.execute("BEGIN IMMEDIATE")
            done.wait(0.01)
            connection.execute("ROLLBACK")


async def test_the_migrations_make_every_table(database: str) -> None:
    models = Tortoise.apps["cloudkeep"].values()
    assert {model._meta.db_table for model in models} <= await tables()


# Connections


@pytest.mark.sqlite
async def test_a_commit_reaches_the_disk_and_readers_do_not_wait_for_writers(database: str) -> None:
    assert await pragma("journal_mode") == "wal"
    assert await pragma("synchronous") == 2  # FULL
    assert await pragma("foreign_keys") == 1


@pytest.mark.sqlite
async def test_a_path_may_hold_anything(tmp_path: Path) -> None:
    folder = tmp_path / "my data 100% ü?#"
    folder.mkdir()
    url = f"sqlite://{folder / 'x.sqlite3'}"
    await migrate(url)
    await open_database(url)
    await ping_database()
    await close_database()
    assert (folder / "x.sqlite3").exists()


# Processes


async def test_processes_that_write_at_once_wait_for_each_other(database: str) -> None:
    uploads = [await new_upload(chunks=40) for _ in range(2)]
    await run_together(database, WRITER, *((str(upload.id),) for upload in uploads))
    assert await Chunk.all().count() == 80


@pytest.mark.sqlite
async def test_a_database_that_cannot_be_opened_is_no_obstacle_to_another(tmp_path: Path, database_url: str) -> None:
    with pytest.raises(DatabaseUnavailable, match="unable to open"):
        await open_database(f"sqlite://{tmp_path / 'no such folder' / 'x.sqlite3'}")
    await open_database(database_url)
    await ping_database()
    await close_database()
