"""No query scans a whole table that grows. The test runs every function of storage that uses the database."""

import inspect
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest
from tortoise import connections
from tortoise.exceptions import BaseORMException

from storage.accounts import (
    accounts,
    addresses,
    api_tokens,
    attempts,
    credentials,
    email_changes,
    expired,
    invitations,
    password_resets,
    passwords,
    registrations,
    sessions,
)
from storage.accounts.attempts import AttemptKind
from storage.accounts.email_changes import Undo
from storage.accounts.models import Account, ApiToken, EmailChange, Invitation, PasswordReset, Registration, Session
from storage.accounts.registrations import RegistrationLimits
from storage.blobs import Digests, ReopenedStaging
from storage.budgets import limit_overrides
from storage.budgets.models import GrantKind
from storage.database.connection import atomically, close_database, open_database
from storage.database.engine import PoolSize
from storage.database.pages import Window
from storage.deletion import collection
from storage.drive import blobs, change_log, checksums, items, uploaded_files, versions, zips
from storage.drive.blobs import Unnamed
from storage.drive.models import Blob, FileVersion, Item, ItemKind, Zip
from storage.drive.tree import (
    chains,
    changes,
    copying,
    destinations,
    files,
    listing,
    placing,
    starred,
    subtrees,
    trash,
    visible,
)
from storage.drive.tree.destinations import Destination
from storage.drive.tree.listing import NO_FILTER, ItemList, ItemOrder, OrderField, Position
from storage.drive.tree.placing import ConflictPolicy
from storage.drive.tree.trash import TrashPosition
from storage.drive.uploaded_files import NewFile
from storage.drive.versions import Content
from storage.errors import StorageError
from storage.events import events
from storage.events.events import NewEvent
from storage.events.models import EventKind
from storage.jobs import jobs
from storage.jobs.models import Job, JobKind
from storage.outbox import outbox
from storage.outbox.models import OutboxMail
from storage.search import entries
from storage.uploads import (
    adoption,
    consistency,
    expiry,
    job_results,
    known_chunks,
    new_uploads,
    open_slots,
    purge,
    quarantine,
    receipts,
    uploads,
    usage,
)
from storage.uploads.models import Upload, UploadStatus
from storage.uploads.new_uploads import Draft
from storage.uploads.open_slots import SlotRange
from storage.uploads.uploads import UploadFilter
from tests.storage.rows import LATER, LEASE, NOW, new_registration
from tests.support.backends.databases import PostgresDatabases

pytestmark = pytest.mark.postgres

READY = UploadStatus.READY
MODULES: list[ModuleType] = [
    collection,
    accounts,
    addresses,
    adoption,
    attempts,
    api_tokens,
    expired,
    credentials,
    email_changes,
    invitations,
    password_resets,
    passwords,
    registrations,
    sessions,
    consistency,
    entries,
    events,
    expiry,
    files,
    items,
    versions,
    blobs,
    chains,
    placing,
    listing,
    change_log,
    changes,
    copying,
    trash,
    starred,
    checksums,
    subtrees,
    zips,
    limit_overrides,
    known_chunks,
    open_slots,
    job_results,
    jobs,
    outbox,
    purge,
    quarantine,
    receipts,
    usage,
    uploads,
    visible,
    destinations,
    uploaded_files,
    new_uploads,
]
GROWING = {
    "event",
    "upload",
    "chunk",
    "job",
    "file_version",
    "item",
    "search_entry",
    "zip",
    "blob",
    "rendition",
    "session",
    "account",
    "api_token",
    "registration",
    "attempt",
    "outbox_mail",
    "email_change",
    "password_reset",
    "invitation",
}
#: Lists of whole tables for an administrator. No request runs them.
OF_THE_COMMAND_LINE = {"invitations.find_all"}
#: Many accounts with a few uploads each, most of them finished long ago, as in a server that is some years old.
FILL = """
INSERT INTO account (id, user_id, name, email, password_hash, created_at)
    SELECT md5(n::text)::uuid, 'user' || n, 'name', n || '@example.org', 'hash', now()
    FROM generate_series(1, 5000) n;
INSERT INTO session (id, account_id, refresh_hash, expires_at, created_at)
    SELECT gen_random_uuid(), id, 'hash', timestamptz '2030-01-01', now() FROM account;
INSERT INTO api_token (id, account_id, name, secret_hash, last_characters, scopes, expires_at, created_at)
    SELECT gen_random_uuid(), id, 'name', md5(id::text), 'abcd', '["READ"]', timestamptz '2030-01-01', now()
    FROM account;
INSERT INTO registration (
    id, email, user_id, name, password_hash, otp_hash, attempts, expires_at, created_at, network
)
    SELECT gen_random_uuid(), n || '@new.org', 'n' || n, 'n', 'hash', 'otp', 0, timestamptz '2030-01-01', now(),
        '192.0.2.' || n
    FROM generate_series(1, 5000) n;
INSERT INTO attempt (id, kind, subject, at)
    SELECT gen_random_uuid(), 'MAIL', n::text, timestamptz '2026-11-22 12:00Z' FROM generate_series(1, 5000) n;
INSERT INTO email_change (id, account_id, new_email, old_email, otp_hash, attempts, expires_at, created_at)
    SELECT gen_random_uuid(), id, email, 'old-' || email, 'otp', 0, timestamptz '2030-01-01', now() FROM account;
INSERT INTO invitation (id, token_hash, makes_admin, expires_at, created_at)
    SELECT gen_random_uuid(), id::text, false, timestamptz '2030-01-01', now() FROM account;
INSERT INTO zip (id, account_id, name, size, etag, entries, created_at, expires_at)
    SELECT gen_random_uuid(), id, 'name', 22, 'etag', 'x', now(), timestamptz '2030-01-01' FROM account;
INSERT INTO password_reset (id, account_id, otp_hash, attempts, expires_at, created_at)
    SELECT gen_random_uuid(), id, 'otp', 0, timestamptz '2030-01-01', now() FROM account;
INSERT INTO blob (id, account_id, key, size, sha256, created_at)
    SELECT md5('b' || n)::uuid, md5((n % 5000 + 1)::text)::uuid, 'key' || n, n, md5(n::text) || md5(n::text), now()
    FROM generate_series(1, 20000) n;
INSERT INTO item (id, account_id, kind, name, folded_name, sort_key, starred, created_at, updated_at)
    SELECT id, id, 'FOLDER', 'root', 'root', 'root', false, now(), now() FROM account;
INSERT INTO item (id, account_id, parent_id, kind, name, folded_name, sort_key, size, file_kind, version_id, starred,
    created_at, updated_at)
    SELECT md5('f' || n)::uuid, md5((n % 5000 + 1)::text)::uuid, md5((n % 5000 + 1)::text)::uuid, 'FILE', 'name' || n,
    'name' || n, ('name' || n)::bytea, n, 'VIDEO', md5('f' || n)::uuid, n % 100 = 1, now(), now()
    FROM generate_series(1, 20000) n;
INSERT INTO file_version (id, account_id, item_id, mime_type, blob_id, media, created_at)
    SELECT md5('f' || n)::uuid, md5((n % 5000 + 1)::text)::uuid, md5('f' || n)::uuid, 'video/mp4',
    md5('b' || n)::uuid, NULL, now() FROM generate_series(1, 20000) n;
INSERT INTO search_entry (account_id, item_id, text) SELECT account_id, id, 'name ' || id FROM item;
INSERT INTO rendition (id, version_id, kind, mime_type, blob_id, created_at)
    SELECT gen_random_uuid(), id, 'COMPRESSED_VIDEO', 'video/mp4', blob_id, now() FROM file_version;
INSERT INTO upload (id, account_id, file_name, mime_type, size, chunk_size, sha256, idempotency_key, status,
    received_chunks, received_bytes, version_id, expires_at, created_at)
    SELECT md5('u' || n)::uuid, md5((n % 5000 + 1)::text)::uuid, 'name', 'video/mp4', 20, 10,
        md5(n::text) || md5(n::text), 'key' || n,
        CASE WHEN n % 200 = 1 THEN 'RECEIVING' WHEN n % 500 = 2 THEN 'REASSEMBLING' WHEN n % 500 = 3 THEN 'ABORTED'
        ELSE 'READY' END, 1, 10, md5('f' || n)::uuid, timestamptz '2030-01-01', now() FROM generate_series(1, 20000) n;
INSERT INTO chunk (upload_id, "index", size, sha256)
    SELECT id, slot, 10, sha256 FROM upload, generate_series(0, 4) slot;
INSERT INTO job (id, kind, subject_id, state, attempts, run_after, created_at)
    SELECT gen_random_uuid(), 'REASSEMBLE', id, CASE status WHEN 'REASSEMBLING' THEN 'QUEUED' ELSE 'DONE' END, 1,
        timestamptz '2026-01-01', now() FROM upload;
INSERT INTO outbox_mail (id, recipient, kind, params, created_at, sent_at)
    SELECT md5('m' || n)::uuid, 'name', 'password_changed', '{}',
        CASE WHEN n % 1000 = 1 THEN timestamptz '2020-01-01' ELSE timestamptz '2030-01-01' END,
        CASE WHEN n % 2 = 1 THEN timestamptz '2030-01-01' END FROM generate_series(1, 20000) n;
INSERT INTO event (id, account_id, seq, kind, item_id, facts, at)
    SELECT gen_random_uuid(), md5((n % 5000 + 1)::text)::uuid, 100 + n / 5000, 'CREATED', gen_random_uuid(), '{}',
        CASE WHEN n % 100 = 1 THEN timestamptz '2020-01-01' ELSE timestamptz '2030-01-01' END
    FROM generate_series(1, 20000) n;
UPDATE account SET change_seq = 104;
VACUUM ANALYZE"""
ACCOUNT_ID = UUID("c4ca4238a0b923820dcc509a6f75849b")  # md5 of 1
KEYS: dict[OrderField, bytes | int | datetime | None] = {
    OrderField.NAME: b"name",
    OrderField.SIZE: 5,
    OrderField.UPDATED_AT: NOW,
    OrderField.CREATED_AT: None,
}
FILE_ID = UUID("ad022e807c1566e2043b7e4139861c68")  # md5 of f5000
MISSING_ID = UUID(int=0)
Plan = dict[str, Any]
Call = Callable[["Rows"], Awaitable[object]]


class Rows:
    """Rows for the queries."""

    account: Account
    change: EmailChange
    session: Session
    reset: PasswordReset
    upload: Upload
    full: Upload
    ended: Upload
    job: Job


def notice(_: object = None) -> OutboxMail:
    """A mail to queue."""
    return OutboxMail(recipient="a", kind="a", params={})


SHA256 = "0" * 64
REPORTED = receipts.ReportedChunk(2, 10, SHA256, "etag")
HELD = {4_000: known_chunks.KnownChunk(SHA256, 10, None, 0, "key1")}
CALLS: dict[str, Call] = {
    "entries.put": lambda rows: entries.put(ACCOUNT_ID, {MISSING_ID: "name"}),
    "entries.remove": lambda rows: entries.remove([MISSING_ID]),
    "entries.find": lambda rows: entries.find(ACCOUNT_ID, ["holiday", "mp4"]),
    "entries.find short words": lambda rows: entries.find(ACCOUNT_ID, ["q7"]),
    "visible.visible_ids": lambda rows: visible.visible_ids(ACCOUNT_ID, [MISSING_ID, ACCOUNT_ID]),
    "accounts.user_id_exists": lambda rows: accounts.user_id_exists("user1"),
    "accounts.any_exists": lambda rows: accounts.any_exists(),
    "accounts.is_first": lambda rows: accounts.is_first(),
    "accounts.find_by_user_id": lambda rows: accounts.find_by_user_id("user1"),
    "accounts.find": lambda rows: accounts.find(ACCOUNT_ID),
    "accounts.find_by_name": lambda rows: accounts.find_by_name("1@example.org"),
    "accounts.update_profile": lambda rows: accounts.update_profile(ACCOUNT_ID, {"name": "a"}),
    "accounts.find_many": lambda rows: accounts.find_many([ACCOUNT_ID, MISSING_ID]),
    "accounts.lock": lambda rows: accounts.lock(ACCOUNT_ID),
    "accounts.locked": lambda rows: accounts.locked(ACCOUNT_ID, accounts.any_exists),
    "accounts.find_by_email": lambda rows: accounts.find_by_email("1@example.org"),
    "api_tokens.insert": lambda rows: api_tokens.insert(
        ApiToken(account_id=ACCOUNT_ID, name="a", secret_hash="a", last_characters="a", scopes=[]), 100, NOW
    ),
    "api_tokens.find_usable": lambda rows: api_tokens.find_usable(["hash1", "hash2"]),
    "api_tokens.find_live": lambda rows: api_tokens.find_live([MISSING_ID], NOW),
    "api_tokens.find": lambda rows: api_tokens.find(MISSING_ID),
    "api_tokens.page": lambda rows: api_tokens.page(ACCOUNT_ID, Window(20)),
    "api_tokens.count": lambda rows: api_tokens.count(ACCOUNT_ID),
    "api_tokens.delete": lambda rows: api_tokens.delete(MISSING_ID),
    "api_tokens.set_last_use": lambda rows: api_tokens.set_last_use([MISSING_ID], NOW),
    "expired.purge": lambda rows: expired.purge(NOW),
    "registrations.require_space": lambda rows: registrations.require_space(
        "192.0.2.1", RegistrationLimits(100_000, 100), NOW
    ),
    "registrations.insert": lambda rows: registrations.insert(
        new_registration(), RegistrationLimits(100_000, 100), NOW
    ),
    "registrations.count_attempt": lambda rows: registrations.count_attempt(MISSING_ID, 5),
    "registrations.find_waiting": lambda rows: registrations.find_waiting(MISSING_ID, 5, NOW),
    "registrations.replace_code": lambda rows: registrations.replace_code(MISSING_ID, "a", NOW),
    "registrations.take_back_attempt": lambda rows: registrations.take_back_attempt(MISSING_ID),
    "registrations.complete": lambda rows: complete_registration(),
    "addresses.lock": lambda rows: atomically(lambda: addresses.lock("1@example.org")),
    "addresses.is_taken": lambda rows: addresses.is_taken("1@example.org", NOW, except_account=ACCOUNT_ID),
    "attempts.count": lambda rows: attempts.count(AttemptKind.MAIL, "1", 5, NOW),
    "attempts.remove": lambda rows: attempts.remove(MISSING_ID),
    "attempts.purge": lambda rows: attempts.purge(NOW),
    "invitations.insert": lambda rows: invitations.insert(Invitation(token_hash="a", expires_at=NOW)),
    "invitations.find_usable": lambda rows: invitations.find_usable("1", "1@example.org", NOW),
    "invitations.use": lambda rows: invitations.use(MISSING_ID, "1@example.org", NOW),
    "invitations.set_account": lambda rows: invitations.set_account(MISSING_ID, ACCOUNT_ID),
    "invitations.find_all": lambda rows: invitations.find_all(),
    "invitations.delete": lambda rows: invitations.delete(MISSING_ID),
    "credentials.replace_password": lambda rows: credentials.replace_password(
        rows.account, "a", NOW, notice(), kept_session=MISSING_ID
    ),
    "credentials.set_password": lambda rows: credentials.set_password(ACCOUNT_ID, "a", NOW),
    "credentials.end_everything": lambda rows: credentials.end_everything(ACCOUNT_ID),
    "passwords.replace_password_hash": lambda rows: passwords.replace_password_hash(ACCOUNT_ID, "a", "b"),
    "password_resets.insert": lambda rows: password_resets.insert(
        PasswordReset(account_id=ACCOUNT_ID, otp_hash="a", expires_at=NOW), "1@example.org"
    ),
    "password_resets.count_attempt": lambda rows: password_resets.count_attempt(rows.reset.id, 5),
    "password_resets.take_back_attempt": lambda rows: password_resets.take_back_attempt(rows.reset.id),
    "password_resets.complete": lambda rows: password_resets.complete(rows.reset, "a", NOW, notice()),
    "email_changes.insert": lambda rows: email_changes.insert(
        EmailChange(account_id=ACCOUNT_ID, new_email="a", otp_hash="a", expires_at=NOW)
    ),
    "email_changes.count_attempt": lambda rows: email_changes.count_attempt(rows.change.id, ACCOUNT_ID, 5),
    "email_changes.confirm": lambda rows: email_changes.confirm(
        rows.change, Undo("a", LATER), NOW, notice, session_id=rows.session.id
    ),
    "email_changes.find_undoable": lambda rows: email_changes.find_undoable("a", NOW),
    "email_changes.undo": lambda rows: email_changes.undo(
        EmailChange(id=rows.change.id, account_id=ACCOUNT_ID, old_email="1@example.org", confirmed_at=NOW),
        "a",
        NOW,
        notice(),
    ),
    "sessions.insert": lambda rows: sessions.insert(Session(account_id=ACCOUNT_ID, refresh_hash="a", expires_at=NOW)),
    "sessions.find": lambda rows: sessions.find(MISSING_ID),
    "sessions.rotate": lambda rows: sessions.rotate(MISSING_ID, "a", "b", NOW, NOW),
    "sessions.find_open": lambda rows: sessions.find_open([MISSING_ID, ACCOUNT_ID], NOW, NOW),
    "sessions.find_by_cookies": lambda rows: sessions.find_by_cookies([SHA256, "1" * 64]),
    "sessions.prolong": lambda rows: sessions.prolong(MISSING_ID, NOW, timedelta(minutes=1)),
    "sessions.page": lambda rows: sessions.page(ACCOUNT_ID, Window(100, after=ACCOUNT_ID), NOW, NOW),
    "sessions.count": lambda rows: sessions.count(ACCOUNT_ID, NOW, NOW),
    "sessions.set_authenticated": lambda rows: sessions.set_authenticated(MISSING_ID, NOW),
    "sessions.record_uses": lambda rows: sessions.record_uses([sessions.Use(MISSING_ID, NOW, None, None)], LEASE),
    "sessions.close_all": lambda rows: sessions.close_all(ACCOUNT_ID),
    "sessions.close": lambda rows: sessions.close(MISSING_ID),
    "consistency.find_uploads": lambda rows: consistency.find_uploads([rows.upload.id]),
    "consistency.running_attempts": lambda rows: consistency.running_attempts([MISSING_ID]),
    "consistency.known_blobs": lambda rows: consistency.known_blobs(["key1", "key2"]),
    "consistency.blobs": lambda rows: consistency.blobs(ACCOUNT_ID, 100),
    "consistency.owners_of": lambda rows: consistency.owners_of("missing"),
    "consistency.uploads_with_file": lambda rows: consistency.uploads_with_file(MISSING_ID, 100),
    "consistency.users_of": lambda rows: consistency.users_of(MISSING_ID),
    "consistency.uploads_with": lambda rows: consistency.uploads_with(UploadStatus.REASSEMBLING, MISSING_ID, 100),
    "consistency.uploads_without_job": lambda rows: consistency.uploads_without_job(
        UploadStatus.REASSEMBLING, MISSING_ID, 100
    ),
    "consistency.receipt_counts": lambda rows: consistency.receipt_counts([rows.upload.id, MISSING_ID]),
    "consistency.queue_again": lambda rows: consistency.queue_again(rows.full, NOW),
    "consistency.end_receiving": lambda rows: consistency.end_receiving(rows.upload, NOW),
    "consistency.is_unchanged": lambda rows: consistency.is_unchanged(rows.upload),
    "events.record": lambda rows: events.record(ACCOUNT_ID, [NewEvent(EventKind.CREATED, MISSING_ID)], NOW),
    "events.since": lambda rows: events.since(ACCOUNT_ID, 101, 100),
    "events.newest": lambda rows: events.newest(ACCOUNT_ID),
    "events.newest_numbers": lambda rows: events.newest_numbers([ACCOUNT_ID, MISSING_ID]),
    "events.purge": lambda rows: events.purge(NOW),
    "blobs.add_original": lambda rows: blobs.add_original(ACCOUNT_ID, key="d", size=1, sha256=SHA256),
    "blobs.add_originals": lambda rows: blobs.add_originals(ACCOUNT_ID, [new_blob()]),
    "job_results.take_step": lambda rows: job_results.take_step(rows.upload.refresh_from_db),
    "blobs.add_derived": lambda rows: blobs.add_derived(ACCOUNT_ID, key="e", size=1, sha256=SHA256),
    "checksums.find": lambda rows: checksums.find(MISSING_ID),
    "checksums.without_crc32": lambda rows: checksums.without_crc32(MISSING_ID, 100),
    "checksums.fill_in": lambda rows: checksums.fill_in(MISSING_ID, 1),
    "checksums.request": lambda rows: checksums.request([MISSING_ID], NOW),
    "checksums.finish": lambda rows: checksums.finish(rows.job, 1),
    "subtrees.visible_tops": lambda rows: subtrees.visible_tops(ACCOUNT_ID, [ACCOUNT_ID, MISSING_ID]),
    "subtrees.descendants": lambda rows: subtrees.descendants([ACCOUNT_ID, MISSING_ID], 10_001),
    "zips.insert": lambda rows: zips.insert(
        Zip(account_id=ACCOUNT_ID, name="a", size=22, etag="a", entries=b"a", expires_at=LATER), 40
    ),
    "zips.find": lambda rows: zips.find(MISSING_ID),
    "zips.entries_of": lambda rows: zips.entries_of(MISSING_ID),
    "zips.delete": lambda rows: zips.delete(MISSING_ID),
    "zips.purge": lambda rows: zips.purge(NOW, 20),
    "items.find": lambda rows: items.find(MISSING_ID),
    "items.find_many": lambda rows: items.find_many([MISSING_ID, ACCOUNT_ID]),
    "items.load": lambda rows: items.load([FILE_ID]),
    "items.load_in_order": lambda rows: items.load_in_order([FILE_ID, MISSING_ID]),
    "items.count_rows": lambda rows: items.count_rows(ACCOUNT_ID),
    "items.counts": lambda rows: items.counts([ACCOUNT_ID, MISSING_ID]),
    "items.find_by_path": lambda rows: items.find_by_path(ACCOUNT_ID, ["name5000"]),
    "chains.chains": lambda rows: chains.chains([FILE_ID, MISSING_ID]),
    "chains.is_higher_than": lambda rows: chains.is_higher_than([ACCOUNT_ID], 3),
    "chains.total_sizes": lambda rows: chains.total_sizes([ACCOUNT_ID], 10_000),
    "placing.place": lambda rows: placing.place(ACCOUNT_ID, ACCOUNT_ID, "name5000", ConflictPolicy.KEEP_BOTH),
    "items.find_by_name": lambda rows: items.find_by_name(ACCOUNT_ID, "name5000"),
    "placing.items_named": lambda rows: placing.items_named([(ACCOUNT_ID, "a"), (MISSING_ID, "B")]),
    "placing.items_named of many": lambda rows: placing.items_named(
        [(ACCOUNT_ID, str(number)) for number in range(250)]
    ),
    "listing.pages by name": lambda rows: listing.pages([item_list(OrderField.NAME)]),
    "listing.pages by size": lambda rows: listing.pages([item_list(OrderField.SIZE)]),
    "listing.pages by creation": lambda rows: listing.pages([item_list(OrderField.CREATED_AT)] * 2),
    "listing.pages by change": lambda rows: listing.pages([item_list(OrderField.UPDATED_AT)]),
    "listing.count": lambda rows: listing.count(ACCOUNT_ID, NO_FILTER),
    "changes.create_folder": lambda rows: changes.create_folder(ACCOUNT_ID, ACCOUNT_ID, "a", ConflictPolicy.FAIL, NOW),
    "changes.add_folder": lambda rows: changes.add_folder(ACCOUNT_ID, ACCOUNT_ID, "b", ConflictPolicy.FAIL, NOW),
    "changes.rename": lambda rows: changes.rename(ACCOUNT_ID, FILE_ID, "new", ConflictPolicy.FAIL, NOW),
    "changes.move": lambda rows: changes.move(ACCOUNT_ID, [FILE_ID], ACCOUNT_ID, ConflictPolicy.FAIL, NOW),
    "changes.require_depth": lambda rows: require_depth(),
    "changes.star": lambda rows: changes.star(ACCOUNT_ID, FILE_ID, True, NOW),
    "copying.copy": lambda rows: copying.copy(ACCOUNT_ID, [FILE_ID], ACCOUNT_ID, ConflictPolicy.KEEP_BOTH, NOW),
    "trash.trash": lambda rows: trash.trash(ACCOUNT_ID, [FILE_ID], NOW),
    "trash.page": lambda rows: trash.page(ACCOUNT_ID, Window(20, after=TrashPosition(LATER, MISSING_ID))),
    "trash.count": lambda rows: trash.count(ACCOUNT_ID),
    "trash.restore": lambda rows: trash.restore(ACCOUNT_ID, [FILE_ID], NOW),
    "change_log.put_names": lambda rows: put_names(),
    "change_log.remove_names": lambda rows: change_log.remove_names([FILE_ID]),
    "change_log.log": lambda rows: change_log.log(ACCOUNT_ID, [NewEvent(EventKind.CREATED, MISSING_ID)], NOW),
    "items.ensure_root": lambda rows: items.ensure_root(ACCOUNT_ID, NOW),
    "blobs.use": lambda rows: blobs.use(ACCOUNT_ID, [MISSING_ID]),
    "blobs.usable": lambda rows: blobs.usable(["a"]),
    "blobs.named": lambda rows: blobs.named([MISSING_ID]),
    "blobs.release": lambda rows: blobs.release(ACCOUNT_ID, Unnamed({MISSING_ID}), NOW),
    "starred.page": lambda rows: starred.page(ACCOUNT_ID, Window(100, after=ACCOUNT_ID)),
    "starred.count": lambda rows: starred.count(ACCOUNT_ID),
    "files.page": lambda rows: files.page(ACCOUNT_ID, Window(100, after=ACCOUNT_ID)),
    "files.count": lambda rows: files.count(ACCOUNT_ID),
    "collection.released": lambda rows: collection.released(NOW, collection.Position(NOW, MISSING_ID), 50),
    "collection.claim": lambda rows: collection.claim(ACCOUNT_ID, [MISSING_ID], NOW),
    "collection.forget": lambda rows: forget_blobs(),
    "collection.obsolete_records": lambda rows: collection.obsolete_records(NOW, 50),
    "collection.are_obsolete": lambda rows: collection.are_obsolete(["a"]),
    "collection.forget_records": lambda rows: collection.forget_records(["a"]),
    "versions.page": lambda rows: versions.page(FILE_ID, Window(20, after=5)),
    "versions.count": lambda rows: versions.count(FILE_ID),
    "versions.add": lambda rows: add_version(),
    "versions.newest_number": lambda rows: versions.newest_number(FILE_ID),
    "versions.take_over": lambda rows: take_over(),
    "versions.find": lambda rows: versions.find(MISSING_ID),
    "versions.find_many": lambda rows: versions.find_many([MISSING_ID, ACCOUNT_ID]),
    "versions.find_same": lambda rows: versions.find_same(ACCOUNT_ID, 10, SHA256),
    "versions.find_all_same": lambda rows: versions.find_all_same(ACCOUNT_ID, [(10, SHA256), (11, SHA256)]),
    "versions.find_rendition": lambda rows: versions.find_rendition(MISSING_ID),
    "versions.renditions_of": lambda rows: versions.renditions_of([MISSING_ID, ACCOUNT_ID]),
    "limit_overrides.find_many": lambda rows: limit_overrides.find_many([ACCOUNT_ID]),
    "limit_overrides.change": lambda rows: limit_overrides.change(ACCOUNT_ID, {GrantKind.POINTS: (1, 1.0)}, NOW),
    "limit_overrides.change to defaults": lambda rows: limit_overrides.change(
        ACCOUNT_ID, dict.fromkeys(GrantKind), NOW
    ),
    "limit_overrides.quota_of": lambda rows: limit_overrides.quota_of(ACCOUNT_ID, 1),
    "limit_overrides.grant_quota": lambda rows: limit_overrides.grant_quota(ACCOUNT_ID, 1),
    "limit_overrides.find_all": lambda rows: limit_overrides.find_all(ACCOUNT_ID),
    "known_chunks.find": lambda rows: known_chunks.find(ACCOUNT_ID, [SHA256] * 3),
    "jobs.enqueue_all": lambda rows: jobs.enqueue_all(JobKind.REASSEMBLE, [MISSING_ID, ACCOUNT_ID], NOW),
    "jobs.enqueue": lambda rows: jobs.enqueue(JobKind.COMPRESS, MISSING_ID, NOW),
    "jobs.claim": lambda rows: jobs.claim([JobKind.REASSEMBLE], "me", LEASE, NOW),
    "jobs.renew": lambda rows: jobs.renew(rows.job, NOW),
    "jobs.save_progress": lambda rows: jobs.save_progress(rows.job, {}),
    "jobs.finish": lambda rows: jobs.finish(rows.job),
    "jobs.fail": lambda rows: jobs.fail(rows.job, "a", "a"),
    "jobs.postpone": lambda rows: jobs.postpone(rows.job, NOW, "a"),
    "jobs.give_back": lambda rows: jobs.give_back(rows.job, NOW),
    "jobs.count_open": lambda rows: jobs.count_open(),
    "jobs.waiting_of": lambda rows: jobs.waiting_of([MISSING_ID, ACCOUNT_ID]),
    "jobs.release": lambda rows: jobs.release("me", NOW),
    "jobs.find": lambda rows: jobs.find(JobKind.REASSEMBLE, MISSING_ID),
    "jobs.find_many": lambda rows: jobs.find_many(JobKind.REASSEMBLE, [MISSING_ID, ACCOUNT_ID]),
    "outbox.enqueue": lambda rows: outbox.enqueue(OutboxMail(recipient="a", kind="a", params={}), NOW),
    "outbox.find": lambda rows: outbox.find(MISSING_ID),
    "outbox.finish": lambda rows: outbox.finish(rows.job, NOW),
    "outbox.purge": lambda rows: outbox.purge(NOW, NOW),
    "open_slots.find": lambda rows: open_slots.find([SlotRange(rows.upload.id, 0, 10, 2)] * 3),
    "open_slots.find the last": lambda rows: open_slots.find([SlotRange(rows.upload.id, 0, 10, 2, last=True)] * 3),
    "purge.dead_with_receipts": lambda rows: purge.dead_with_receipts("CHECKSUM_MISMATCH", 100),
    "purge.receipts": lambda rows: purge.receipts(rows.ended),
    "purge.uploads": lambda rows: purge.uploads("CHECKSUM_MISMATCH", LATER + timedelta(days=3650), 10),
    "receipts.slot": lambda rows: receipts.slot(rows.upload.id, 0),
    "receipts.add": lambda rows: receipts.add(rows.upload, 1, Digests(SHA256, ""), NOW, LATER),
    "receipts.add_reported": lambda rows: receipts.add_reported(rows.upload, [REPORTED], NOW, LATER),
    "receipts.add_known": lambda rows: receipts.add_known({rows.upload.id: HELD}),
    "receipts.reopen": lambda rows: receipts.reopen(rows.upload.id, [0, 1]),
    "receipts.find_all": lambda rows: receipts.find_all(rows.upload.id),
    "receipts.identities": lambda rows: receipts.identities(rows.upload.id, 5),
    "receipts.set_etags": lambda rows: receipts.set_etags(rows.upload.id, {0: "etag"}),
    "receipts.queue_reassembly": lambda rows: receipts.queue_reassembly(rows.upload.id, NOW),
    "usage.measure": lambda rows: usage.measure(ACCOUNT_ID, 1),
    "usage.holdings": lambda rows: usage.holdings(ACCOUNT_ID),
    "adoption.queue": lambda rows: adoption.queue(rows.upload, NOW),
    "adoption.complete": lambda rows: adoption.complete(
        rows.upload, blob_key="b", sha256=SHA256, media=None, now=NOW, is_new=False
    ),
    "quarantine.since": lambda rows: quarantine.since("a"),
    "quarantine.add": lambda rows: quarantine.add("a", NOW),
    "quarantine.remove": lambda rows: quarantine.remove("a"),
    "job_results.add_file": lambda rows: job_results.add_file(
        rows.upload, blob_key="c", sha256=SHA256, media=None, now=NOW
    ),
    "uploads.enqueue_job": lambda rows: uploads.enqueue_job(MISSING_ID, UploadStatus.COMPRESSING, NOW),
    "new_uploads.insert_all": lambda rows: insert_all(),
    "destinations.find_existing": lambda rows: destinations.find_existing(ACCOUNT_ID, Destination(None, ["a", "b"])),
    "uploaded_files.add_all": lambda rows: add_files(),
    "uploads.find": lambda rows: uploads.find(MISSING_ID),
    "uploads.find_by_keys": lambda rows: uploads.find_by_keys(ACCOUNT_ID, ["key", "other"]),
    "uploads.give_up_key": lambda rows: uploads.give_up_key(MISSING_ID),
    "uploads.open_alike": lambda rows: uploads.open_alike(ACCOUNT_ID, [SHA256]),
    "uploads.page": lambda rows: uploads.page(ACCOUNT_ID, UploadFilter(READY), Window(100, after=ACCOUNT_ID)),
    "uploads.count": lambda rows: uploads.count(ACCOUNT_ID, UploadFilter(READY, MISSING_ID)),
    "uploads.open_keys": lambda rows: uploads.open_keys(ACCOUNT_ID, 2_000),
    "job_results.reopen_slots": lambda rows: job_results.reopen_slots(rows.job, [0], NOW),
    "job_results.publish": lambda rows: job_results.publish(
        rows.job, rows.upload, blob_key="a", sha256=SHA256, media=None, now=NOW
    ),
    "job_results.add_rendition": lambda rows: add_rendition(rows.job),
    "job_results.fail_job": lambda rows: job_results.fail_job(
        rows.job, status=UploadStatus.FAILED, code="CHECKSUM_MISMATCH", message="a"
    ),
    "uploads.retry": lambda rows: uploads.retry(rows.upload, NOW),
    "uploads.reopen_all_slots": lambda rows: uploads.reopen_all_slots(rows.upload, ReopenedStaging("a", {})),
    "uploads.abort": lambda rows: uploads.abort(rows.upload.id),
    "uploads.abort_failed": lambda rows: uploads.abort_failed(rows.upload.id, "a"),
    "expiry.close": lambda rows: expiry.close(MISSING_ID),
    "expiry.prolong": lambda rows: expiry.prolong(rows.upload.id, LATER),
    "expiry.expired": lambda rows: expiry.expired(NOW, 100),
    "expiry.expire": lambda rows: expiry.expire(rows.upload.id, NOW),
}


def new_upload() -> Upload:
    return Upload(account_id=ACCOUNT_ID, file_name="a", mime_type="a", size=20, chunk_size=10, expires_at=LATER)


async def complete_registration() -> None:
    (row,) = await Registration.filter(expires_at__gt=NOW).order_by("expires_at").limit(1)
    await registrations.complete(row, NOW)


def new_blob() -> Blob:
    return Blob(account_id=ACCOUNT_ID, key="f", size=1, sha256=SHA256)


async def a_version() -> FileVersion:
    return (await FileVersion.filter(account_id=ACCOUNT_ID).select_related("blob").limit(1))[0]


async def insert_all() -> None:
    owned = Draft(new_upload(), Destination(None, ["x"]), version=await a_version())
    await new_uploads.insert_all(ACCOUNT_ID, [Draft(new_upload()), owned], NOW, quota=2**50)


async def add_files() -> None:
    content = Content((await a_version()).blob, "a/b", None)
    files = [NewFile(MISSING_ID, "a", content, ConflictPolicy.REPLACE), NewFile(None, "b", content)]
    await uploaded_files.add_all(ACCOUNT_ID, files, NOW)


async def add_rendition(job: Job) -> None:
    await job_results.add_rendition(job, await a_version(), mime_type="a", blob_key="a", size=1, sha256=SHA256, now=NOW)


async def put_names() -> None:
    await change_log.put_names([await Item.get(id=FILE_ID)])


async def add_version() -> None:
    file = (await Item.filter(account_id=ACCOUNT_ID, kind=ItemKind.FILE).order_by("id").limit(1))[0]
    blob = (await Blob.filter(account_id=ACCOUNT_ID).order_by("id").limit(1))[0]
    await versions.add(file, Content(blob, "video/mp4", None), NOW)


async def forget_blobs() -> None:
    await collection.forget([Blob(id=MISSING_ID, key="a")])


async def take_over() -> None:
    target, source = await Item.filter(account_id=ACCOUNT_ID, kind=ItemKind.FILE).order_by("id").limit(2)
    await versions.take_over(target, source, NOW)


async def require_depth() -> None:
    chain = (await chains.chains([ACCOUNT_ID]))[ACCOUNT_ID]
    await changes.require_depth([ACCOUNT_ID], chain)


def item_list(field: OrderField) -> ItemList:
    """A list that continues in the middle of the files."""
    place = Position(ItemKind.FILE, KEYS[field], FILE_ID)
    return ItemList(ACCOUNT_ID, ItemOrder(field), NO_FILTER, Window(100, after=place))


def functions() -> Iterator[str]:
    """Every public coroutine of the modules."""
    for module in MODULES:
        for name, function in inspect.getmembers(module, inspect.iscoroutinefunction):
            if function.__module__ == module.__name__ and not name.startswith("_"):
                yield f"{module.__name__.rpartition('.')[2]}.{name}"


@pytest.fixture
async def filled(database_url: str, databases: PostgresDatabases) -> AsyncIterator[Rows]:
    """A database with years of data, connected to this process."""
    name = database_url.rpartition("/")[2].partition("?")[0]
    for statement in FILL.split(";"):
        await databases.run(statement, name)
    await open_database(database_url, PoolSize(2, 2))
    rows = Rows()
    rows.account = await Account.get(id=ACCOUNT_ID)
    rows.session = await Session.get(account_id=ACCOUNT_ID)
    rows.change = await EmailChange.get(account_id=ACCOUNT_ID)
    rows.reset = await PasswordReset.get(account_id=ACCOUNT_ID)
    rows.upload = (await Upload.filter(status=UploadStatus.RECEIVING).limit(1))[0]
    rows.full = (await Upload.filter(status=UploadStatus.REASSEMBLING).limit(1))[0]
    rows.ended = (await Upload.filter(status=UploadStatus.ABORTED).limit(1))[0]
    rows.job = (await Job.filter(state="QUEUED").limit(1))[0]
    yield rows
    await close_database()


def test_every_function_that_asks_the_database_is_looked_at() -> None:
    assert set(functions()) == {name.partition(" ")[0] for name in CALLS}


async def test_no_query_scans_a_table_that_grows(filled: Rows) -> None:
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
            if name not in OF_THE_COMMAND_LINE and (scanned := await scans(record)):
                found[name] = [*found.get(name, []), f"{scanned}: {record.query}"]
    assert found == {}


async def scans(record: Any) -> list[str]:
    """The growing tables that a statement reads as a whole."""
    values = record.args or ()
    for_no_row = "$1" in record.query and not values
    if "typeinfo_tree" in record.query:
        return []  # the driver reads the types of arrays
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
