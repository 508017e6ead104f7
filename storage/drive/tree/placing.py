"""The name that an item gets in a folder, if the folder already has an item with that name."""

from collections.abc import Collection, Iterator
from enum import StrEnum
from itertools import chain, repeat
from typing import NamedTuple
from uuid import UUID

from storage.database.connection import fetch, fetch_ids
from storage.database.values import marks, parts
from storage.drive.errors import NameTaken
from storage.drive.items import find_by_name, load
from storage.drive.models import Item, ItemKind
from storage.drive.names import folded, numbered

#: The numbers that are tried at once. Most names have few copies.
BATCHES = (8, 64, 512)
#: Names that one statement looks up.
NAMES_AT_ONCE = 100
NAMED = "SELECT id FROM item WHERE {}"
#: The whole condition of the index for each name, so that both databases look up each in it.
IS_NAMED = "parent_id = ? AND folded_name = ? AND trashed_at IS NULL"
TAKEN = "SELECT folded_name FROM item WHERE parent_id = ? AND trashed_at IS NULL AND folded_name IN ({})"


class ConflictPolicy(StrEnum):
    """What to do if the folder already has an item with the name."""

    FAIL = "FAIL"
    KEEP_BOTH = "KEEP_BOTH"
    REPLACE = "REPLACE"


class Place(NamedTuple):
    """A name that is free in a folder, or the file with that name that a file replaces."""

    name: str
    replaced: Item | None = None


async def place(
    account_id: UUID,
    parent_id: UUID,
    name: str,
    policy: ConflictPolicy,
    *,
    kind: ItemKind = ItemKind.FILE,
    item_id: UUID | None = None,
) -> Place:
    """Find the place of an item of this kind in a folder. ``item_id`` is the item itself, if it is in the folder.

    Only a file replaces a file. Call it under the lock of the account, which keeps the place free.

    Raises :class:`NameTaken`.
    """
    other = await find_by_name(parent_id, name)
    if other is None or other.id == item_id:
        return Place(name)
    if policy is ConflictPolicy.KEEP_BOTH:
        return Place(await _free_name(parent_id, name, item_id))
    if policy is ConflictPolicy.REPLACE and kind is other.kind is ItemKind.FILE and other.account_id == account_id:
        return Place(other.name, other)
    raise NameTaken(other.id)


async def items_named(names: Collection[tuple[UUID, str]]) -> dict[tuple[UUID, str], Item]:
    """The items with these names in these folders, by folder and folded name. Those in the trash have no name there."""
    keys = {(folder_id, folded(name)) for folder_id, name in names}
    found: list[UUID] = []
    for part in parts(keys, NAMES_AT_ONCE):
        found += await fetch_ids(NAMED.format(" OR ".join([IS_NAMED] * len(part))), *chain.from_iterable(part))
    return {(item.parent_id, item.folded_name): item for item in (await load(found)).values() if item.parent_id}


async def _free_name(parent_id: UUID, name: str, item_id: UUID | None) -> str:
    """The name with the lowest number that no other item of the folder has."""
    own = await Item.get_or_none(id=item_id, parent_id=parent_id) if item_id else None
    for numbers in _batches():
        names = {folded(candidate): candidate for candidate in (numbered(name, number) for number in numbers)}
        taken = {found for (found,) in await fetch(TAKEN.format(marks(names)), parent_id, *names)}
        if own:
            taken.discard(own.folded_name)
        for key, candidate in names.items():
            if key not in taken:
                return candidate
    raise AssertionError


def _batches() -> Iterator[range]:
    start = 2
    for size in chain(BATCHES, repeat(BATCHES[-1])):
        yield range(start, start + size)
        start += size
