"""Rows of drives that contradict each other, and repairs. No transaction of CloudKeep leaves such rows.

The queries read whole tables: they are for ``cloudkeep doctor``.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from storage.accounts import accounts
from storage.accounts.models import Account
from storage.database.connection import atomically, fetch, fetch_ids
from storage.drive.change_log import event, log, put_names
from storage.drive.items import ensure_root, set_name
from storage.drive.models import Blob, FileVersion, Item, Rendition
from storage.drive.tree.placing import ConflictPolicy, place
from storage.drive.versions import Content, describe
from storage.events.models import EventKind

LIMIT = 500
#: The bytes that blobs of an account count: as originals if a version names them, else as derived.
SUMS = """
SELECT
    COALESCE(SUM(CASE WHEN id IN (SELECT blob_id FROM file_version) THEN size END), 0),
    COALESCE(SUM(CASE WHEN id NOT IN (SELECT blob_id FROM file_version)
        AND id IN (SELECT blob_id FROM rendition) THEN size END), 0)
FROM blob WHERE account_id = ?"""
#: Accounts of which this seems to be wrong. It reads all blobs once, without a lock.
SUSPICIOUS = """
SELECT account.id FROM account LEFT JOIN (
    SELECT account_id,
        SUM(CASE WHEN id IN (SELECT blob_id FROM file_version) THEN size ELSE 0 END) AS originals,
        SUM(CASE WHEN id NOT IN (SELECT blob_id FROM file_version)
            AND id IN (SELECT blob_id FROM rendition) THEN size ELSE 0 END) AS derived
    FROM blob GROUP BY account_id
) AS sums ON sums.account_id = account.id
WHERE account.original_bytes <> COALESCE(sums.originals, 0) OR account.derived_bytes <> COALESCE(sums.derived, 0)
ORDER BY account.id"""
WITHOUT_VERSION = """
SELECT id FROM item WHERE kind = 'FILE' AND removed_at IS NULL AND id > ? AND NOT EXISTS (
    SELECT 1 FROM file_version WHERE file_version.id = item.version_id AND file_version.item_id = item.id
) AND EXISTS (SELECT 1 FROM file_version WHERE file_version.item_id = item.id)
ORDER BY id LIMIT ?"""
#: Items without a parent that are neither roots nor being deleted.
LOST = """
SELECT id FROM item WHERE parent_id IS NULL AND removed_at IS NULL AND id <> account_id AND id > ?
ORDER BY id LIMIT ?"""
UNUSED = """
SELECT id FROM blob WHERE released_at IS NULL AND id > ?
    AND NOT EXISTS (SELECT 1 FROM file_version WHERE file_version.blob_id = blob.id)
    AND NOT EXISTS (SELECT 1 FROM rendition WHERE rendition.blob_id = blob.id)
ORDER BY id LIMIT ?"""
USED = """
SELECT id FROM blob WHERE released_at IS NOT NULL AND id > ? AND (
    EXISTS (SELECT 1 FROM file_version WHERE file_version.blob_id = blob.id)
    OR EXISTS (SELECT 1 FROM rendition WHERE rendition.blob_id = blob.id))
ORDER BY id LIMIT ?"""


class Usage(NamedTuple):
    """The bytes of an account: originals and derived."""

    originals: int
    derived: int


async def suspicious_accounts() -> list[UUID]:
    """The accounts that seem to count wrongly. Those that change meanwhile may be among them: see :func:`usage`."""
    return await fetch_ids(SUSPICIOUS)


async def usage(account_id: UUID) -> tuple[Usage, Usage]:
    """What the account's row counts, and what its blobs sum up to. Both are read under the account's lock."""

    async def work() -> tuple[Usage, Usage]:
        account = await Account.get(id=account_id)
        return Usage(account.original_bytes, account.derived_bytes), await _sums(account_id)

    return await accounts.locked(account_id, work)


async def count_again(account_id: UUID) -> None:
    """Let the account's row count what its blobs sum up to."""

    async def work() -> None:
        sums = await _sums(account_id)
        await Account.filter(id=account_id).update(original_bytes=sums.originals, derived_bytes=sums.derived)

    await accounts.locked(account_id, work)


async def _sums(account_id: UUID) -> Usage:
    ((originals, derived),) = await fetch(SUMS, account_id)
    return Usage(int(originals), int(derived))


async def files_without_version(after: UUID) -> list[Item]:
    """The next files that name no version of their own as the current one, although they have some."""
    return await _items(WITHOUT_VERSION, after)


async def use_newest_version(item: Item, now: datetime) -> None:
    """Let the newest version of a file be its current one."""

    async def work() -> None:
        row = await Item.get_or_none(id=item.id)
        version = await FileVersion.filter(item_id=item.id).order_by("-number").select_related("blob").first()
        if row and version:
            describe(row, version.id, Content(version.blob, version.mime_type, version.media))
            await row.save(update_fields=["version_id", "size", "file_kind"])
            await log(row.account_id, [event(EventKind.UPDATED, row)], now)

    await accounts.locked(item.account_id, work)


async def lost_items(after: UUID) -> list[Item]:
    """The next items that have lost their folder."""
    return await _items(LOST, after)


async def put_into_root(item: Item, now: datetime) -> None:
    """Move a lost item into the root of its account's drive."""

    async def work() -> None:
        root = await ensure_root(item.account_id, now)
        row = await Item.get_or_none(id=item.id, parent_id=None, removed_at=None)
        if row:
            free = await place(row.account_id, root.id, row.name, ConflictPolicy.KEEP_BOTH, kind=row.kind)
            set_name(row, free.name)
            row.parent_id = root.id
            await row.save(update_fields=["parent_id", "name", "folded_name", "sort_key"])
            await put_names([row])
            # In the trash it stays there.
            kind = EventKind.TRASHED if row.trashed_at else EventKind.MOVED
            await log(row.account_id, [event(kind, row)], now)

    await accounts.locked(item.account_id, work)


async def wrongly_released(after: UUID) -> list[Blob]:
    """The next blobs that count as released although a version or rendition names them."""
    return await _blobs(USED, after)


async def unreleased(after: UUID) -> list[Blob]:
    """The next blobs that nothing names and that were not released."""
    return await _blobs(UNUSED, after)


async def set_released(blob: Blob, released_at: datetime | None) -> None:
    """Release a blob, or take it into use again. The counters are mended apart from it."""

    async def work() -> None:
        if blob.account_id:
            await accounts.lock(blob.account_id)
        is_named = bool(await FileVersion.exists(blob_id=blob.id)) or await Rendition.exists(blob_id=blob.id)
        if is_named is (released_at is None):
            await Blob.filter(id=blob.id).update(released_at=released_at, is_deleting=False)

    await atomically(work)


async def _items(statement: str, after: UUID) -> list[Item]:
    keys = await _keys(statement, after)
    return list(await Item.filter(id__in=keys).order_by("id")) if keys else []


async def _blobs(statement: str, after: UUID) -> list[Blob]:
    keys = await _keys(statement, after)
    return list(await Blob.filter(id__in=keys).order_by("id")) if keys else []


async def _keys(statement: str, after: UUID) -> Sequence[UUID]:
    return await fetch_ids(statement, after, LIMIT)
