"""Reads whole trees of items in one query, for zip files."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.database.connection import as_uuid, fetch
from storage.drive.models import Item, ItemKind

#: More levels than a drive can have, so that even a damaged tree is read in bounded time.
MAX_LEVELS = 200
ANCESTORS = """
WITH RECURSIVE chain (start, id, parent_id, is_hidden, level) AS (
    SELECT id, id, parent_id, trashed_at IS NOT NULL OR removed_at IS NOT NULL, 0
    FROM item WHERE id IN ({}) AND account_id = ?
    UNION
    SELECT chain.start, item.id, item.parent_id, item.trashed_at IS NOT NULL OR item.removed_at IS NOT NULL,
        chain.level + 1
    FROM chain JOIN item ON item.id = chain.parent_id WHERE chain.level < ?
)
SELECT start, id, is_hidden FROM chain"""
# The limit stops the recursion: neither database computes rows that nothing reads.
DESCENDANTS = """
WITH RECURSIVE tree (id, level) AS (
    SELECT id, 0 FROM item WHERE id IN ({})
    UNION
    SELECT item.id, tree.level + 1 FROM tree JOIN item ON item.parent_id = tree.id
    WHERE item.trashed_at IS NULL AND item.removed_at IS NULL AND tree.level < ?
)
SELECT item.id, item.parent_id, item.kind, item.name, item.sort_key, COALESCE(file_version.created_at, item.updated_at),
    blob.id, blob.key, blob.size, blob.crc32
FROM (SELECT id FROM tree LIMIT ?) AS found JOIN item ON item.id = found.id
LEFT JOIN file_version ON file_version.id = item.version_id LEFT JOIN blob ON blob.id = file_version.blob_id"""


@dataclass(frozen=True)
class TreeBlob:
    """The blob of a file's current version. ``size`` is in bytes."""

    id: UUID
    key: str
    size: int
    crc32: int | None


@dataclass(frozen=True)
class TreeItem:
    """An item of a tree. ``modified_at`` is when a file got its current version. A folder has no blob."""

    id: UUID
    parent_id: UUID | None
    kind: ItemKind
    name: str
    sort_key: bytes
    modified_at: datetime
    blob: TreeBlob | None


async def visible_tops(account_id: UUID, item_ids: Sequence[UUID]) -> tuple[list[UUID], list[UUID]]:
    """The items of an account that are not in the trash, in order and without those inside another one of them.

    Also returns the items that are not visible.
    """
    chains: dict[UUID, set[UUID]] = {}
    hidden: set[UUID] = set()
    for start, item_id, is_hidden in await fetch(ANCESTORS.format(_marks(item_ids)), *item_ids, account_id, MAX_LEVELS):
        chains.setdefault(as_uuid(start), set()).add(as_uuid(item_id))
        hidden.update([as_uuid(start)] if is_hidden else [])
    visible = [key for key in dict.fromkeys(item_ids) if account_id in chains.get(key, ()) and key not in hidden]
    tops = [key for key in visible if not (chains[key] - {key}) & set(visible)]
    return tops, [key for key in item_ids if key not in visible]


async def descendants(item_ids: Collection[UUID], limit: int) -> list[TreeItem]:
    """These items and everything below them, in any order and without the trash, at most ``limit`` of them."""
    rows = await fetch(DESCENDANTS.format(_marks(item_ids)), *item_ids, MAX_LEVELS, limit)
    return [_tree_item(*row) for row in rows]


def _tree_item(
    item_id: Any, parent_id: Any, kind: str, name: str, sort_key: bytes, modified_at: Any, *blob: Any
) -> TreeItem:
    moment = Item._meta.fields_map["updated_at"].to_python_value(modified_at)
    parent = as_uuid(parent_id) if parent_id else None
    blob_id, key, size, crc32 = blob
    content = TreeBlob(as_uuid(blob_id), key, size, crc32) if blob_id else None
    return TreeItem(as_uuid(item_id), parent, ItemKind(kind), name, bytes(sort_key), moment, content)


def _marks(values: Collection[object]) -> str:
    return ", ".join("?" * len(values))
