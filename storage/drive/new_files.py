"""Stores new files and versions. Call these functions inside a transaction, after the account's row was locked."""

from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from storage.drive import items, versions
from storage.drive.change_log import event, log, put_names
from storage.drive.models import FileVersion, ItemKind
from storage.drive.placing import ConflictPolicy, place
from storage.drive.tree import can_receive
from storage.drive.versions import Content, describe, insert
from storage.events.models import EventKind


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
        version = await versions.add(free.replaced, content, now)
        await log(account_id, [event(EventKind.UPDATED, free.replaced)], now)
        return version
    item = items.new_item(account_id, folder_id, ItemKind.FILE, free.name, now)
    item.id = uuid7()
    describe(item, uuid7(), content)
    await item.save(force_create=True)
    await put_names([item])
    version = await insert(item, content, 1, now)
    await log(account_id, [event(EventKind.CREATED, item)], now)
    return version
