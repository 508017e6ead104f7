"""Copies of items within a drive. A copy shares the bytes of its original, so it takes nothing from the quota."""

from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from uuid_utils.compat import uuid7

from storage.accounts.accounts import lock
from storage.database.connection import atomically
from storage.drive import items
from storage.drive.change_log import event, log, put_names
from storage.drive.changes import require_outside
from storage.drive.errors import NameTaken, TooDeep, TooManyItems
from storage.drive.models import FileVersion, Item, ItemKind, Rendition
from storage.drive.placing import ConflictPolicy, place
from storage.drive.tree import MAX_DEPTH, MAX_VALUES, chains, require_folder, require_item
from storage.drive.versions import Content
from storage.drive.versions import add as add_version
from storage.events.events import NewEvent
from storage.events.models import EventKind

T = TypeVar("T")

#: Items that one call copies: about three seconds, in which the account, and on SQLite every other one, waits with its
#: changes.
MOST_ITEMS = 10_000


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
        await lock(account_id)
        await items.ensure_root(account_id, at)
        found = await chains([*item_ids, parent_id])
        parent = require_folder(found.get(parent_id), account_id, parent_id)
        require_outside([require_item(found.get(key), account_id, key) for key in item_ids], parent)
        copying = _Copying(parent_id, parent.depth, policy, at)
        copies = [await copying.copy(item) for item in await items.load_in_order(item_ids)]
        await copying.finish(account_id)
        return copies

    return await atomically(work)


@dataclass
class _Copying:
    """The copies of one call. What is below the copied folders is found first, and then stored together."""

    parent_id: UUID
    depth: int
    policy: ConflictPolicy
    at: datetime
    below: list[Item] = field(default_factory=list)
    #: Each copy of a file, with the version that its own is a copy of.
    files: list[tuple[Item, UUID]] = field(default_factory=list)
    #: Each new version, with the one that it is a copy of.
    versions: list[tuple[UUID, UUID]] = field(default_factory=list)
    events: list[NewEvent] = field(default_factory=list)
    count: int = 0

    async def copy(self, item: Item) -> Item:
        """Store the copy of an item in its folder, and find what is below it."""
        free = await place(item.account_id, self.parent_id, item.name, self.policy, kind=item.kind)
        if free.replaced:
            return await self._replace(free.replaced, item)
        # It is stored at once, so that the next item finds its name taken.
        top = self._copy_of(item, self.parent_id, free.name, self.depth + 1)
        await top.save(force_create=True)
        await put_names([top])
        self.events.append(event(EventKind.CREATED, top))
        if item.kind is ItemKind.FOLDER:
            await self._descend(item, top)
        return top

    async def finish(self, account_id: UUID) -> None:
        """Store what is below the copied folders, versions, renditions and events."""
        await Item.bulk_create(self.below, batch_size=MAX_VALUES)
        await put_names(self.below)
        self.events += [event(EventKind.CREATED, item) for item in self.below]
        for files in _parts(self.files):
            await _store_versions(files, self.at)
        for versions in _parts(self.versions):
            await _store_renditions(versions, self.at)
        await log(account_id, self.events, self.at)

    async def _replace(self, target: Item, item: Item) -> Item:
        if target.id == item.id:
            raise NameTaken(target.id)
        original = await FileVersion.get(id=item.version_id).select_related("blob")
        version = await add_version(target, Content(original.blob, original.mime_type, original.media), self.at)
        self.versions.append((version.id, original.id))
        self.events.append(event(EventKind.UPDATED, target))
        return target

    async def _descend(self, folder: Item, copy: Item) -> None:
        level, depth = {folder.id: copy.id}, self.depth + 1
        while level:
            depth, below = depth + 1, {}
            async for item in _children(level):
                assert item.parent_id
                row = self._copy_of(item, level[item.parent_id], item.name, depth)
                self.below.append(row)
                if item.kind is ItemKind.FOLDER:
                    below[item.id] = row.id
            level = below

    def _copy_of(self, item: Item, parent_id: UUID, name: str, depth: int) -> Item:
        self.count += 1
        if self.count > MOST_ITEMS:
            raise TooManyItems(f"more than {MOST_ITEMS} items")
        if item.kind is ItemKind.FOLDER and depth > MAX_DEPTH:
            raise TooDeep(self.parent_id)
        row = items.new_item(item.account_id, parent_id, item.kind, name, self.at)
        row.size, row.file_kind = item.size, item.file_kind
        if item.version_id:
            row.version_id = uuid7()
            self.files.append((row, item.version_id))
            self.versions.append((row.version_id, item.version_id))
        return row


async def _children(folder_ids: Collection[UUID]) -> AsyncIterator[Item]:
    """The items of folders outside the trash; no more than a call may copy."""
    for part in _parts(list(folder_ids)):
        for item in await Item.filter(parent_id__in=part, trashed_at__isnull=True).order_by("id").limit(MOST_ITEMS):
            yield item


async def _store_versions(files: Sequence[tuple[Item, UUID]], at: datetime) -> None:
    originals = {version.id: version for version in await FileVersion.filter(id__in=[key for _, key in files])}
    rows = []
    for item, key in files:
        original = originals[key]
        assert item.version_id
        row = FileVersion(account_id=item.account_id, item_id=item.id, mime_type=original.mime_type, number=1)
        row.id, row.blob_id, row.media, row.created_at = item.version_id, original.blob_id, original.media, at
        rows.append(row)
    await FileVersion.bulk_create(rows)


async def _store_renditions(versions: Sequence[tuple[UUID, UUID]], at: datetime) -> None:
    """Give copies of versions the same renditions: their bytes are shared as well."""
    made: dict[UUID, list[Rendition]] = {}
    for found in await Rendition.filter(version_id__in=[original for _, original in versions]):
        made.setdefault(found.version_id, []).append(found)
    rows = [
        Rendition(version_id=copy, kind=one.kind, mime_type=one.mime_type, blob_id=one.blob_id, created_at=at)
        for copy, original in versions
        for one in made.get(original, ())
    ]
    await Rendition.bulk_create(rows)


def _parts(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), MAX_VALUES):
        yield values[start : start + MAX_VALUES]
