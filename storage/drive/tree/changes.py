"""Changes of a drive: new folders, names, places and stars. Each is one transaction, of all items or of none.

Every change locks the account first. So it sees all earlier changes, and two moves that would form a circle together
cannot both succeed.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from storage.accounts.accounts import locked
from storage.drive import items
from storage.drive.change_log import event, log, put_names
from storage.drive.errors import TooDeep, WouldBeBelowItself
from storage.drive.models import Item, ItemKind
from storage.drive.tree.chains import MAX_DEPTH, Chain, chains, is_higher_than, require_folder, require_item
from storage.drive.tree.placing import ConflictPolicy, place
from storage.drive.versions import take_over
from storage.events.events import NewEvent
from storage.events.models import EventKind


async def create_folder(account_id: UUID, parent_id: UUID, name: str, policy: ConflictPolicy, at: datetime) -> Item:
    """Create a folder. With REPLACE, a folder that has the name already is returned instead.

    Raises :class:`ItemMissing`, :class:`ItemInTrash`, :class:`TooDeep` and :class:`NameTaken`.
    """

    async def work() -> Item:
        await items.ensure_root(account_id, at)
        folder, is_new = await add_folder(account_id, parent_id, name, policy, at)
        await log(account_id, [event(EventKind.CREATED, folder)] if is_new else [], at)
        return folder

    return await locked(account_id, work)


async def add_folder(
    account_id: UUID, parent_id: UUID, name: str, policy: ConflictPolicy, at: datetime
) -> tuple[Item, bool]:
    """Add a folder in the caller's transaction, which logs its event. Returns it, and whether it is new.

    Raises like :func:`create_folder`.
    """
    parent = require_folder((await chains([parent_id])).get(parent_id), account_id, parent_id)
    existing = await items.find_by_name(parent_id, name) if policy is ConflictPolicy.REPLACE else None
    if existing and existing.kind is ItemKind.FOLDER:
        return existing, False
    if parent.depth + 1 > MAX_DEPTH:
        raise TooDeep(parent_id)
    free = await place(account_id, parent_id, name, policy, kind=ItemKind.FOLDER)
    folder = items.new_item(account_id, parent_id, ItemKind.FOLDER, free.name, at)
    await folder.save(force_create=True)
    await put_names([folder])
    return folder, True


async def rename(account_id: UUID, item_id: UUID, name: str, policy: ConflictPolicy, at: datetime) -> Item:
    """Rename an item. With REPLACE, a file can become the newest version of the file that has the name.

    Returns the item, or that file.

    Raises :class:`ItemMissing`, :class:`ItemInTrash`, :class:`ItemIsRoot` and :class:`NameTaken`.
    """

    async def work() -> Item:
        require_item((await chains([item_id])).get(item_id), account_id, item_id)
        item = await Item.get(id=item_id)
        assert item.parent_id
        if name == item.name:
            return item
        result, events = await _put(item, item.parent_id, name, policy, EventKind.RENAMED, at)
        await log(account_id, events, at)
        return result

    return await locked(account_id, work)


async def move(
    account_id: UUID, item_ids: Sequence[UUID], parent_id: UUID, policy: ConflictPolicy, at: datetime
) -> list[Item]:
    """Move items into a folder. Those that are there already stay.

    With REPLACE, a file becomes the newest version of a file that has its name there, and that file is returned.
    Raises :class:`ItemMissing`, :class:`ItemInTrash`, :class:`ItemIsRoot`, :class:`WouldBeBelowItself`,
    :class:`TooDeep` and :class:`NameTaken`.
    """

    async def work() -> list[Item]:
        await items.ensure_root(account_id, at)
        await _require_move(account_id, item_ids, parent_id)
        moved, events = [], []
        for item in await items.load_in_order(item_ids):
            if item.parent_id == parent_id:
                moved.append(item)
                continue
            result, new = await _put(item, parent_id, item.name, policy, EventKind.MOVED, at)
            moved.append(result)
            events += new
        await log(account_id, events, at)
        return moved

    return await locked(account_id, work)


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
        require_item((await chains([item_id])).get(item_id), account_id, item_id)
        item = await Item.get(id=item_id)
        if item.starred != starred:
            item.starred = starred
            await item.save(update_fields=["starred"])
            await log(account_id, [event(EventKind.UPDATED, item)], at)
        return item

    return await locked(account_id, work)


async def _put(
    item: Item, parent_id: UUID, name: str, policy: ConflictPolicy, kind: EventKind, at: datetime
) -> tuple[Item, list[NewEvent]]:
    """Give an item a place. Returns it, or the file that it became a version of, and the events of this."""
    free = await place(item.account_id, parent_id, name, policy, kind=item.kind, item_id=item.id)
    if free.replaced:
        return free.replaced, await take_over(free.replaced, item, at)
    if (free.name, parent_id) == (item.name, item.parent_id):
        return item, []
    is_renamed = free.name != item.name
    items.set_name(item, free.name)
    item.parent_id, item.updated_at = parent_id, at
    await item.save(update_fields=["parent_id", "name", "folded_name", "sort_key", "updated_at"])
    if is_renamed:
        await put_names([item])
    return item, [event(kind, item)]
