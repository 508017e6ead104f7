"""Searches in the viewer's drive."""

from resolvers.context import Context
from resolvers.pages import MAX_PAGE, PAGE
from services.core.decimals import parse_decimal
from services.core.errors import InvalidInput
from services.drive.search import SearchPage as SearchPage
from storage.drive.tree.listing import NO_FILTER, ItemFilter
from storage.search.entries import NEWEST

#: The largest position has so many digits.
MAX_DIGITS = 19


async def search(
    context: Context, query: str, only: ItemFilter | None, first: int | None, after: str | None
) -> SearchPage:
    """A page of the viewer's items that have the words of the query. Raises like :meth:`Search.page`."""
    size = PAGE if first is None else first
    if not 1 <= size <= MAX_PAGE:
        raise InvalidInput(f"'first' must be 1 to {MAX_PAGE}.", field="first")
    before = None if after is None else _position(after)
    return await context.services.search.page(
        context.viewer.account_id, query, only=only or NO_FILTER, first=size, before=before
    )


def _position(cursor: str) -> int:
    position = parse_decimal(cursor, MAX_DIGITS)
    if position is None or position > NEWEST:
        raise InvalidInput("This cursor was not made by this server.", field="after")
    return position
