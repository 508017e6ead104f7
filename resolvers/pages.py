"""Pages of lists: newest first, continued behind a cursor."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from resolvers.ids import parse_id
from services.core.errors import InvalidInput

T = TypeVar("T")

PAGE = 20
MAX_PAGE = 100


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some of a list, and whether there is more behind it."""

    items: Sequence[T]
    has_next: bool


def page_size(first: int | None, default: int, maximum: int) -> int:
    """The wanted number of items. Raises :class:`InvalidInput` outside 1 to ``maximum``."""
    if first is None:
        return default
    if not 1 <= first <= maximum:
        raise InvalidInput(f"'first' is 1 to {maximum}.", field="first")
    return first


def cut(found: Sequence[T], limit: int) -> Page[T]:
    """The page of at most ``limit`` items, out of up to one more that were found."""
    return Page(found[:limit], len(found) > limit)


def key_after(cursor: str | None) -> UUID | None:
    """The key behind which a page begins. Raises :class:`InvalidInput` when the cursor is not one of ours."""
    if cursor is None:
        return None
    key = parse_id(cursor)
    if key is None:
        raise InvalidInput("This cursor was not made by this server.", field="after")
    return key
