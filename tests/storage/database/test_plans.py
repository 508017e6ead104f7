"""No question reads a whole table that grows. Every function of storage that asks the database is looked at."""

import inspect
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest
from tortoise import connections
from tortoise.exceptions import BaseORMException

from storage.accounts import accounts
from storage.accounts.models import Registration
from storage.blobs import Digests, ReopenedStaging
from storage.budgets import limit_overrides
from storage.budgets.models import GrantKind
from storage.database.connection import close_database, open_database
from storage.database.engine import PoolSize
from storage.database.pages import Window
from storage.drive import files
from storage.errors import StorageError
from storage.jobs import jobs
from storage.jobs.models import Job, JobKind
from storage.uploads import consistency, known_chunks, purge, receipts, uploads, usage
from storage.uploads.models import Upload, UploadStatus
from tests.storage.rows import LATER, LEASE, NOW
from tests.support.backends.databases import PostgresDatabases

pytestmark = pytest.mark.postgres

MODULES: list[ModuleType] = [
    accounts,
    consistency,
    files,
    limit_overrides,
    known_chunks,
    jobs,
    purge,
    receipts,
    usage,
    uploads,
]
GROWING = {"upload", "chunk", "job", "file", "blob", "rendition", "session", "account", "registration"}
#: Many people with a few uploads each, most of them done long ago, as in a server that is some years old.
FILL = """
INSERT INTO account (id, user_id, name, email, password_hash, created_at)
    SELECT md5(n::text)::uuid, 'user' || n, 'name', n || '@example.org', 'hash', now()
    FROM generate_series(1, 5000) n;
INSERT INTO session (id, account_id, refresh_hash, expires_at, created_at)
    SELECT gen_random_uuid(), id, 'hash', timestamptz '2030-01-01', now() FROM account;
INSERT INTO registration (email, user_id, name, password_hash, otp_hash, attempts, expires_at)
    SELECT n || '@new.org', 'n' || n, 'n', 'hash', 'otp', 0, timestamptz '2030-01-01'
    FROM generate_series(1, 5000) n;
INSERT INTO blob (id, key, size, sha256, created_at)
    SELECT md5('b' || n)::uuid, 'key' || n, n, md5(n::text) || md5(n::text), now()
    FROM generate_series(1, 20000) n;
INSERT INTO file (id, account_id, name, mime_type, blob_id, media, created_at)
    SELECT md5('f' || n)::uuid, md5((n % 5000 + 1)::text)::uuid, 'name', 'video/mp4', md5('b' || n)::uuid, NULL,
    now() FROM generate_series(1, 20000) n;
INSERT INTO rendition (id, file_id, kind, mime_type, blob_id, created_at)
    SELECT gen_random_uuid(), id, 'COMPRESSED_VIDEO', 'video/mp4', blob_id, now() FROM file;
INSERT INTO upload (id, account_id, file_name, mime_type, size, chunk_size, sha256, idempotency_key, status,
    received_chunks, received_bytes, file_id, expires_at, created_at)
    SELECT md5('u' || n)::uuid, md5((n % 5000 + 1)::text)::uuid, 'name', 'video/mp4', 20, 10,
        md5(n::text) || md5(n::text), 'key' || n,
        CASE WHEN n % 200 = 1 THEN 'RECEIVING' WHEN n % 500 = 2 THEN 'REASSEMBLING' WHEN n % 500 = 3 THEN 'ABORTED'
        ELSE 'READY' END, 1, 10, md5('f' || n)::uuid, timestamptz '2030-01-01', now() FROM generate_series(1, 20000) n;
INSERT INTO chunk (upload_id, "index", size, sha256)
    SELECT id, slot, 10, sha256 FROM upload, generate_series(0, 4) slot;
INSERT INTO job (id, kind, subject_id, state, attempts, run_after, created_at)
    SELECT gen_random_uuid(), 'REASSEMBLE', id, CASE status WHEN 'REASSEMBLING' THEN 'QUEUED' ELSE 'DONE' END, 1,
        timestamptz '2026-01-01', now() FROM upload;
VACUUM ANALYZE"""
SOMEBODY = UUID("c4ca4238a0b923820dcc509a6f75849b")  # md5 of 1
NOBODY = UUID(int=0)
Plan = dict[str, Any]
Call = Callable[["Known"], Awaitable[object]]


class Known:
    """Rows to ask about."""

    upload: Upload
    full: Upload
    ended: Upload
    job: Job


SHA256 = "0" * 64
REPORTED = receipts.ReportedChunk(2, 10, SHA256, "etag")
HELD = {4_000: known_chunks.KnownChunk(SHA256, 10, None, 0, "key1")}
CALLS: dict[str, Call] = {
    "accounts.user_id_exists": lambda known: accounts.user_id_exists("user1"),
    "accounts.email_exists": lambda known: accounts.email_exists("1@example.org"),
    "accounts.find_by_user_id": lambda known: accounts.find_by_user_id("user1"),
    "accounts.find_many": lambda known: accounts.find_many([SOMEBODY, NOBODY]),
    "accounts.lock": lambda known: accounts.lock(SOMEBODY),
    "accounts.save_registration": lambda known: accounts.save_registration(
        email="a", user_id="a", name="a", password_hash="a", otp_hash="a", expires_at=NOW
    ),
    "accounts.count_attempt": lambda known: accounts.count_attempt("1@new.org", 5),
    "accounts.complete_registration": lambda known: accounts.complete_registration(
        Registration(email="1@new.org", otp_hash="otp", user_id="new", name="n", password_hash="n")
    ),
    "accounts.open_session": lambda known: accounts.open_session(NOBODY, SOMEBODY, "a", NOW),
    "accounts.find_session": lambda known: accounts.find_session(NOBODY),
    "accounts.rotate_session": lambda known: accounts.rotate_session(NOBODY, "a", "b", NOW, NOW),
    "accounts.close_session": lambda known: accounts.close_session(NOBODY),
    "accounts.purge_expired": lambda known: accounts.purge_expired(NOW),
    "consistency.find_uploads": lambda known: consistency.find_uploads([known.upload.id]),
    "consistency.running_attempts": lambda known: consistency.running_attempts([NOBODY]),
    "consistency.known_blobs": lambda known: consistency.known_blobs(["key1", "key2"]),
    "consistency.blobs": lambda known: consistency.blobs(SOMEBODY, 100),
    "consistency.users_of": lambda known: consistency.users_of(NOBODY),
    "consistency.uploads_with": lambda known: consistency.uploads_with(UploadStatus.REASSEMBLING, NOBODY, 100),
    "consistency.uploads_without_job": lambda known: consistency.uploads_without_job(
        UploadStatus.REASSEMBLING, NOBODY, 100
    ),
    "consistency.receipt_counts": lambda known: consistency.receipt_counts([known.upload.id, NOBODY]),
    "consistency.queue_again": lambda known: consistency.queue_again(known.full, NOW),
    "consistency.end_receiving": lambda known: consistency.end_receiving(known.upload, NOW),
    "consistency.is_unchanged": lambda known: consistency.is_unchanged(known.upload),
    "files.find": lambda known: files.find(NOBODY),
    "files.find_many": lambda known: files.find_many([NOBODY, SOMEBODY]),
    "files.find_same": lambda known: files.find_same(SOMEBODY, 10, SHA256),
    "files.page": lambda known: files.page(SOMEBODY, Window(100, after=SOMEBODY)),
    "files.count": lambda known: files.count(SOMEBODY),
    "files.find_rendition": lambda known: files.find_rendition(NOBODY),
    "files.renditions_of": lambda known: files.renditions_of([NOBODY, SOMEBODY]),
    "limit_overrides.find_many": lambda known: limit_overrides.find_many([SOMEBODY]),
    "limit_overrides.change": lambda known: limit_overrides.change(SOMEBODY, {GrantKind.POINTS: (1, 1.0)}, NOW),
    "limit_overrides.change to defaults": lambda known: limit_overrides.change(SOMEBODY, dict.fromkeys(GrantKind), NOW),
    "limit_overrides.find_all": lambda known: limit_overrides.find_all(SOMEBODY),
    "known_chunks.find": lambda known: known_chunks.find(SOMEBODY, [SHA256] * 3),
    "jobs.enqueue": lambda known: jobs.enqueue(JobKind.COMPRESS, NOBODY, NOW),
    "jobs.claim": lambda known: jobs.claim([JobKind.REASSEMBLE], "me", LEASE, NOW),
    "jobs.renew": lambda known: jobs.renew(known.job, NOW),
    "jobs.save_progress": lambda known: jobs.save_progress(known.job, {}),
    "jobs.finish": lambda known: jobs.finish(known.job),
    "jobs.fail": lambda known: jobs.fail(known.job, "a", "a"),
    "jobs.postpone": lambda known: jobs.postpone(known.job, NOW, "a"),
    "jobs.give_back": lambda known: jobs.give_back(known.job, NOW),
    "jobs.count_open": lambda known: jobs.count_open(),
    "jobs.waiting_of": lambda known: jobs.waiting_of([NOBODY, SOMEBODY]),
    "jobs.release": lambda known: jobs.release("me", NOW),
    "jobs.find": lambda known: jobs.find(JobKind.REASSEMBLE, NOBODY),
    "purge.dead_with_receipts": lambda known: purge.dead_with_receipts("CHECKSUM_MISMATCH", 100),
    "purge.receipts": lambda known: purge.receipts(known.ended),
    "purge.uploads": lambda known: purge.uploads("CHECKSUM_MISMATCH", LATER + timedelta(days=3650), 10),
    "receipts.slot": lambda known: receipts.slot(known.upload.id, 0),
    "receipts.add": lambda known: receipts.add(known.upload, 1, Digests(SHA256, ""), NOW, LATER),
    "receipts.add_reported": lambda known: receipts.add_reported(known.upload, [REPORTED], NOW, LATER),
    "receipts.add_known": lambda known: receipts.add_known(known.upload, HELD),
    "receipts.reopen": lambda known: receipts.reopen(known.upload.id, [0, 1]),
    "receipts.find_all": lambda known: receipts.find_all(known.upload.id),
    "receipts.filled_indexes": lambda known: receipts.filled_indexes(known.upload.id, 0),
    "receipts.identities": lambda known: receipts.identities(known.upload.id, 5),
    "receipts.set_etags": lambda known: receipts.set_etags(known.upload.id, {0: "etag"}),
    "receipts.queue_reassembly": lambda known: receipts.queue_reassembly(known.upload.id, NOW),
    "usage.measure": lambda known: usage.measure(SOMEBODY, 1),
    "usage.require_space": lambda known: usage.require_space(SOMEBODY, 1, 1),
    "uploads.insert": lambda known: uploads.insert(new_upload(), NOW, quota=2**50),
    "uploads.insert_owned": lambda known: insert_owned(),
    "uploads.find": lambda known: uploads.find(NOBODY),
    "uploads.find_by_key": lambda known: uploads.find_by_key(SOMEBODY, "key"),
    "uploads.find_by_fingerprint": lambda known: uploads.find_by_fingerprint("a"),
    "uploads.open_alike": lambda known: uploads.open_alike(SOMEBODY, "name", 20, SHA256),
    "uploads.page": lambda known: uploads.page(SOMEBODY, UploadStatus.READY, Window(100, after=SOMEBODY)),
    "uploads.count": lambda known: uploads.count(SOMEBODY, UploadStatus.READY),
    "uploads.reopen_slots": lambda known: uploads.reopen_slots(known.job, [0], NOW),
    "uploads.publish": lambda known: uploads.publish(
        known.job, known.upload, blob_key="a", sha256=SHA256, media=None, now=NOW
    ),
    "uploads.add_rendition": lambda known: uploads.add_rendition(
        known.job, NOBODY, mime_type="a", blob_key="a", size=1, sha256=SHA256
    ),
    "uploads.fail_job": lambda known: uploads.fail_job(
        known.job, status=UploadStatus.FAILED, code="CHECKSUM_MISMATCH", message="a"
    ),
    "uploads.retry": lambda known: uploads.retry(known.upload, 2**50, NOW),
    "uploads.reopen_all_slots": lambda known: uploads.reopen_all_slots(known.upload, ReopenedStaging("a", {})),
    "uploads.abort": lambda known: uploads.abort(known.upload.id),
    "uploads.abort_failed": lambda known: uploads.abort_failed(known.upload.id, "a"),
    "uploads.expired": lambda known: uploads.expired(NOW, 100),
    "uploads.expire": lambda known: uploads.expire(known.upload.id, NOW),
}


def new_upload() -> Upload:
    return Upload(account_id=SOMEBODY, file_name="a", mime_type="a", size=20, chunk_size=10, expires_at=LATER)


async def insert_owned() -> None:
    known = (await files.page(SOMEBODY, Window(1)))[0]
    await uploads.insert_owned(new_upload(), known, NOW)


def functions() -> Iterator[str]:
    """Every public coroutine of the modules."""
    for module in MODULES:
        for name, function in inspect.getmembers(module, inspect.iscoroutinefunction):
            if function.__module__ == module.__name__ and not name.startswith("_"):
                yield f"{module.__name__.rpartition('.')[2]}.{name}"


@pytest.fixture
async def filled(database_url: str, databases: PostgresDatabases) -> AsyncIterator[Known]:
    """A database with years in it, this process connected to it."""
    name = database_url.rpartition("/")[2].partition("?")[0]
    for statement in FILL.split(";"):
        await databases.run(statement, name)
    await open_database(database_url, PoolSize(2, 2))
    known = Known()
    known.upload = (await Upload.filter(status=UploadStatus.RECEIVING).limit(1))[0]
    known.full = (await Upload.filter(status=UploadStatus.REASSEMBLING).limit(1))[0]
    known.ended = (await Upload.filter(status=UploadStatus.ABORTED).limit(1))[0]
    known.job = (await Job.filter(state="QUEUED").limit(1))[0]
    yield known
    await close_database()


def test_every_function_that_asks_the_database_is_looked_at() -> None:
    assert set(functions()) == set(CALLS)


async def test_no_question_reads_a_whole_table_that_grows(filled: Known) -> None:
    pool: Any = connections.get("default")
    one, two = await pool.acquire(), await pool.acquire()
    asked: list[Any] = []
    for connection in (one, two):
        connection.add_query_logger(asked.append)
        await pool.release(connection)
    found: dict[str, list[str]] = {}
    for name, call in CALLS.items():
        asked.clear()
        with suppress(StorageError, BaseORMException):  # its first statement has been seen all the same
            await call(filled)
        for record in asked.copy():
            if scanned := await scans(record):
                found[name] = [*found.get(name, []), f"{scanned}: {record.query}"]
    assert found == {}


async def scans(record: Any) -> list[str]:
    """The growing tables that a statement reads as a whole."""
    values = record.args or ()
    for_no_row = "$1" in record.query and not values
    if for_no_row or not record.query.lstrip().upper().startswith(("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")):
        return []
    if values and isinstance(values[0], list | tuple):
        values = values[0]  # of a statement that ran for many rows
    pool: Any = connections.get("default")
    connection = await pool.acquire()
    try:
        text = await connection.fetchval(f"EXPLAIN (FORMAT JSON) {record.query}", *values)
    finally:
        await pool.release(connection)
    return [
        node["Relation Name"]
        for node in nodes(json.loads(text)[0]["Plan"])
        if node["Node Type"] == "Seq Scan" and node["Relation Name"] in GROWING
    ]


def nodes(plan: Plan) -> Iterator[Plan]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)
