"""Stores new files and versions. Call these functions inside a transaction, after the account's row was locked."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from storage.drive import items
from storage.drive.change_log import event, log, put_names
from storage.drive.file_kinds import file_kind
from storage.drive.models import Blob, FileVersion, Item, ItemKind
from storage.drive.placing import ConflictPolicy, place
from storage.drive.tree import can_receive
from storage.drive.versions import newest_number
from storage.events.models import EventKind


@dataclass(frozen=True)
class Content:
    """What a version consists of: a blob, its media type, and what is known about its media."""

    blob: Blob
    mime_type: str
    media: dict[str, Any] | None


async def add(
    account_id: UUID,
    parent_id: UUID | None,
    name: str,
    content: Content,
    now: datetime,
    policy: ConflictPolicy = ConflictPolicy.KEEP_BOTH,
) -> FileVersion:
    """Store a file with its first version, or a version of the file that has this name, by the policy.

    Without a parent, or if the parent is deleted or in the trash, the folder is the root.

    Raises :class:`storage.drive.errors.NameTaken`.
    """
    await items.ensure_root(account_id, now)
    folder_id = parent_id if parent_id and await can_receive(account_id, parent_id) else account_id
    free = await place(account_id, folder_id, name, policy)
    if free.replaced:
        version = await add_version(free.replaced, content, now)
        await log(account_id, [event(EventKind.UPDATED, free.replaced)], now)
        return version
    item = items.new_item(account_id, folder_id, ItemKind.FILE, free.name, now)
    item.version_id = uuid7()
    item.size, item.file_kind = content.blob.size, file_kind(content.mime_type)
    await item.save(force_create=True)
    await put_names([item])
    version = await _insert(item, 1, content, now)
    await log(account_id, [event(EventKind.CREATED, item)], now)
    return version


async def add_version(item: Item, content: Content, now: datetime) -> FileVersion:
    """Store a new version of a file, which becomes the current one. The caller logs the event."""
    number = await newest_number(item.id) + 1
    item.version_id, item.updated_at = uuid7(), now
    item.size, item.file_kind = content.blob.size, file_kind(content.mime_type)
    await item.save(update_fields=["version_id", "size", "file_kind", "updated_at"])
    return await _insert(item, number, content, now)


async def _insert(item: Item, number: int, content: Content, now: datetime) -> FileVersion:
    version = FileVersion(
        id=item.version_id,
        account_id=item.account_id,
        item=item,
        number=number,
        mime_type=content.mime_type,
        blob=content.blob,
        media=content.media,
        created_at=now,
    )
    await version.save(force_create=True)
    return version
