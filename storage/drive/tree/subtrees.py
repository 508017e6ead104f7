"""Reads whole trees of items in one query, for zip files."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.database.connection import as_uuid, fetch
from storage.database.values import marks, parts
from storage.drive.models import Item, ItemKind
from storage.drive.tree.chains import MAX_CHAIN, chains

# The limit stops the recursion: neither database computes rows that nothing reads.
DESCENDANTS = """
WITH RECURSIVE tree (id, parent_id, kind, name, sort_key, updated_at, version_id, level) AS (
    SELECT id, parent_id, kind, name, sort_key, updated_at, version_id, 0 FROM item WHERE id IN ({})
    UNION
    SELECT item.id, item.parent_id, item.kind, item.name, item.sort_key, item.updated_at, item.version_id,
        tree.level + 1
    FROM tree JOIN item ON item.parent_id = tree.id
    WHERE item.trashed_at IS NULL AND item.removed_at IS NULL AND tree.level < ?
)
SELECT id, parent_id, kind, name, sort_key, updated_at, version_id FROM tree LIMIT ?"""
CONTENTS = """
SELECT file_version.id, file_version.created_at, blob.id, blob.key, blob.size, blob.crc32
FROM file_version JOIN blob ON blob.id = file_version.blob_id WHERE file_version.id IN ({})"""
#: SQLite accepts at least 999 values in one statement.
BATCH = 500


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
    found = await chains(item_ids)
    visible = {key: found[key] for key in item_ids if key in found and found[key].is_visible_to(account_id)}
    tops = [key for key, chain in visible.items() if not chain.is_below_any(visible)]
    return tops, [key for key in item_ids if key not in visible]


async def descendants(item_ids: Collection[UUID], limit: int) -> list[TreeItem]:
    """These items and everything below them, in any order and without the trash, at most ``limit`` of them.

    A file that is deleted meanwhile is left out.
    """
    rows = await fetch(DESCENDANTS.format(marks(item_ids)), *item_ids, MAX_CHAIN, limit)
    contents = await _contents([as_uuid(row[-1]) for row in rows if row[-1]])
    return [_tree_item(contents, *row) for row in rows if not row[-1] or as_uuid(row[-1]) in contents]


async def _contents(version_ids: Sequence[UUID]) -> dict[UUID, tuple[datetime, TreeBlob]]:
    """When each version was made, and its blob."""
    contents = {}
    for batch in parts(version_ids, BATCH):
        for version_id, created_at, blob_id, *blob in await fetch(CONTENTS.format(marks(batch)), *batch):
            contents[as_uuid(version_id)] = _datetime(created_at), TreeBlob(as_uuid(blob_id), *blob)
    return contents


def _tree_item(
    contents: Mapping[UUID, tuple[datetime, TreeBlob]],
    item_id: Any,
    parent_id: Any,
    kind: str,
    name: str,
    sort_key: bytes,
    updated_at: Any,
    version_id: Any,
) -> TreeItem:
    parent = as_uuid(parent_id) if parent_id else None
    made_at, blob = contents[as_uuid(version_id)] if version_id else (_datetime(updated_at), None)
    return TreeItem(as_uuid(item_id), parent, ItemKind(kind), name, bytes(sort_key), made_at, blob)


def _datetime(value: Any) -> datetime:
    """A time from a row: SQLite stores them as text."""
    moment: datetime = Item._meta.fields_map["updated_at"].to_python_value(value)
    return moment
