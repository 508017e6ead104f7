"""Stores new files. Call these functions inside a transaction, after the account's row was locked."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from storage.drive import items
from storage.drive.file_kinds import file_kind
from storage.drive.models import Blob, FileVersion, Item, ItemKind
from storage.drive.names import folded, numbered
from storage.events import events
from storage.events.events import NewEvent
from storage.events.models import EventKind


@dataclass(frozen=True)
class Content:
    """What a version consists of: a blob, its media type, and what is known about its media."""

    blob: Blob
    mime_type: str
    media: dict[str, Any] | None


async def add(account_id: UUID, parent_id: UUID | None, name: str, content: Content, now: datetime) -> FileVersion:
    """Store a file with its first version. Its name gets a number if the folder has an item of this name."""
    parent = await items.find(parent_id) if parent_id else None
    parent = parent or await items.ensure_root(account_id, now)
    item = items.new_item(account_id, parent.id, ItemKind.FILE, await free_name(parent.id, name), now)
    item.id, item.version_id = uuid7(), uuid7()
    item.size, item.file_kind = content.blob.size, file_kind(content.mime_type)
    await item.save(force_create=True)
    version = await _add_version(item, content, now)
    await events.record(account_id, [NewEvent(EventKind.CREATED, item.id, facts(item))], now)
    return version


async def free_name(parent_id: UUID, name: str) -> str:
    """The name, or the one with the lowest number that no item of the folder has."""
    number, free = 1, name
    while await Item.exists(parent_id=parent_id, folded_name=folded(free), trashed_at__isnull=True):
        number += 1
        free = numbered(name, number)
    return free


def facts(item: Item) -> dict[str, Any]:
    """What an event tells about an item."""
    return {"name": item.name, "parentId": str(item.parent_id) if item.parent_id else None, "kind": item.kind.value}


async def _add_version(item: Item, content: Content, now: datetime) -> FileVersion:
    version = FileVersion(
        id=item.version_id,
        account_id=item.account_id,
        item=item,
        number=1,
        mime_type=content.mime_type,
        blob=content.blob,
        media=content.media,
        created_at=now,
    )
    await version.save(force_create=True)
    return version
