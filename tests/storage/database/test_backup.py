"""Copies of a database: made while others write, and restored into the place of another database."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from storage.accounts.models import Account
from storage.database.backup import BlobEntry, DatabaseBackup, backup_of, reader_of
from storage.database.connection import (
    atomically,
    close_database,
    execute_many,
    fetch,
    known_migrations,
    known_tables,
    migrate,
    open_database,
)
from storage.drive.models import Blob, FileVersion
from storage.drive.versions import Content
from storage.errors import DatabaseDamaged, DatabaseInUse, DatabaseUnavailable, NoSpace
from tests.storage.rows import NOW, add_file, new_version
from tests.support.backends.databases import Databases
from tests.support.faults.disk import files_end_at

OLD = "0009_indexes"
CHUNK = 'INSERT INTO chunk (upload_id, "index", size, sha256) VALUES (?, ?, 1, ?)'
#: Names with the characters that a text format has to escape.
HOSTILE = "tab\tline\nback\\slash\\N\\. ünï \"'"


@pytest.fixture
async def url(databases: Databases, tmp_path: Path) -> AsyncIterator[str]:
    """The URL of a database with one row in the most important tables, not connected."""
    url = await databases.empty(tmp_path)
    await migrate(url)
    await open_database(url)
    await fill()
    await close_database()
    yield url
    await close_database()
    await databases.drop(url)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """An empty folder for a copy."""
    (folder := tmp_path / "copy").mkdir()
    return folder


async def fill() -> UUID:
    """An account with a file and an upload. Returns the upload's ID."""
    account = await Account.create(user_id="ada", name=HOSTILE, email="ada@example.org", password_hash="-")
    blob = await Blob.create(key="blob-1", size=2**50, sha256="a" * 64)
    file = await new_version(account.id, blob, "f", "a/b", {"name": HOSTILE})
    upload = uuid4()
    statement = (
        "INSERT INTO upload (id, account_id, file_name, mime_type, size, chunk_size, status, version_id, expires_at, "
        "created_at) VALUES (?, ?, 'f', 'a/b', 9, 3, 'READY', ?, ?, ?)"
    )
    await execute_many(statement, [(upload, account.id, file.id, NOW, NOW)])
    await execute_many(CHUNK, [(upload, index, "c" * 64) for index in range(3)])
    return upload


async def contents(url: str) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    await open_database(url)
    try:
        return {
            name: sorted((tuple(row) for row in await fetch(f'SELECT * FROM "{name}"')), key=repr)
            for name in known_tables()
        }
    finally:
        await close_database()


async def restore(backup: DatabaseBackup, copy: Path, migration: str | None = None) -> str | None:
    await backup.prepare(copy, migration or known_migrations()[-1])
    return await backup.replace("2026-11-30T00-00-00Z")


async def test_a_restored_copy_has_every_row_of_every_table(
    url: str, databases: Databases, copy: Path, tmp_path: Path
) -> None:
    before = await contents(url)
    written = await backup_of(url).write(copy)
    assert written.rows == {name: len(rows) for name, rows in before.items()}
    assert written.migration == known_migrations()[-1]
    (folder := tmp_path / "other").mkdir()
    other = await databases.empty(folder)
    assert await backup_of(other).is_empty()
    assert await restore(backup_of(other), copy) is None
    assert await contents(other) == before
    assert await backup_of(other).newest_migration() == known_migrations()[-1]
    await databases.drop(other)


async def test_rows_that_are_added_later_do_not_collide_with_restored_ones(url: str, copy: Path) -> None:
    await backup_of(url).write(copy)
    await restore(backup_of(url), copy)
    await open_database(url)
    ((upload,),) = await fetch("SELECT id FROM upload")
    await execute_many(CHUNK, [(upload, 7, "d" * 64)])
    assert len(await fetch("SELECT id FROM chunk")) == 4


async def test_the_database_that_is_replaced_is_kept_as_it_was(url: str, copy: Path) -> None:
    await backup_of(url).write(copy)
    await open_database(url)
    await Account.filter(user_id="ada").update(name="changed later")
    await close_database()
    later = await contents(url)
    backup = backup_of(url)
    assert not await backup.is_empty()
    aside = await restore(backup, copy)
    assert aside
    assert (await contents(url))["account"] != later["account"]
    if backup.kind == "sqlite":
        assert await contents(f"sqlite://{aside}") == later
    else:
        await open_database(url)
        schema = aside.removeprefix("the schema ")
        assert sorted(map(tuple, await fetch(f'SELECT * FROM "{schema}".account')), key=repr) == later["account"]


async def test_until_the_last_step_nothing_changes_and_an_interrupted_restore_can_be_repeated(
    url: str, copy: Path
) -> None:
    await backup_of(url).write(copy)
    await open_database(url)
    await Account.filter(user_id="ada").update(name="changed later")
    await close_database()
    later = await contents(url)
    await backup_of(url).prepare(copy, known_migrations()[-1])
    assert await contents(url) == later
    await restore(backup_of(url), copy)
    assert await contents(url) != later


async def test_a_copy_of_an_older_version_is_migrated(databases: Databases, copy: Path, tmp_path: Path) -> None:
    (folder := tmp_path / "old").mkdir()
    url = await databases.empty(folder)
    await migrate(url, OLD)
    written = await backup_of(url).write(copy)
    assert written.migration == OLD
    await restore(backup_of(url), copy, OLD)
    assert await backup_of(url).newest_migration() == known_migrations()[-1]
    await contents(url)
    await databases.drop(url)


async def test_a_database_that_another_process_has_open_is_not_replaced(url: str, copy: Path) -> None:
    backup = backup_of(url)
    await backup.write(copy)
    await backup.prepare(copy, known_migrations()[-1])
    await open_database(url)
    with pytest.raises(DatabaseInUse):
        await backup.require_unused()
    with pytest.raises(DatabaseInUse):
        await backup.replace("2026-11-30T00-00-00Z")
    assert len(await fetch("SELECT id FROM account")) == 1
    await close_database()
    await backup.require_unused()
    assert await backup.replace("2026-11-30T00-00-00Z")


async def test_a_copy_has_all_of_a_transaction_or_nothing_while_others_write(url: str, copy: Path) -> None:
    """Every transaction adds a blob and a file, so a copy that was torn would have more of one of them."""
    await open_database(url)
    account = await Account.get()
    writing = asyncio.create_task(write_for_ever(account))
    while await FileVersion.all().count() < 5:
        await asyncio.sleep(0.01)
    before = await FileVersion.all().count()
    written = await backup_of(url).write(copy)
    after = await FileVersion.all().count()
    writing.cancel()
    await asyncio.wait({writing})
    assert written.rows["file_version"] == written.rows["blob"]
    assert before <= written.rows["file_version"] <= after
    assert reader_of(backup_of(url).kind).read(copy) == written


async def write_for_ever(account: Account) -> None:
    async def pair() -> None:
        blob = await Blob.create(key=str(uuid4()), size=1, sha256="b" * 64)
        await add_file(account.id, None, "x", Content(blob, "a/b", None), NOW)

    while True:
        await atomically(pair)
        await asyncio.sleep(0)


async def test_a_copy_is_read_without_the_database(url: str, copy: Path) -> None:
    backup = backup_of(url)
    written = await backup.write(copy)
    reader = reader_of(backup.kind)
    assert reader.read(copy) == written
    assert list(reader.blobs(copy)) == [BlobEntry("blob-1", 2**50, "a" * 64)]
    assert {path.stat().st_mode & 0o777 for path in copy.iterdir()} == {0o600}


async def test_a_copy_with_a_missing_file_is_damaged(url: str, copy: Path) -> None:
    backup = backup_of(url)
    await backup.write(copy)
    for path in list(copy.iterdir()):
        content = path.read_bytes()
        path.unlink()
        with pytest.raises(DatabaseDamaged):
            reader_of(backup.kind).read(copy)
        path.write_bytes(content)


async def test_a_full_disk_is_reported_and_the_database_works_on(url: str, copy: Path) -> None:
    with files_end_at(100), pytest.raises((NoSpace, DatabaseUnavailable)):
        await backup_of(url).write(copy)
    await open_database(url)
    await Account.filter(user_id="ada").update(name="still writable")


async def test_a_cancelled_copy_leaves_the_database_usable(url: str, copy: Path) -> None:
    await open_database(url)
    copying = asyncio.create_task(backup_of(url).write(copy))
    await asyncio.sleep(0.005)
    copying.cancel()
    await asyncio.wait({copying})
    await fetch("SELECT 1")
    await Account.filter(user_id="ada").update(name="still writable")


def test_an_unknown_kind_of_copy_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown kind of database: 'oracle'"):
        reader_of("oracle")
