"""Changes of a drive: new folders, names, places and stars. Each is one transaction, of all items or of none.

Every change locks the account first. So it sees all earlier changes, and two moves that would form a circle together
cannot both succeed.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from storage.accounts.accounts import lock
from storage.database.connection import atomically
from storage.drive import items
from storage.drive.change_log import event, log
from storage.drive.errors import TooDeep, WouldBeBelowItself
from storage.drive.models import Item, ItemKind
from storage.drive.names import folded, sort_key
from storage.drive.placing import ConflictPolicy, find_by_name, place
from storage.drive.tree import MAX_DEPTH, Chain, chains, is_higher_than, require_folder, require_item
from storage.events.models import EventKind


async def create_folder(account_id: UUID, parent_id: UUID, name: str, policy: ConflictPolicy, at: datetime) -> Item:
    """Create a folder. With REPLACE, a folder that has the name already is returned instead.

    Raises :class:`ItemMissing`, :class:`ItemInTrash`, :class:`TooDeep` and :class:`NameTaken`.
    """

    async def work() -> Item:
        await lock(account_id)
        await items.ensure_root(account_id, at)
        folder, is_new = await add_folder(account_id, parent_id, name, policy, at)
        await log(account_id, [event(EventKind.CREATED, folder)] if is_new else [], at)
        return folder

    return await atomically(work)


async def add_folder(
    account_id: UUID, parent_id: UUID, name: str, policy: ConflictPolicy, at: datetime
) -> tuple[Item, bool]:
    """Add a folder in the caller's transaction, which logs its event. Returns it, and whether it is new.

    Raises like :func:`create_folder`.
    """
    parent = require_folder((await chains([parent_id])).get(parent_id), account_id, parent_id)
    existing = await find_by_name(parent_id, name) if policy is ConflictPolicy.REPLACE else None
    if existing and existing.kind is ItemKind.FOLDER:
        return existing, False
    if parent.depth + 1 > MAX_DEPTH:
        raise TooDeep(parent_id)
    free = await place(account_id, parent_id, name, policy, kind=ItemKind.FOLDER)
    folder = Item(account_id=account_id, parent_id=parent_id, kind=ItemKind.FOLDER, created_at=at, updated_at=at)
    set_name(folder, free.name)
    await folder.save(force_create=True)
    return folder, True


async def rename(account_id: UUID, item_id: UUID, name: str, policy: ConflictPolicy, at: datetime) -> Item:
    """Rename an item. Raises :class:`ItemMissing`, :class:`ItemInTrash`, :class:`ItemIsRoot`, :class:`NameTaken`."""

    async def work() -> Item:
        await lock(account_id)
        require_item((await chains([item_id])).get(item_id), account_id, item_id)
        item = await Item.get(id=item_id)
        assert item.parent_id
        free = await place(account_id, item.parent_id, name, policy, kind=item.kind, item_id=item_id)
        if free.name == item.name:
            return item
        await _set(item, item.parent_id, free.name, at)
        await log(account_id, [event(EventKind.RENAMED, item)], at)
        return item

    return await atomically(work)


async def move(
    account_id: UUID, item_ids: Sequence[UUID], parent_id: UUID, policy: ConflictPolicy, at: datetime
) -> list[Item]:
    """Move items into a folder. Those that are there already stay.

    Raises :class:`ItemMissing`, :class:`ItemInTrash`, :class:`ItemIsRoot`, :class:`WouldBeBelowItself`,
    :class:`TooDeep` and :class:`NameTaken`.
    """

    async def work() -> list[Item]:
        await lock(account_id)
        await items.ensure_root(account_id, at)
        await _require_move(account_id, item_ids, parent_id)
        found = await Item.filter(id__in=list(item_ids))
        by_id = {item.id: item for item in found}
        moved = [by_id[key] for key in item_ids]
        changed = [item for item in moved if item.parent_id != parent_id]
        for item in changed:
            free = await place(account_id, parent_id, item.name, policy, kind=item.kind)
            await _set(item, parent_id, free.name, at)
        await log(account_id, [event(EventKind.MOVED, item) for item in changed], at)
        return moved

    return await atomically(work)


async def _require_move(account_id: UUID, item_ids: Sequence[UUID], parent_id: UUID) -> None:
    found = await chains([*item_ids, parent_id])
    parent = require_folder(found.get(parent_id), account_id, parent_id)
    moved = [require_item(found.get(key), account_id, key) for key in item_ids]
    require_outside(moved, parent)
    # What does not get deeper needs no look below it.
    deeper = [chain for chain in moved if chain.item.kind is ItemKind.FOLDER and chain.depth <= parent.depth]
    await require_depth([chain.item.id for chain in deeper], parent)


def require_outside(moved: Sequence[Chain], parent: Chain) -> None:
    """Raise :class:`WouldBeBelowItself` if the folder is one of the items, or below one."""
    for chain in moved:
        if parent.holds(chain.item.id):
            raise WouldBeBelowItself(chain.item.id)


async def require_depth(folder_ids: Sequence[UUID], parent: Chain) -> None:
    """Raise :class:`TooDeep` if these folders are too high for a place in this one."""
    levels = MAX_DEPTH - parent.depth - 1
    if folder_ids and (levels < 0 or await is_higher_than(folder_ids, levels)):
        raise TooDeep(parent.item.id)


async def star(account_id: UUID, item_id: UUID, starred: bool, at: datetime) -> Item:
    """Star an item, or remove its star. Raises :class:`ItemMissing`, :class:`ItemInTrash`, :class:`ItemIsRoot`."""

    async def work() -> Item:
        await lock(account_id)
        require_item((await chains([item_id])).get(item_id), account_id, item_id)
        item = await Item.get(id=item_id)
        if item.starred != starred:
            item.starred = starred
            await item.save(update_fields=["starred"])
            await log(account_id, [event(EventKind.UPDATED, item)], at)
        return item

    return await atomically(work)


def set_name(item: Item, name: str) -> None:
    """Give the item a name, and the columns that follow from it."""
    item.name, item.folded_name, item.sort_key = name, folded(name), sort_key(name)


async def _set(item: Item, parent_id: UUID, name: str, at: datetime) -> None:
    set_name(item, name)
    item.parent_id, item.updated_at = parent_id, at
    await item.save(update_fields=["parent_id", "name", "folded_name", "sort_key", "updated_at"])
