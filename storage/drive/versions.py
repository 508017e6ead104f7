"""Rows of versions and renditions, always with their blobs."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tortoise.expressions import F
from uuid_utils.compat import uuid7

from storage.database.connection import as_uuid, fetch
from storage.database.pages import Window
from storage.database.values import marks
from storage.drive.change_log import event, remove_names
from storage.drive.file_kinds import file_kind
from storage.drive.models import Blob, FileVersion, Item, Rendition
from storage.events.events import NewEvent
from storage.events.models import EventKind

#: Most contents are new: this is faster than the next statement.
KNOWN = "SELECT DISTINCT sha256 FROM blob WHERE sha256 IN ({})"
#: One for each content.
SAME = """
SELECT (
    SELECT file_version.id FROM blob JOIN file_version ON file_version.blob_id = blob.id
    WHERE blob.sha256 = ? AND file_version.account_id = ? AND blob.size = ? LIMIT 1
)"""


@dataclass(frozen=True)
class Content:
    """What a version consists of: a blob, its media type, and what is known about its media."""

    blob: Blob
    mime_type: str
    media: dict[str, Any] | None


async def find(version_id: UUID) -> FileVersion | None:
    """The version with this key, its blob and its file loaded."""
    return await FileVersion.get_or_none(id=version_id).select_related("blob", "item")


async def find_many(version_ids: Collection[UUID]) -> dict[UUID, FileVersion]:
    """The versions with these keys, their blobs and files loaded."""
    rows = await FileVersion.filter(id__in=list(version_ids)).select_related("blob", "item")
    return {version.id: version for version in rows}


async def page(item_id: UUID, window: Window[int]) -> list[FileVersion]:
    """A window of the versions of a file, by number, the newest one first, their blobs and file loaded."""
    query = FileVersion.filter(item_id=item_id)
    query = query.filter(number__lt=window.after) if window.after else query
    query = query.filter(number__gt=window.before) if window.before else query
    rows = query.order_by("number" if window.backwards else "-number").limit(window.limit)
    found = await rows.select_related("blob", "item")
    return found[::-1] if window.backwards else found


async def count(item_id: UUID) -> int:
    """The number of versions of a file."""
    return await FileVersion.filter(item_id=item_id).count()


async def find_same(account_id: UUID, size: int, sha256: str) -> FileVersion | None:
    """One of the account's versions with these verified bytes, its blob and its file loaded."""
    return (await find_all_same(account_id, [(size, sha256)])).get((size, sha256))


async def find_all_same(account_id: UUID, contents: Collection[tuple[int, str]]) -> dict[tuple[int, str], FileVersion]:
    """One of the account's versions of each of these contents, at most 100, by size and SHA-256.

    Their blobs and files are loaded.
    """
    digests = {sha256 for _, sha256 in contents}
    known = {sha256 for (sha256,) in await fetch(KNOWN.format(marks(digests)), *digests)} if digests else set()
    # Any version will do: to find the newest one would read all of them, and a drive may have many empty files.
    values = [value for size, sha256 in contents if sha256 in known for value in (sha256, account_id, size)]
    if not values:
        return {}
    statement = " UNION ALL ".join([SAME] * (len(values) // 3))
    found = await find_many([as_uuid(key) for (key,) in await fetch(statement, *values) if key])
    return {(version.blob.size, version.blob.sha256): version for version in found.values()}


async def find_rendition(rendition_id: UUID) -> Rendition | None:
    """The rendition with this key, its blob, its version and its file loaded."""
    return await Rendition.get_or_none(id=rendition_id).select_related("blob", "version__item")


async def renditions_of(version_ids: Collection[UUID]) -> dict[UUID, list[Rendition]]:
    """The renditions of each version, in one query."""
    grouped: dict[UUID, list[Rendition]] = {version_id: [] for version_id in version_ids}
    for rendition in await Rendition.filter(version_id__in=list(version_ids)).order_by("id").select_related("blob"):
        grouped[rendition.version_id].append(rendition)
    return grouped


async def newest_number(item_id: UUID) -> int:
    """The greatest number of a version of this file; 0 if it has none."""
    newest = await FileVersion.filter(item_id=item_id).order_by("-number").first()
    return newest.number if newest else 0


async def take_over(target: Item, source: Item, at: datetime) -> list[NewEvent]:
    """Make all versions of one file the newest versions of another one, and delete the first file.

    No version is deleted and none gets another ID, so URLs stay valid. Returns the events of this, for the caller to
    log.
    """
    last = await newest_number(target.id)
    # The versions of the first file may be older than this one, so their creation does not tell.
    await FileVersion.filter(id=target.version_id).update(replaced_at=at)
    await FileVersion.filter(item_id=source.id).update(item_id=target.id, number=F("number") + last)
    target.version_id, target.size, target.file_kind = source.version_id, source.size, source.file_kind
    target.updated_at = at
    await target.save(update_fields=["version_id", "size", "file_kind", "updated_at"])
    await Item.filter(id=source.id).delete()
    await remove_names([source.id])
    return [event(EventKind.UPDATED, target), event(EventKind.DELETED, source)]


async def add(item: Item, content: Content, now: datetime) -> FileVersion:
    """Store the next version of a file, which becomes the current one. The row of the file is changed as well.

    Call it inside a transaction, after the account's row was locked and the file was read. The caller records the event
    UPDATED.
    """
    number = await newest_number(item.id) + 1
    describe(item, uuid7(), content)
    item.updated_at = now
    version = new_version(item, content, number, now)
    await version.save(force_create=True)
    await item.save(update_fields=["version_id", "size", "file_kind", "updated_at"])
    return version


def new_version(item: Item, content: Content, number: int, now: datetime) -> FileVersion:
    """A version that is not stored yet, with the key that its file has for the current one."""
    return FileVersion(
        id=item.version_id,
        account_id=item.account_id,
        item=item,
        number=number,
        mime_type=content.mime_type,
        blob=content.blob,
        media=content.media,
        created_at=now,
    )


def describe(item: Item, version_id: UUID, content: Content) -> None:
    """Let the row of a file, which is not stored here, repeat what its current version is."""
    item.version_id, item.size, item.file_kind = version_id, content.blob.size, file_kind(content.mime_type)
