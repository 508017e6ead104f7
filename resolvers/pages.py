"""Pages of lists, according to the GraphQL Cursor Connections specification.

See https://relay.dev/graphql/connections.htm, sections 4.3 and 5.1.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar
from uuid import UUID

from services.core.decimals import parse_decimal
from services.core.errors import InvalidInput
from storage.database.pages import Window

Key = TypeVar("Key")
Row = TypeVar("Row")

PAGE = 20
MAX_PAGE = 100
#: Digits of the largest index in a cursor.
MAX_INDEX_DIGITS = 9
#: Counts all items of a list; None if that is too much work.
Count = Callable[[], Awaitable[int | None]]


@dataclass(frozen=True)
class PageArguments:
    """The arguments of a connection: the ``first`` items after ``after``, or the ``last`` items before ``before``."""

    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some items of a list, whether it has items before and after them, and a function that counts all its items."""

    items: Sequence[Row]
    has_next: bool
    has_previous: bool
    count: Count


@dataclass(frozen=True)
class Listing(Generic[Row, Key]):
    """A list that is read in pages.

    ``fetch`` returns a window of the list, and ``key`` the position of an item. ``parse`` returns the position that a
    cursor has, or None if it is not a cursor of this server. A page has ``default`` items. Clients may request 1 to
    ``maximum`` items, but get at most ``largest``.
    """

    fetch: Callable[[Window[Key]], Awaitable[Sequence[Row]]]
    count: Count
    key: Callable[[Row], Key]
    parse: Callable[[str], Key | None]
    default: int = PAGE
    maximum: int = MAX_PAGE
    largest: int = MAX_PAGE

    async def page(self, arguments: PageArguments) -> Page[Row]:
        """The page for these arguments. Raises :class:`InvalidInput`."""
        window = self._window(arguments)
        # One item more than the page has shows whether there is another page.
        rows = await self.fetch(replace(window, limit=window.limit + 1))
        has_more = len(rows) > window.limit
        if window.backwards:
            items = rows[-window.limit :]
            return Page(items, await self._has_next(window, items), has_more, self.count)
        items = rows[: window.limit]
        return Page(items, has_more, await self._has_previous(window, items), self.count)

    async def _has_previous(self, window: Window[Key], items: Sequence[Row]) -> bool:
        if window.after is None:
            return False
        return bool(await self.fetch(Window(1, before=self.key(items[0])) if items else Window(1)))

    async def _has_next(self, window: Window[Key], items: Sequence[Row]) -> bool:
        if window.before is None:
            return False
        return bool(await self.fetch(Window(1, after=self.key(items[-1])) if items else Window(1)))

    def _window(self, arguments: PageArguments) -> Window[Key]:
        if arguments.first is not None and arguments.last is not None:
            raise InvalidInput("Pass 'first' or 'last', not both.", field="last")
        name, size = ("last", arguments.last) if arguments.last is not None else ("first", arguments.first)
        if size is not None and not 1 <= size <= self.maximum:
            raise InvalidInput(f"'{name}' must be 1 to {self.maximum}.", field=name)
        return Window(
            limit=min(self.default if size is None else size, self.largest),
            after=self._key(arguments.after, "after"),
            before=self._key(arguments.before, "before"),
            backwards=name == "last",
        )

    def _key(self, cursor: str | None, field: str) -> Key | None:
        if cursor is None:
            return None
        key = self.parse(cursor)
        if key is None:
            raise InvalidInput("This cursor was not made by this server.", field=field)
        return key


def parse_key(cursor: str) -> UUID | None:
    """The key in a cursor of a list of rows; None if it is not such a cursor."""
    try:
        return UUID(cursor)
    except ValueError:
        return None


def parse_index(cursor: str) -> int | None:
    """The index in a cursor of a list of slots; None if it is not such a cursor."""
    return parse_decimal(cursor, MAX_INDEX_DIGITS)
