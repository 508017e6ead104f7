"""Pages of the items of a folder: its folders first, then its files, each in the order that a client chooses.

Folders and files are two segments of the list. Each is read along an index, from a position that a cursor holds as
values: so it stays valid when the item there is renamed, moved or deleted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from storage.database.connection import as_uuid, fetch
from storage.database.engine import Rows
from storage.database.pages import Window
from storage.database.values import marks, parts
from storage.drive.items import load
from storage.drive.models import FileKind, Item, ItemKind

#: The segments of the list, in order.
SEGMENTS = (ItemKind.FOLDER, ItemKind.FILE)
#: A part of one list. One statement reads a part of each of several lists.
PART = (
    "SELECT * FROM (SELECT {number} AS part, id FROM item WHERE {conditions} ORDER BY {order} LIMIT ?) AS part{number}"
)
#: The lists of one statement. SQLite combines up to 500 queries.
MAX_LISTS = 100
#: Stored times are within these years, and a client may write any others.
EARLIEST, LATEST = datetime(1000, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
#: Items whose conditions are checked to count them: a hundredth of a second.
MOST_COUNTED = 10_000
COUNT = """
SELECT COUNT(*), SUM(CASE WHEN {conditions} THEN 1 ELSE 0 END)
FROM (SELECT * FROM item WHERE {folder} LIMIT ?) AS item"""


class OrderField(StrEnum):
    """What the items of a folder are ordered by."""

    NAME = "NAME"
    SIZE = "SIZE"
    CREATED_AT = "CREATED_AT"
    UPDATED_AT = "UPDATED_AT"


class ItemOrder(NamedTuple):
    """An order of items. In both directions folders come before files."""

    field: OrderField = OrderField.NAME
    descending: bool = False


@dataclass(frozen=True)
class ItemFilter:
    """Conditions that all hold for the items of a list.

    Folders have no kind and no size, so a condition on one of these excludes them. ``created_after`` and
    ``created_before`` are themselves excluded; sizes are in bytes and included.
    """

    kinds: tuple[FileKind, ...] | None = None
    starred: bool | None = None
    min_size: int | None = None
    max_size: int | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None

    @property
    def excludes_folders(self) -> bool:
        """Whether no folder can meet the conditions."""
        return self.kinds is not None or self.min_size is not None or self.max_size is not None

    @property
    def excludes_everything(self) -> bool:
        """Whether no item can meet the conditions."""
        return self.kinds == ()


NO_FILTER = ItemFilter()


class Position(NamedTuple):
    """A place in a list: that of the item with this kind, key and ID, whether it still exists or not.

    ``key`` is the value of the column that orders its segment; None if that is the ID.
    """

    kind: ItemKind
    key: bytes | int | datetime | None
    id: UUID

    @property
    def sort_key(self) -> tuple[Any, UUID]:
        """What orders positions of one segment."""
        return (self.key, self.id) if self.key is not None else (0, self.id)


class Condition(NamedTuple):
    """A condition in SQL, and its values."""

    sql: str
    values: Sequence[object] = ()


@dataclass(frozen=True)
class ItemList:
    """A window of the items of a folder that are not in the trash."""

    folder_id: UUID
    order: ItemOrder
    only: ItemFilter
    window: Window[Position]


async def pages(lists: Sequence[ItemList]) -> list[list[Item]]:
    """The items of each window. The number of queries does not depend on that of the lists, up to ``MAX_LISTS``."""
    found: list[list[Item]] = []
    for part in parts(lists, MAX_LISTS):
        found += await _pages(part)
    return found


async def _pages(lists: Sequence[ItemList]) -> list[list[Item]]:
    ids: list[list[UUID]] = [[] for _ in lists]
    for turn in range(len(SEGMENTS)):
        parts = {
            number: part
            for number, wanted in enumerate(lists)
            if (part := _part(number, wanted, turn, wanted.window.limit - len(ids[number])))
        }
        for number, key in await _read(list(parts.values())):
            ids[number].append(as_uuid(key))
    rows = await load([key for keys in ids for key in keys])
    return [
        _ordered([rows[key] for key in keys if key in rows], wanted.order)
        for keys, wanted in zip(ids, lists, strict=True)
    ]


async def _read(parts: Sequence[Condition]) -> Rows:
    if not parts:
        return []
    return await fetch("\nUNION ALL ".join(part.sql for part in parts), *_values(parts))


def _ordered(items: Sequence[Item], order: ItemOrder) -> list[Item]:
    """The items in the order of a list. A combined query returns them in any."""
    segments = [[item for item in items if item.kind is kind] for kind in SEGMENTS]
    return [
        item
        for segment in segments
        for item in sorted(segment, key=lambda item: position(item, order).sort_key, reverse=order.descending)
    ]


async def count(folder_id: UUID, only: ItemFilter) -> int | None:
    """The number of items of a folder that are not in the trash and meet the conditions.

    None if the folder has more than 10,000 items of the kind, whether they meet them or not.
    """
    segments = [kind for kind in SEGMENTS if not _is_excluded(kind, only)]
    if not segments:
        return 0
    folder = [_in_folder(folder_id), Condition(f"kind IN ({marks(segments)})", segments)]
    conditions = [Condition("1 = 1"), *conditions_of(only)]
    statement = COUNT.format(conditions=_joined(conditions), folder=_joined(folder))
    ((checked, number),) = await fetch(statement, *_values(conditions), *_values(folder), MOST_COUNTED + 1)
    return None if checked > MOST_COUNTED else int(number or 0)


def position(item: Item, order: ItemOrder) -> Position:
    """The position of an item in a list with this order."""
    column = key_column(order.field, item.kind)
    return Position(item.kind, getattr(item, column) if column else None, item.id)


def key_column(field: OrderField, kind: ItemKind) -> str | None:
    """The column that orders a segment, before the ID; None if the ID does, which is a time of creation."""
    if field is OrderField.CREATED_AT:
        return None
    if field is OrderField.UPDATED_AT:
        return "updated_at"
    # Folders have no size: in a list by size they are in the order of their names.
    return "size" if field is OrderField.SIZE and kind is ItemKind.FILE else "sort_key"


def _part(number: int, wanted: ItemList, turn: int, limit: int) -> Condition | None:
    """The query for up to ``limit`` items of a segment of a list; None if the list needs none of it."""
    order, window = wanted.order, wanted.window
    kind = SEGMENTS[::-1][turn] if window.backwards else SEGMENTS[turn]
    if limit <= 0 or _is_excluded(kind, wanted.only) or not _reaches(window, kind):
        return None
    column = key_column(order.field, kind)
    conditions = [_in_folder(wanted.folder_id), Condition(f"kind = '{kind}'"), *conditions_of(wanted.only)]
    if window.after and window.after.kind is kind:
        conditions.append(_beyond(column, window.after, "<" if order.descending else ">"))
    if window.before and window.before.kind is kind:
        conditions.append(_beyond(column, window.before, ">" if order.descending else "<"))
    direction = "DESC" if order.descending != window.backwards else "ASC"
    columns = ", ".join(f"{name} {direction}" for name in (column, "id") if name)
    statement = PART.format(number=number, conditions=_joined(conditions), order=columns)
    return Condition(statement, [*_values(conditions), limit])


def _reaches(window: Window[Position], kind: ItemKind) -> bool:
    """Whether the segment of this kind has places within the window."""
    ends_before = kind is ItemKind.FOLDER and window.after is not None and window.after.kind is ItemKind.FILE
    starts_behind = kind is ItemKind.FILE and window.before is not None and window.before.kind is ItemKind.FOLDER
    return not ends_before and not starts_behind


def _is_excluded(kind: ItemKind, only: ItemFilter) -> bool:
    return only.excludes_everything or (kind is ItemKind.FOLDER and only.excludes_folders)


def _beyond(column: str | None, place: Position, comparison: str) -> Condition:
    """The condition for items on one side of a place. As a comparison of rows it is a range of the index."""
    if column is None:
        return Condition(f"id {comparison} ?", [place.id])
    return Condition(f"({column}, id) {comparison} (?, ?)", [place.key, place.id])


def _in_folder(folder_id: UUID) -> Condition:
    return Condition("parent_id = ? AND trashed_at IS NULL", [folder_id])


def conditions_of(only: ItemFilter) -> list[Condition]:
    """The conditions in SQL on columns of items."""
    compared = {
        "size >= ?": only.min_size,
        "size <= ?": only.max_size,
        "created_at > ?": _in_utc(only.created_after),
        "created_at < ?": _in_utc(only.created_before),
    }
    conditions = [Condition(sql, [value]) for sql, value in compared.items() if value is not None]
    if only.kinds:
        conditions.append(Condition(f"file_kind IN ({marks(only.kinds)})", only.kinds))
    if only.starred is not None:
        conditions.append(Condition("starred" if only.starred else "NOT starred"))
    return conditions


def _joined(conditions: Sequence[Condition]) -> str:
    return " AND ".join(condition.sql for condition in conditions)


def _values(conditions: Sequence[Condition]) -> list[object]:
    return [value for condition in conditions for value in condition.values]


def _in_utc(moment: datetime | None) -> datetime | None:
    """The time as it is stored: SQLite compares the texts. A time without an offset is one of UTC."""
    if moment is None:
        return None
    if not EARLIEST.year < moment.year < LATEST.year:
        return EARLIEST if moment.year <= EARLIEST.year else LATEST
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
