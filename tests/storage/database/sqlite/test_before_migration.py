"""The copy of a database that is made before a migration."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tortoise.migrations.recorder import MigrationRecorder

from storage.database.connection import migrate
from storage.errors import DatabaseDamaged, MigrationAborted, NoSpace
from tests.support.backends.databases import Databases

pytestmark = pytest.mark.sqlite

OLD = "0009_indexes"
ACCOUNT = "INSERT INTO account VALUES ('a', 'ada', 'Ada', 'ada@example.org', '-', '2026-11-22 12:00:00+00:00')"


@pytest.fixture
async def old(databases: Databases, tmp_path: Path) -> str:
    """The URL of a database of an older version, with an account."""
    url = await databases.empty(tmp_path)
    await migrate(url, OLD)
    with closing(sqlite3.connect(path_of(url))) as connection, connection:
        connection.execute(ACCOUNT)
    return url


def path_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite://"))


def copies(url: str) -> list[Path]:
    path = path_of(url)
    return sorted(path.parent.glob(f"{path.name}.before-*"))


def users(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [user for (user,) in connection.execute("SELECT user_id FROM account")]


def newest_migration(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        (name,) = connection.execute("SELECT max(name) FROM tortoise_migrations").fetchone()
    return str(name)


async def test_the_log_names_the_copy(old: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "cloudkeep.database")
    await migrate(old)
    (copy,) = copies(old)
    assert caplog.messages == [f"updating the database; {copy} is a copy of it from before"]
    await migrate(old)
    assert len(caplog.messages) == 1


async def test_the_copy_has_the_rows_and_the_tables_of_before(old: str) -> None:
    await migrate(old)
    (copy,) = copies(old)
    assert copy.name == "cloudkeep.sqlite3.before-0010"
    assert (users(copy), newest_migration(copy)) == (["ada"], OLD)
    assert copy.stat().st_mode & 0o777 == 0o600
    assert newest_migration(path_of(old)) > OLD


async def test_nothing_is_copied_when_the_database_is_new_or_up_to_date(databases: Databases, tmp_path: Path) -> None:
    url = await databases.empty(tmp_path)
    await migrate(url)
    await migrate(url)
    assert copies(url) == []


async def test_only_the_newest_copies_stay(old: str) -> None:
    for number in range(1, 5):
        copy = path_of(old).with_name(f"cloudkeep.sqlite3.before-001{number}")
        copy.touch()
        os.utime(copy, (number, number))
    await migrate(old)
    assert [copy.name[-4:] for copy in copies(old)] == ["0010", "0013", "0014"]


async def test_a_failed_migration_changes_nothing_and_names_the_copy(old: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise sqlite3.OperationalError("no such thing")

    with monkeypatch.context() as patch:
        patch.setattr(MigrationRecorder, "record_applied", fail)
        with pytest.raises(MigrationAborted, match=r"nothing was changed, and a copy .* at /.*\.before-0010$"):
            await migrate(old)
    assert (users(path_of(old)), newest_migration(path_of(old))) == (["ada"], OLD)
    await migrate(old)
    assert [newest_migration(copy) for copy in copies(old)] == [OLD]


async def test_without_room_for_a_copy_nothing_is_migrated(old: str, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(path_of(old).parent)
    monkeypatch.setattr("storage.durable_files.shutil.disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(NoSpace, match=r"a copy of the database needs 0.[1-9] MiB, and .* has only 0.0 MiB free"):
        await migrate(old)
    assert (newest_migration(path_of(old)), copies(old)) == (OLD, [])


async def test_a_damaged_database_is_neither_copied_nor_migrated(old: str) -> None:
    path = path_of(old)
    content = bytearray(path.read_bytes())
    content[-4096:] = b"\xff" * 4096
    path.write_bytes(content)
    with pytest.raises(DatabaseDamaged, match="the database is damaged: "):
        await migrate(old)
    assert copies(old) == []
