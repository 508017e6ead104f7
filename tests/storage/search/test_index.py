"""The index of searches: made by a migration, made again when it is missing, and never in the way of a change."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from importlib import import_module
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from storage.database.backup import backup_of
from storage.database.connection import (
    atomically,
    close_database,
    execute_many,
    fetch,
    known_migrations,
    migrate,
    open_database,
)
from storage.search import entries, postgres_index
from storage.search.index import search_index, update_index
from storage.search.sqlite_index import SqliteIndex
from tests.storage.rows import NOW, new_account
from tests.support.backends.databases import Databases

ITEM = """
INSERT INTO item (id, account_id, parent_id, kind, name, folded_name, sort_key, starred, created_at, updated_at)
VALUES (?, ?, ?, 'FOLDER', ?, ?, ?, ?, ?, ?)"""


async def put(account_id: UUID, *names: str) -> list[UUID]:
    """Store names. Returns the items, the newest first."""
    items = {uuid4(): name for name in names}
    await atomically(lambda: entries.put(account_id, items))
    return list(items)[::-1]


async def find(account_id: UUID, *words: str) -> list[UUID]:
    return [entry.item_id for entry in (await entries.find(account_id, words)).entries]


@pytest.fixture(autouse=True)
def _always_with_the_index(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "READ_AT_ONCE", 1)


async def test_the_migration_adds_the_names_of_all_items(database: str) -> None:
    account = await new_account()
    await execute_many(ITEM, item_rows(account.id, ["Été 1.mp4", "Été 2.mp4", "other"]))
    migration = import_module("storage.migrations.0017_search")
    await atomically(migration.fill)
    assert await find(account.id, "ete") == [UUID(int=2), UUID(int=1)]
    assert await find(account.id, "drive") == []


def item_rows(account: UUID, names: Sequence[str]) -> list[tuple[object, ...]]:
    """The root of a drive, and folders in it."""
    rows = [(account, None, "My drive"), *((UUID(int=n), account, name) for n, name in enumerate(names, 1))]
    return [(key, account, parent, name, name, b"", False, NOW, NOW) for key, parent, name in rows]


async def test_a_restored_database_has_its_index(database: str, databases: Databases, tmp_path: Path) -> None:
    account = await new_account()
    items = await put(account.id, "clip 1", "clip 2")
    (copy := tmp_path / "copy").mkdir()
    written = await backup_of(database).write(copy)
    assert written.rows["search_entry"] == 2
    assert not [name for name in written.rows if name.startswith("search_index")]
    await close_database()
    (folder := tmp_path / "other").mkdir()
    other = await databases.empty(folder)
    await backup_of(other).prepare(copy, known_migrations()[-1])
    await backup_of(other).replace("2026-11-30T00-00-00Z")
    await open_database(other)
    assert await search_index().exists()
    newest = await put(account.id, "clip 3")
    assert await find(account.id, "clip") == [*newest, *items]
    await close_database()
    await databases.drop(other)


@pytest.mark.sqlite
async def test_the_index_has_every_change_also_after_vacuum(database: str) -> None:
    account = await new_account()
    third, second, first = await put(account.id, "clip 1", "clip 2", "clip 3")
    await atomically(lambda: entries.remove([second]))
    await atomically(lambda: entries.put(account.id, {first: "other"}))
    with closing(sqlite3.connect(database.removeprefix("sqlite://"), isolation_level=None)) as connection:
        connection.execute("VACUUM")
        # Raises an error if the index differs from the entries.
        connection.execute("INSERT INTO search_index (search_index, rank) VALUES ('integrity-check', 1)")
    assert await find(account.id, "clip") == [third]
    assert await find(account.id, "other") == [first]


@pytest.mark.sqlite
async def test_a_process_without_fts5_gives_the_index_up_and_another_one_makes_it_again(
    database: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    account = await new_account()
    items = await put(account.id, "clip 1", "clip 2")

    async def impossible(_: object) -> bool:
        return False

    with monkeypatch.context() as patch:
        patch.setattr(SqliteIndex, "_is_possible", impossible)
        await atomically(update_index)
        assert not await search_index().exists()
        assert "SQLite is 3.34 or newer" in caplog.text
        items = [*await put(account.id, "clip 3"), *items]
        assert [entry.item_id for entry in await all_parts(account.id, "clip")] == items
    await atomically(update_index)
    assert await search_index().exists()
    assert await find(account.id, "clip") == items


async def all_parts(account_id: UUID, word: str) -> list[entries.Entry]:
    found: list[entries.Entry] = []
    before = entries.NEWEST
    while before:
        part = await entries.find(account_id, [word], before)
        found, before = [*found, *part.entries], part.searched_to
    return found


@pytest.mark.postgres
async def test_an_index_that_is_missing_is_made_at_the_next_start(
    database: str, caplog: pytest.LogCaptureFixture
) -> None:
    account = await new_account()
    items = await put(account.id, "clip 1", "clip 2")
    await fetch("DROP INDEX search_entry_text")
    assert "CREATE EXTENSION IF NOT EXISTS pg_trgm" in str(await search_index().problem())
    assert [entry.item_id for entry in await all_parts(account.id, "clip")] == items
    await close_database()
    await migrate(database, then=update_index)
    await open_database(database)
    assert await search_index().exists()
    assert await find(account.id, "clip") == items
    assert not caplog.messages


@pytest.mark.postgres
async def test_a_server_without_the_extensions_only_logs_that_searches_are_slow(
    database: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await fetch("DROP INDEX search_entry_text")
    with monkeypatch.context() as patch:
        patch.setattr(postgres_index, "EXTENSIONS", ("cloudkeep_missing",))
        patch.setattr(postgres_index, "INSTALLED", "SELECT 0")

        async def start() -> int:
            await update_index()
            # The failed attempt has not ended the transaction.
            return len(await fetch("SELECT 1"))

        assert await atomically(start) == 1
        assert "searches are slow" in caplog.text
        assert not await search_index().exists()
    await atomically(update_index)
    assert await search_index().exists()
