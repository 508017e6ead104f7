"""Restores and deletes versions of files, and deletes old ones."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from storage.accounts import accounts
from storage.database.connection import as_uuid, fetch
from storage.deletion.items import attached
from storage.deletion.purging import MOST_VERSIONS, Purged, purge_versions
from storage.drive import versions as rows
from storage.drive.change_log import event
from storage.drive.models import FileVersion, Item, Rendition
from storage.drive.versions import Content
from storage.errors import StateChanged
from storage.events import events
from storage.events.models import EventKind

T = TypeVar("T")

#: Versions that one statement examines.
PAGE = 1_000
FIRST = UUID(int=0)
LAST_OF_PAGE = """
SELECT id FROM (SELECT id FROM file_version WHERE id > ? ORDER BY id LIMIT ?) AS page ORDER BY id DESC LIMIT 1"""
#: Versions between two keys that are beyond a limit. The current version has the greatest number, so none is newer.
SUPERSEDED = """
SELECT version.id, version.account_id FROM file_version AS version
WHERE version.id > ? AND version.id <= ? AND ({})"""
#: Those of which so many newer ones exist, and one more.
TOO_MANY = """
EXISTS (
    SELECT 1 FROM file_version AS newer WHERE newer.item_id = version.item_id AND newer.number > version.number
    ORDER BY newer.number LIMIT 1 OFFSET ?
)"""
#: Those that were replaced before a time: that is when the next version was stored, unless it came from another file.
TOO_OLD = """
COALESCE(version.replaced_at, (
    SELECT newer.created_at FROM file_version AS newer
    WHERE newer.item_id = version.item_id AND newer.number > version.number ORDER BY newer.number LIMIT 1
)) < ?"""


class IsCurrent(StateChanged):
    """The version is the current one of its file, which cannot be deleted alone."""


@dataclass(frozen=True)
class VersionLimits:
    """How many versions a file keeps, the current one included, and for how long a replaced one; None is no limit."""

    count: int | None = None
    age: timedelta | None = None


async def restore(account_id: UUID, item_id: UUID, version_id: UUID, now: datetime) -> Item | None:
    """Store a new version with the content of an earlier one, and return its file; None if there are no such ones.

    Nothing changes if it is the current version.
    """

    async def work() -> Item | None:
        item, version = await _find(account_id, version_id)
        if not item or not version or item.id != item_id:
            return None
        if item.version_id != version.id:
            new = await rows.add(item, Content(version.blob, version.mime_type, version.media), now)
            await _copy_renditions(version, new)
            await events.record(account_id, [event(EventKind.UPDATED, item)], now)
        return item

    return await accounts.locked(account_id, work)


async def delete(account_id: UUID, version_id: UUID, now: datetime) -> tuple[Item, Purged] | None:
    """Delete a version, and return its file; None if there is no such version. Raises :class:`IsCurrent`."""

    async def work() -> tuple[Item, Purged] | None:
        item, version = await _find(account_id, version_id)
        if not item or not version:
            return None
        if item.version_id == version.id:
            raise IsCurrent("the current version")
        purged = await purge_versions(account_id, [version], now)
        if purged.deleted:
            await events.record(account_id, [event(EventKind.UPDATED, item)], now)
        return item, purged

    # A version with very many uploads loses these first, in transactions of their own.
    while (found := await accounts.locked(account_id, work)) and not found[1].deleted:
        pass
    return found


async def superseded(limits: VersionLimits, after: UUID, now: datetime) -> tuple[dict[UUID, list[UUID]], UUID | None]:
    """The versions beyond the limits among the next ``PAGE``, by account, and the key after which to continue."""
    rows_of_last = await fetch(LAST_OF_PAGE, after, PAGE)
    if not rows_of_last:
        return {}, None
    last = as_uuid(rows_of_last[0][0])
    conditions = _conditions(limits, now)
    statement = SUPERSEDED.format(" OR ".join(conditions) or "FALSE")
    found: dict[UUID, list[UUID]] = {}
    for key, account_id in await fetch(statement, after, last, *conditions.values()):
        found.setdefault(as_uuid(account_id), []).append(as_uuid(key))
    return found, last


def _conditions(limits: VersionLimits, now: datetime) -> dict[str, object]:
    """The conditions of the limits that are set, each with its value."""
    conditions: dict[str, object] = {}
    if limits.count:
        conditions[TOO_MANY] = limits.count - 1
    if limits.age:
        conditions[TOO_OLD] = now - limits.age
    return conditions


async def delete_superseded(account_id: UUID, version_ids: list[UUID], now: datetime) -> Purged:
    """Delete some of the first ``MOST_VERSIONS`` of these; none if all are gone. Those that are current by now stay."""

    async def work() -> Purged:
        found = FileVersion.filter(id__in=version_ids[:MOST_VERSIONS]).order_by("id").select_related("blob", "item")
        versions = [version for version in await found if version.item.version_id != version.id]
        purged = await purge_versions(account_id, versions, now)
        files = {version.item_id: version.item for version in purged.deleted}
        # Of a file that is being deleted, the feed has told that it is gone.
        there = await attached(account_id, files)
        if there:
            updated = [event(EventKind.UPDATED, item) for key, item in files.items() if key in there]
            await events.record(account_id, updated, now)
        return purged

    return await accounts.locked(account_id, work)


async def _find(account_id: UUID, version_id: UUID) -> tuple[Item, FileVersion] | tuple[None, None]:
    version = await rows.find(version_id)
    if not version or version.item_id not in await attached(account_id, [version.item_id]):
        return None, None
    return version.item, version


async def _copy_renditions(source: FileVersion, target: FileVersion) -> None:
    """Let a version over the same blob have the same renditions. Their blobs are shared as well."""
    await Rendition.bulk_create(
        [
            Rendition(version_id=target.id, kind=row.kind, mime_type=row.mime_type, blob_id=row.blob_id)
            for row in await Rendition.filter(version_id=source.id)
        ]
    )
