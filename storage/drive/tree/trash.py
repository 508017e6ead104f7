"""The trash of a drive: items move into it and out of it as a whole, with everything below them."""

from collections.abc import Container, Iterable, Sequence
from datetime import datetime
from itertools import takewhile
from typing import NamedTuple
from uuid import UUID

from storage.accounts.accounts import locked
from storage.database.connection import execute_many, fetch, fetch_ids
from storage.database.pages import Window
from storage.drive.change_log import event, log, put_names
from storage.drive.items import load, load_in_order, set_name
from storage.drive.models import Item
from storage.drive.tree.chains import IS_COMPLETE, Chain, chains, require_found
from storage.drive.tree.placing import ConflictPolicy, items_named, place
from storage.events.models import EventKind

#: Items in the trash, except those below an item that is being deleted.
TRASHED = f"FROM item WHERE account_id = ? AND trashed_at IS NOT NULL AND {IS_COMPLETE}"
#: The walks up and down pass each folder once, not once for every item in it. An item whose folder is not reached from
#: the root is below one that is being deleted.
COUNT = """
WITH RECURSIVE above (id, parent_id) AS (
    SELECT id, parent_id FROM item WHERE id IN (
        SELECT parent_id FROM (SELECT parent_id FROM item WHERE account_id = ? AND trashed_at IS NOT NULL LIMIT ?)
        AS trashed
    )
    UNION
    SELECT item.id, item.parent_id FROM above JOIN item ON item.id = above.parent_id
), attached (id) AS (
    SELECT id FROM above WHERE id = ?
    UNION
    SELECT above.id FROM attached JOIN above ON above.parent_id = attached.id
)
SELECT COUNT(*) FROM item WHERE account_id = ? AND trashed_at IS NOT NULL AND parent_id IN (SELECT id FROM attached)"""
#: A tenth of a second, if all of them are in folders of their own.
MOST_COUNTED = 10_000
RESTORE = "UPDATE item SET parent_id = ?, trashed_at = NULL WHERE id = ?"
HAS_MORE = "SELECT 1 FROM item WHERE account_id = ? AND trashed_at IS NOT NULL LIMIT 1 OFFSET ?"


class TrashPosition(NamedTuple):
    """A place in the list of the trash."""

    trashed_at: datetime
    id: UUID


async def page(account_id: UUID, window: Window[TrashPosition]) -> list[Item]:
    """A window of what was put into the trash, the last first."""
    conditions = ""
    values: list[object] = []
    for place_, comparison in ((window.after, "<"), (window.before, ">")):
        if place_:
            conditions += f" AND (trashed_at, id) {comparison} (?, ?)"
            values += [place_.trashed_at, place_.id]
    direction = "ASC" if window.backwards else "DESC"
    order = f" ORDER BY trashed_at {direction}, id {direction} LIMIT ?"
    keys = await fetch_ids(f"SELECT id {TRASHED}{conditions}{order}", account_id, *values, window.limit)
    found = await load_in_order(keys)
    return found[::-1] if window.backwards else found


async def count(account_id: UUID) -> int | None:
    """The number of items that were put into the trash, without those below them; None if it is more than 10,000."""
    if await fetch(HAS_MORE, account_id, MOST_COUNTED):
        return None
    ((number,),) = await fetch(COUNT, account_id, MOST_COUNTED, account_id, account_id)
    return int(number)


async def trash(account_id: UUID, item_ids: Sequence[UUID], at: datetime) -> list[Item]:
    """Put items into the trash. Those that are in it already, by themselves or below a folder, stay as they are.

    Raises :class:`ItemMissing` and :class:`ItemIsRoot`.
    """

    async def work() -> list[Item]:
        found = await chains(item_ids)
        tops = [require_found(found.get(key), account_id, key) for key in item_ids]
        items = await load(item_ids)
        changed = [items[chain.item.id] for chain in tops if not _goes_along(chain, items.keys())]
        for item in changed:
            item.trashed_at = at
        if changed:
            await Item.filter(id__in=[item.id for item in changed]).update(trashed_at=at)
        await log(account_id, [event(EventKind.TRASHED, item) for item in changed], at)
        return [items[key] for key in item_ids]

    return await locked(account_id, work)


def _goes_along(chain: Chain, listed: Container[UUID]) -> bool:
    """Whether the item is in the trash already, or goes there with a listed folder above it."""
    return chain.is_in_trash or chain.is_below_any(listed)


async def restore(account_id: UUID, item_ids: Sequence[UUID], at: datetime) -> list[Item]:
    """Take items out of the trash. Those that are not in it stay as they are.

    An item returns to its folder, or to the root if that is in the trash itself: so one item below a folder in the
    trash can be restored alone. If its name is taken there, it gets a number.

    Raises :class:`ItemMissing` and :class:`ItemIsRoot`.
    """

    async def work() -> list[Item]:
        found = await chains(item_ids)
        homes = _homes([require_found(found.get(key), account_id, key) for key in item_ids])
        items = await load(item_ids)
        restored = [items[key] for key in homes]
        for item in restored:
            item.parent_id, item.trashed_at = homes[item.id], None
        await _store(restored)
        await log(account_id, [event(EventKind.RESTORED, item) for item in restored], at)
        return [items[key] for key in item_ids]

    return await locked(account_id, work)


def _homes(listed: Iterable[Chain]) -> dict[UUID, UUID]:
    """The folder to which each of the items that are in the trash returns. The upper items come first."""
    homes: dict[UUID, UUID] = {}
    # Folders first: what is below them returns with them.
    for chain in sorted(listed, key=lambda chain: chain.depth):
        # From an item that returns on, nothing above is in the trash.
        links = list(takewhile(lambda link: link.id not in homes, chain.links))
        if any(link.is_trashed for link in links):
            is_below_trash = any(link.is_trashed for link in links[1:])
            homes[chain.item.id] = chain.item.account_id if is_below_trash else chain.links[1].id
    return homes


async def _store(restored: Sequence[Item]) -> None:
    """Store the places of restored items, and give those a number whose names are taken."""
    named = await items_named([(item.parent_id, item.name) for item in restored if item.parent_id])
    taken: set[tuple[UUID | None, str]] = set(named)
    free: list[Item] = []
    others: list[Item] = []
    for item in restored:
        key = item.parent_id, item.folded_name
        (others if key in taken else free).append(item)
        taken.add(key)
    await execute_many(RESTORE, [(item.parent_id, item.id) for item in free])
    for item in others:
        await _store_numbered(item)
    await put_names(others)


async def _store_numbered(item: Item) -> None:
    assert item.parent_id
    place_ = await place(item.account_id, item.parent_id, item.name, ConflictPolicy.KEEP_BOTH, kind=item.kind)
    set_name(item, place_.name)
    await item.save(update_fields=["parent_id", "trashed_at", "name", "folded_name", "sort_key"])
