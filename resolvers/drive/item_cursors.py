"""Cursors of lists of items. A cursor is a position in text form, so it does not depend on an item that still exists.

A position holds the name of an item and not its key, so that cursors outlive a change of the order of names.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from storage.drive.models import Item, ItemKind
from storage.drive.names import sort_key
from storage.drive.tree.listing import ItemOrder, Position, key_column
from storage.drive.tree.trash import TrashPosition

#: A name has up to 255 bytes; JSON writes up to six characters for one of them.
MAX_CURSOR_CHARACTERS = 2_500
#: The largest integer of the databases.
MAX_INTEGER = 2**63 - 1


def item_cursor(item: Item, order: ItemOrder) -> str:
    """The cursor of an item in a list with this order."""
    column = key_column(order.field, item.kind)
    key = {"sort_key": item.name, "size": item.size, "updated_at": item.updated_at.isoformat(), None: None}[column]
    return _text([order.field, item.kind, key, item.id.hex])


def item_cursor_parser(order: ItemOrder) -> Callable[[str], Position | None]:
    """A function that returns the position in a cursor of a list with this order, or None for any other text."""

    def parse(cursor: str) -> Position | None:
        try:
            field, kind, key, item_id = _values(cursor)
            if field != order.field:
                return None
            return Position(ItemKind(kind), _key(key_column(order.field, ItemKind(kind)), key), UUID(item_id))
        except (ValueError, TypeError, AttributeError, RecursionError):
            return None

    return parse


def trash_cursor(item: Item) -> str:
    """The cursor of an item in the trash."""
    assert item.trashed_at
    return _text([item.trashed_at.isoformat(), item.id.hex])


def parse_trash_cursor(cursor: str) -> TrashPosition | None:
    """The position in a cursor of the trash; None if it is not such a cursor."""
    try:
        moment, item_id = _values(cursor)
        return TrashPosition(_time(moment), UUID(item_id))
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None


def _key(column: str | None, key: Any) -> bytes | int | datetime | None:
    if column == "sort_key":
        return sort_key(_typed(key, str))
    if column == "updated_at":
        return _time(key)
    if column == "size" and not abs(_typed(key, int)) <= MAX_INTEGER:
        raise ValueError
    return int(key) if column == "size" else None


def _time(text: Any) -> datetime:
    moment = datetime.fromisoformat(_typed(text, str))
    if moment.utcoffset() is None or not 1 < moment.year < 9999:
        raise ValueError
    return moment.astimezone(UTC)


def _typed(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise TypeError
    return value


def _text(values: list[Any]) -> str:
    return (
        urlsafe_b64encode(json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()).decode().rstrip("=")
    )


def _values(cursor: str) -> list[Any]:
    if len(cursor) > MAX_CURSOR_CHARACTERS:
        raise ValueError
    found = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    if not isinstance(found, list):
        raise TypeError
    return found
