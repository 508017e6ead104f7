"""Rows of folders and files."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from storage.database.connection import as_uuid, fetch
from storage.database.pages import Window
from storage.drive.models import Item, ItemKind
from storage.drive.names import folded, sort_key
from storage.drive.tree import IS_OUTSIDE_TRASH, chains, marks

ROOT_NAME = "My drive"
COUNTS = """
SELECT parent_id, COUNT(*) FROM item WHERE parent_id IN ({}) AND trashed_at IS NULL GROUP BY parent_id"""

#: Files outside the trash, newest first by their IDs.
FILES = f"""
FROM item WHERE account_id = ? AND kind = 'FILE' AND trashed_at IS NULL AND {IS_OUTSIDE_TRASH}"""
#: The walk down passes each folder once, not once for every file in it.
COUNT_FILES = """
WITH RECURSIVE folder (id) AS (
    SELECT id FROM item WHERE id = ?
    UNION
    SELECT item.id FROM folder JOIN item ON item.parent_id = folder.id
    WHERE item.kind = 'FOLDER' AND item.trashed_at IS NULL
)
SELECT SUM((
    SELECT COUNT(*) FROM item WHERE item.parent_id = folder.id AND item.kind = 'FILE' AND item.trashed_at IS NULL
)) FROM folder"""


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


async def find_by_path(account_id: UUID, names: Sequence[str]) -> Item | None:
    """The item outside the trash that these names lead to from the root of the account."""
    found = await Item.get_or_none(id=account_id)
    for name in names:
        if not found:
            break
        found = await Item.get_or_none(parent_id=found.id, folded_name=folded(name), trashed_at__isnull=True)
    return found


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
    return Item(
        account_id=account_id,
        parent_id=parent_id,
        kind=kind,
        name=name,
        folded_name=folded(name),
        sort_key=sort_key(name),
        created_at=now,
        updated_at=now,
    )


async def files_page(account_id: UUID, window: Window[UUID]) -> list[Item]:
    """A window of the files of an account outside the trash, the newest one first."""
    conditions = ""
    values: list[UUID] = []
    for key, comparison in ((window.after, "<"), (window.before, ">")):
        if key:
            conditions, values = f"{conditions} AND id {comparison} ?", [*values, key]
    order = f"ORDER BY id {'ASC' if window.backwards else 'DESC'} LIMIT ?"
    rows = await fetch(f"SELECT id {FILES}{conditions} {order}", account_id, *values, window.limit)
    files = await load_in_order([as_uuid(key) for (key,) in rows])
    return files[::-1] if window.backwards else files


async def count_files(account_id: UUID) -> int:
    """The number of an account's files outside the trash."""
    ((number,),) = await fetch(COUNT_FILES, account_id)
    return int(number or 0)
