"""Copies of items within a drive. A copy shares the bytes of its original, so it takes nothing from the quota."""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from uuid_utils.compat import uuid7

from storage.accounts.accounts import locked
from storage.database.connection import as_uuid, execute_many, fetch
from storage.database.values import marks, parts
from storage.drive import items
from storage.drive.change_log import event, facts, log, put_names
from storage.drive.errors import NameTaken, TooDeep, TooManyItems
from storage.drive.models import FileVersion, Item, ItemKind
from storage.drive.tree.chains import MAX_DEPTH, chains, require_folder, require_item
from storage.drive.tree.changes import require_outside
from storage.drive.tree.placing import ConflictPolicy, place
from storage.drive.versions import Content
from storage.drive.versions import add as add_version
from storage.events.events import NewEvent
from storage.events.models import EventKind
from storage.search import entries

#: Items that one call copies: up to a second, in which the account, and on SQLite every other one, waits with its
#: changes. An item takes a fifth of a millisecond, most of it in the database: three tables, an event and the index of
#: searches.
MOST_ITEMS = 5_000
#: Placeholders in one statement, far below the limits of both databases.
MAX_VALUES = 1_000
CHILDREN = """
SELECT id, parent_id, kind, name, version_id FROM item
WHERE parent_id IN ({}) AND trashed_at IS NULL ORDER BY id LIMIT ?"""
# The database copies each row itself: to build an object for it takes longer.
COPY_ITEM = """
INSERT INTO item (
    id, account_id, parent_id, kind, name, folded_name, sort_key, size, file_kind, version_id, starred, created_at,
    updated_at
)
SELECT ?, account_id, ?, kind, name, folded_name, sort_key, size, file_kind, ?, FALSE, ?, ? FROM item WHERE id = ?"""
COPY_VERSION = """
INSERT INTO file_version (id, account_id, item_id, number, mime_type, blob_id, media, created_at)
SELECT ?, account_id, ?, 1, mime_type, blob_id, media, ? FROM file_version WHERE id = ?"""
RENDITIONS = "SELECT version_id, kind FROM rendition WHERE version_id IN ({})"
COPY_RENDITION = """
INSERT INTO rendition (id, version_id, kind, mime_type, blob_id, created_at)
SELECT ?, ?, kind, mime_type, blob_id, ? FROM rendition WHERE version_id = ? AND kind = ?"""


async def copy(
    account_id: UUID, item_ids: Sequence[UUID], parent_id: UUID, policy: ConflictPolicy, at: datetime
) -> list[Item]:
    """Copy items into a folder, with everything below them that is not in the trash. Returns the copies.

    Files are copied with their current version alone. With REPLACE, a copy of a file becomes the newest version of a
    file that has its name there, and that file is returned.

    Raises :class:`ItemMissing`, :class:`ItemInTrash`, :class:`ItemIsRoot`, :class:`WouldBeBelowItself`,
    :class:`TooDeep`, :class:`NameTaken`, and :class:`TooManyItems` above ``MOST_ITEMS``.
    """

    async def work() -> list[Item]:
        await items.ensure_root(account_id, at)
        found = await chains([*item_ids, parent_id])
        parent = require_folder(found.get(parent_id), account_id, parent_id)
        require_outside([require_item(found.get(key), account_id, key) for key in item_ids], parent)
        copying = _Copying(parent_id, parent.depth, policy, at)
        copies = [await copying.copy(item) for item in await items.load_in_order(item_ids)]
        await copying.finish(account_id)
        return copies

    return await locked(account_id, work)


class _Child(NamedTuple):
    """An item below a copied folder."""

    id: UUID
    parent_id: UUID
    kind: ItemKind
    name: str
    version_id: UUID | None


class _Copy(NamedTuple):
    """The copy of a child, before it is stored."""

    id: UUID
    parent_id: UUID
    version_id: UUID | None
    original: _Child


@dataclass
class _Copying:
    """The copies of one call. What is below the copied folders is found first, and then stored together."""

    parent_id: UUID
    depth: int
    policy: ConflictPolicy
    at: datetime
    below: list[_Copy] = field(default_factory=list)
    #: Each copy of a version, the file that it belongs to, and its original.
    versions: list[tuple[UUID, UUID, UUID]] = field(default_factory=list)
    #: Each version that gets the renditions of another one, and that one.
    derived: list[tuple[UUID, UUID]] = field(default_factory=list)
    events: list[NewEvent] = field(default_factory=list)
    count: int = 0

    async def copy(self, item: Item) -> Item:
        """Store the copy of an item in its folder, and find what is below it."""
        free = await place(item.account_id, self.parent_id, item.name, self.policy, kind=item.kind)
        if free.replaced:
            return await self._replace(free.replaced, item)
        # It is stored at once, so that the next item finds its name taken.
        top = items.new_item(item.account_id, self.parent_id, item.kind, free.name, self.at)
        top.size, top.file_kind = item.size, item.file_kind
        top.version_id = self._add(top.id, item.kind, item.version_id, self.depth + 1)
        await top.save(force_create=True)
        await put_names([top])
        self.events.append(event(EventKind.CREATED, top))
        if item.kind is ItemKind.FOLDER:
            await self._descend(item, top)
        return top

    async def finish(self, account_id: UUID) -> None:
        """Store what is below the copied folders, versions, renditions and events."""
        await self._store(account_id)
        await _store_renditions(self.derived, self.at)
        await log(account_id, self.events, self.at)

    async def _store(self, account_id: UUID) -> None:
        """Store the items and versions that were found since the last call."""
        below, versions, self.below, self.versions = self.below, self.versions, [], []
        await _store_items(below, self.at)
        await entries.put(account_id, {copy.id: copy.original.name for copy in below})
        await execute_many(COPY_VERSION, [(key, item_id, self.at, original) for key, item_id, original in versions])
        for copy in below:
            known = facts(copy.original.name, copy.parent_id, copy.original.kind)
            self.events.append(NewEvent(EventKind.CREATED, copy.id, known))

    async def _replace(self, target: Item, item: Item) -> Item:
        if target.id == item.id:
            raise NameTaken(target.id)
        # The file that is replaced may be a copy of this call.
        await self._store(item.account_id)
        original = await FileVersion.get(id=item.version_id).select_related("blob")
        version = await add_version(target, Content(original.blob, original.mime_type, original.media), self.at)
        self.derived.append((version.id, original.id))
        self.events.append(event(EventKind.UPDATED, target))
        return target

    async def _descend(self, folder: Item, copy: Item) -> None:
        level, depth = {folder.id: copy.id}, self.depth + 1
        while level:
            depth, below = depth + 1, {}
            async for child in _children(level):
                key = uuid7()
                version_id = self._add(key, child.kind, child.version_id, depth)
                self.below.append(_Copy(key, level[child.parent_id], version_id, child))
                if child.kind is ItemKind.FOLDER:
                    below[child.id] = key
            level = below

    def _add(self, key: UUID, kind: ItemKind, version_id: UUID | None, depth: int) -> UUID | None:
        """Count an item that is copied. Returns the key of the version of its copy, if it has one."""
        self.count += 1
        if self.count > MOST_ITEMS:
            raise TooManyItems(f"more than {MOST_ITEMS} items")
        if kind is ItemKind.FOLDER and depth > MAX_DEPTH:
            raise TooDeep(self.parent_id)
        if version_id is None:
            return None
        version = uuid7()
        self.versions.append((version, key, version_id))
        self.derived.append((version, version_id))
        return version


async def _children(folder_ids: Collection[UUID]) -> AsyncIterator[_Child]:
    """The items of folders outside the trash; no more than a call may copy."""
    for part in parts(folder_ids, MAX_VALUES):
        # One more than may be copied, so that the limit is exceeded.
        for key, parent, kind, name, version in await fetch(CHILDREN.format(marks(part)), *part, MOST_ITEMS + 1):
            version_id = None if version is None else as_uuid(version)
            yield _Child(as_uuid(key), as_uuid(parent), ItemKind(kind), name, version_id)


async def _store_items(copies: Sequence[_Copy], at: datetime) -> None:
    """Store the copies of items. A folder is stored before what is in it."""
    rows = [(copy.id, copy.parent_id, copy.version_id, at, at, copy.original.id) for copy in copies]
    await execute_many(COPY_ITEM, rows)


async def _store_renditions(versions: Sequence[tuple[UUID, UUID]], at: datetime) -> None:
    """Give copies of versions the same renditions: their bytes are shared as well."""
    for part in parts(versions, MAX_VALUES):
        originals = {original for _, original in part}
        kinds: dict[UUID, list[str]] = {}
        for key, kind in await fetch(RENDITIONS.format(marks(originals)), *originals):
            kinds.setdefault(as_uuid(key), []).append(kind)
        rows = [(uuid7(), copy, at, original, kind) for copy, original in part for kind in kinds.get(original, ())]
        await execute_many(COPY_RENDITION, rows)
