"""Migrations: from nothing and from every earlier release, with all rows, by many processes at once."""

import asyncio
import fcntl
import signal
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from tortoise import Tortoise
from tortoise.migrations.autodetector import MigrationAutodetector

from storage.accounts import sessions
from storage.accounts.models import Account
from storage.database.connection import close_database, execute_many, fetch, migrate, open_database, orm_config
from storage.database.sqlite import engine
from storage.drive.versions import find, renditions_of
from storage.jobs import jobs
from storage.jobs.models import JobKind
from storage.uploads import expiry, receipts
from storage.uploads.models import Upload, UploadStatus
from storage.uploads.receipts import Received
from tests.storage.rows import NOW, ROOT
from tests.support.backends.databases import Databases

#: The newest migration of the release before this one.
PREVIOUS = "0006_grants"
NEWEST_OF_0_1 = "0010_session_rotated"
ACCOUNT, FILE, BLOB, SMALL, UPLOAD, OPEN, SESSION = (uuid4() for _ in range(7))
VIDEO = ("ü.mp4", "video/mp4", 2**50, 2**30, "a" * 64)
COMPRESSING = ("COMPRESSING", 1, 2**30, None, None, FILE, NOW, NOW)
TEXT = ("open", "text/plain", 25, 10, None)
#: The columns of that release, by table, and rows that it could have stored. Registrations are
#: not kept: they are valid for minutes.
ROWS: dict[str, tuple[str, list[tuple[object, ...]]]] = {
    "account": (
        "id, user_id, name, email, password_hash, created_at",
        [(ACCOUNT, "ada", "Ada", "ada@example.org", "hash", NOW)],
    ),
    "account_grant": (
        "id, account_id, kind, capacity, refill, created_at, updated_at",
        [(uuid4(), ACCOUNT, "points", 2**53, 0.5, NOW, NOW), (uuid4(), ACCOUNT, "subscriptions", 0, None, NOW, NOW)],
    ),
    "session": (
        "id, account_id, refresh_hash, expires_at, created_at",
        [(SESSION, ACCOUNT, "refresh", NOW, NOW)],
    ),
    "blob": (
        "id, key, size, sha256, created_at",
        [(BLOB, "blob", 2**50, "a" * 64, NOW), (SMALL, "small", 1, "b" * 64, NOW)],
    ),
    "file": (
        "id, account_id, name, mime_type, blob_id, media, created_at",
        [(FILE, ACCOUNT, "ü.mp4", "video/mp4", BLOB, '{"width": 1920}', NOW)],
    ),
    "rendition": (
        "id, file_id, kind, mime_type, blob_id, created_at",
        [(uuid4(), FILE, "COMPRESSED_VIDEO", "video/mp4", SMALL, NOW)],
    ),
    "upload": (
        "id, account_id, file_name, mime_type, size, chunk_size, sha256, compress, idempotency_key, fingerprint, "
        "status, received_chunks, received_bytes, error_code, error_message, file_id, expires_at, created_at",
        [
            (UPLOAD, ACCOUNT, *VIDEO, '{"preset": "FAST"}', "key", None, *COMPRESSING),
            (OPEN, ACCOUNT, *TEXT, None, None, "print", "RECEIVING", 2, 15, None, None, None, NOW, NOW),
        ],
    ),
    "chunk": (
        'upload_id, "index", size, sha256, xxh3, source, source_offset',
        [
            (UPLOAD, 0, 2**30, "c" * 64, "d" * 32, "small", 2**40),
            (OPEN, 0, 10, "e" * 64, None, None, None),
            (OPEN, 2, 5, "f" * 64, "0" * 32, None, None),
        ],
    ),
    "job": (
        "id, kind, subject_id, state, attempts, run_after, lease_owner, lease_token, lease_until, progress, "
        "error_code, error_message, created_at",
        [
            (uuid4(), "REASSEMBLE", UPLOAD, "DONE", 1, NOW, "one", None, None, None, None, None, NOW),
            (uuid4(), "COMPRESS", UPLOAD, "RUNNING", 2, NOW, "one", uuid4(), NOW, '{"percent": 5}', None, "x", NOW),
        ],
    ),
}
#: How rows are read that are elsewhere now.
NEW_QUERIES = {
    "file": "SELECT v.id, v.account_id, i.name, v.mime_type, v.blob_id, v.media, i.created_at FROM file_version AS v "
    "JOIN item AS i ON i.id = v.item_id WHERE i.version_id = v.id AND i.parent_id = v.account_id",
    "rendition": "SELECT id, version_id, kind, mime_type, blob_id, created_at FROM rendition",
    "upload": "SELECT " + ROWS["upload"][0].replace("file_id", "version_id") + " FROM upload",
}
MIGRATE = "import asyncio, sys; from storage.database.connection import migrate; asyncio.run(migrate(sys.argv[1]))"

MIGRATE_AND_DIE = """
import asyncio, os, signal, sys
from tortoise.migrations.recorder import MigrationRecorder
from storage.database.connection import migrate
record = MigrationRecorder.record_applied
async def record_or_die(recorder, app, name):
    if name == sys.argv[2]:
        os.kill(os.getpid(), signal.SIGKILL)
    await record(recorder, app, name)
MigrationRecorder.record_applied = record_or_die
asyncio.run(migrate(sys.argv[1]))
"""
EVERY = sorted(path.stem for path in (ROOT / "storage" / "migrations").glob("[0-9]*.py"))


async def contents(*, migrated: bool = False) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, in the columns of the release, of which some have other names now."""
    found = {}
    for table, (columns, _) in ROWS.items():
        query = f"SELECT {columns} FROM {table}"
        rows = await fetch(NEW_QUERIES.get(table, query) if migrated else query)
        found[table] = sorted((tuple(row) for row in rows), key=repr)
    return found


async def fill_previous(url: str) -> dict[str, list[tuple[object, ...]]]:
    """Create a database of the previous release, and return its contents."""
    await migrate(url, PREVIOUS)
    return await fill(url)


async def fill(url: str) -> dict[str, list[tuple[object, ...]]]:
    """Store the rows in a database that has the tables for them, and return what is in it."""
    await open_database(url)
    for table, (columns, rows) in ROWS.items():
        marks = ", ".join("?" * len(columns.split(",")))
        await execute_many(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)
    before = await contents()
    await close_database()
    return before


async def test_nothing_of_the_previous_release_is_lost(databases: Databases, tmp_path: Path) -> None:
    url = await databases.empty(tmp_path)
    before = await fill_previous(url)
    assert {table: len(rows) for table, rows in before.items()} == {
        table: len(rows) for table, (_, rows) in ROWS.items()
    }
    await migrate(url)
    await nothing_is_lost(databases, url, before)


async def test_uploads_that_failed_before_they_could_expire_get_a_week(databases: Databases, tmp_path: Path) -> None:
    url = await databases.empty(tmp_path)
    await fill_previous(url)
    await open_database(url)
    failed = "UPDATE upload SET status = 'FAILED', file_id = NULL, error_code = ? WHERE id = ?"
    await execute_many(failed, [("INTERNAL", OPEN), ("CHECKSUM_MISMATCH", UPLOAD)])
    await close_database()
    await migrate(url)
    await open_database(url)
    try:
        kept, dead = await Upload.get(id=OPEN), await Upload.get(id=UPLOAD)
        assert kept.expires_at > datetime.now(UTC) + timedelta(days=6)
        assert dead.expires_at == NOW
        assert [upload.id for upload in await expiry.expired(NOW + timedelta(days=3650), 9)] == [OPEN]
    finally:
        await close_database()
        await databases.drop(url)


def schema(path: Path) -> set[tuple[str, ...]]:
    """Every table and index of a SQLite database, as the statement that made it."""
    with closing(sqlite3.connect(path)) as connection:
        return set(connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL"))


@pytest.mark.sqlite
async def test_a_database_that_release_0_1_made_is_opened_as_it_is_and_keeps_everything(
    databases: Databases, tmp_path: Path
) -> None:
    old, new = tmp_path / "old.sqlite3", tmp_path / "new.sqlite3"
    with closing(sqlite3.connect(old)) as connection:
        connection.executescript(Path(__file__).with_name("release_0_1.sql").read_text())
    made = schema(old)
    await migrate(f"sqlite://{old}", NEWEST_OF_0_1)
    await migrate(f"sqlite://{new}", NEWEST_OF_0_1)
    assert schema(old) == made == schema(new)
    before = await fill(f"sqlite://{old}")
    await migrate(f"sqlite://{old}")
    await nothing_is_lost(databases, f"sqlite://{old}", before)


async def kill_in(url: str, migration: str) -> None:
    """Migrate in a process that is killed when a migration is done and not yet recorded."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", MIGRATE_AND_DIE, url, migration, cwd=ROOT)
    assert await process.wait() == -signal.SIGKILL


async def test_whichever_migration_the_first_start_is_killed_in_a_later_one_brings_it_to_its_end(
    databases: Databases, tmp_path: Path
) -> None:
    url = await databases.empty(tmp_path)
    for migration in EVERY:
        await kill_in(url, migration)
    await migrate(url)
    await open_database(url)
    assert await Account.all().count() == 0
    await close_database()
    await databases.drop(url)


async def test_whichever_migration_an_upgrade_is_killed_in_nothing_is_lost(
    databases: Databases, tmp_path: Path
) -> None:
    url = await databases.empty(tmp_path)
    before = await fill_previous(url)
    for migration in EVERY[EVERY.index(PREVIOUS) + 1 :]:
        await kill_in(url, migration)
    await migrate(url)
    await nothing_is_lost(databases, url, before)


async def nothing_is_lost(databases: Databases, url: str, before: dict[str, list[tuple[object, ...]]]) -> None:
    """Check that a migrated database has its earlier contents."""
    await open_database(url)
    try:
        assert await contents(migrated=True) == before
        await it_is_understood()
    finally:
        await close_database()
        await databases.drop(url)


async def it_is_understood() -> None:
    """The current code recognises such a database and can use it."""
    session = await sessions.find(SESSION)
    assert session
    assert session.account.user_id == "ada"
    assert session.rotated_at is None
    assert await sessions.rotate(SESSION, "refresh", "next", NOW, NOW)
    file = await find(FILE)
    assert file
    assert str(file.account_id) == str(ACCOUNT)
    assert (file.item.name, file.blob.size, file.media) == ("ü.mp4", 2**50, {"width": 1920})
    assert [found.blob.key for found in (await renditions_of([FILE]))[FILE]] == ["small"]
    upload = await Upload.get(fingerprint="print")
    assert (upload.id, upload.status, upload.expires_at, upload.received_bytes) == (
        OPEN,
        UploadStatus.RECEIVING,
        NOW,
        15,
    )
    slot = await receipts.slot(OPEN, 2)
    assert slot
    assert (slot.sha256, slot.received) == ("f" * 64, Received(2, 15))
    job = await jobs.find(JobKind.COMPRESS, UPLOAD)
    assert job
    assert (job.attempts, job.progress, job.lease_until) == (2, {"percent": 5}, NOW)


async def test_what_had_arrived_before_it_was_counted_is_counted_now(databases: Databases, tmp_path: Path) -> None:
    url = await databases.empty(tmp_path)
    await migrate(url, "0003_blob_digest")
    await open_database(url)
    owner, some, none = uuid4(), UUID(int=1), UUID(int=2)
    account = "INSERT INTO account (id, user_id, name, email, password_hash, created_at) VALUES (?, ?, ?, ?, ?, ?)"
    await execute_many(account, [(owner, "a", "a", "a", "a", NOW)])
    upload = """
        INSERT INTO upload (id, account_id, file_name, mime_type, size, chunk_size, status, expires_at, created_at)
        VALUES (?, ?, 'a', 'a', 25, 10, 'RECEIVING', ?, ?)"""
    await execute_many(upload, [(key, owner, NOW, NOW) for key in (some, none)])
    chunk = """INSERT INTO chunk (upload_id, "index", size, sha256) VALUES (?, ?, ?, 'a')"""
    await execute_many(chunk, [(some, 0, 10), (some, 2, 5)])
    await close_database()
    await migrate(url)
    await open_database(url)
    found = await Upload.all().order_by("id").values_list("received_chunks", "received_bytes")
    await close_database()
    await databases.drop(url)
    assert found == [(2, 15), (0, 0)]


async def test_processes_that_migrate_at_once_wait_for_each_other(databases: Databases, tmp_path: Path) -> None:
    url = await databases.empty(tmp_path)
    processes = [await asyncio.create_subprocess_exec(sys.executable, "-c", MIGRATE, url, cwd=ROOT) for _ in range(3)]
    assert [await process.wait() for process in processes] == [0, 0, 0]
    await open_database(url)
    assert await Account.all().count() == 0
    await close_database()
    await databases.drop(url)


@pytest.mark.sqlite
async def test_a_migration_that_takes_longer_than_the_busy_timeout_is_waited_for(
    databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = await databases.empty(tmp_path)
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_MS", 50)
    path = Path(url.removeprefix("sqlite://"))
    with path.with_name("migration.lock").open("w") as lock, closing(sqlite3.connect(path)) as other:
        fcntl.flock(lock, fcntl.LOCK_EX)
        other.execute("PRAGMA journal_mode=WAL")
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(migrate(url))
        # Long enough for a process that does not wait to fail.
        done, _ = await asyncio.wait({waiting}, timeout=0.5)
        other.rollback()
    assert not done
    await waiting


async def test_models_and_migrations_say_the_same(database: str) -> None:
    """When this fails, a model was changed without ``make migration``."""
    assert Tortoise.apps
    changes = await MigrationAutodetector(Tortoise.apps, orm_config(database)["apps"]).changes()
    assert [writer.operations for writer in changes] == []
