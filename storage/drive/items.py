"""Rows of folders and files."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from storage.database.connection import as_uuid, fetch
from storage.database.values import marks
from storage.drive.models import Item, ItemKind
from storage.drive.names import folded, sort_key
from storage.drive.tree.chains import chains

ROOT_NAME = "My drive"
COUNTS = """
SELECT parent_id, COUNT(*) FROM item WHERE parent_id IN ({}) AND trashed_at IS NULL GROUP BY parent_id"""

#: The rows of an account without its root, along an index of each table.
COUNT_ROWS = """
SELECT (SELECT COUNT(*) FROM item WHERE account_id = ? AND id <> ?),
    (SELECT COUNT(*) FROM file_version WHERE account_id = ?)"""


async def find(item_id: UUID) -> Item | None:
    """The folder or file with this key, also in the trash, unless it is being deleted."""
    return (await find_many([item_id])).get(item_id)


async def find_many(item_ids: Collection[UUID]) -> dict[UUID, Item]:
    """The folders and files with these keys, also those in the trash, without those that are being deleted."""
    return await load([key for key, chain in (await chains(item_ids)).items() if chain.is_complete])


async def load(item_ids: Collection[UUID]) -> dict[UUID, Item]:
    """The rows with these keys, whatever their state."""
    return {item.id: item for item in await Item.filter(id__in=list(item_ids))} if item_ids else {}


async def load_in_order(item_ids: Sequence[UUID]) -> list[Item]:
    """The rows with these keys in their order, without those that are deleted meanwhile."""
    found = await load(item_ids)
    return [found[key] for key in item_ids if key in found]


async def counts(folder_ids: Collection[UUID]) -> dict[UUID, int]:
    """The number of items in each folder, without those in the trash."""
    found = dict.fromkeys(folder_ids, 0)
    if folder_ids:
        rows = await fetch(COUNTS.format(marks(folder_ids)), *folder_ids)
        found |= {as_uuid(key): int(count) for key, count in rows}
    return found


async def count_rows(account_id: UUID) -> int:
    """The number of an account's items or of its versions, whichever is greater, also of those being deleted.

    The root does not count.
    """
    ((items, versions),) = await fetch(COUNT_ROWS, account_id, account_id, account_id)
    return max(int(items), int(versions))


async def find_by_path(account_id: UUID, names: Sequence[str]) -> Item | None:
    """The item outside the trash that these names lead to from the root of the account."""
    found = await Item.get_or_none(id=account_id)
    for name in names:
        if not found:
            break
        found = await find_by_name(found.id, name)
    return found


async def find_by_name(parent_id: UUID, name: str) -> Item | None:
    """The item of a folder with this name, in upper or lower case, that is not in the trash."""
    return await Item.get_or_none(parent_id=parent_id, folded_name=folded(name), trashed_at=None)


async def ensure_root(account_id: UUID, now: datetime) -> Item:
    """The root of an account's drive, which has the ID of the account. It is made at its first use."""
    root = await Item.get_or_none(id=account_id)
    if not root:
        row = new_item(account_id, None, ItemKind.FOLDER, ROOT_NAME, now)
        row.id = account_id
        await Item.bulk_create([row], ignore_conflicts=True)
        root = await Item.get(id=account_id)
    return root


def new_item(account_id: UUID, parent_id: UUID | None, kind: ItemKind, name: str, now: datetime) -> Item:
    """A row that is not stored yet, with the keys of its name."""
    item = Item(account_id=account_id, parent_id=parent_id, kind=kind, created_at=now, updated_at=now)
    set_name(item, name)
    return item


def set_name(item: Item, name: str) -> None:
    """Give the item a name, and the columns that follow from it."""
    item.name, item.folded_name, item.sort_key = name, folded(name), sort_key(name)
