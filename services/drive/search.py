"""Searches in a drive."""

from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import NamedTuple, Protocol
from uuid import UUID

from services.core.errors import InvalidInput
from services.core.validation import one_line
from services.drive.errors import SearchTimeout
from storage.drive import items
from storage.drive.models import Item
from storage.drive.tree.listing import NO_FILTER, ItemFilter
from storage.drive.tree.visible import visible_ids
from storage.errors import QueryTimeout
from storage.search import entries
from storage.search.entries import NEWEST, Entry, Found
from storage.search.folding import words_of

#: Longer than any name.
MAX_QUERY_CHARACTERS = 300
#: Each word is compared with every candidate.
MAX_QUERY_WORDS = 10
#: Entries with the words that one page looks at. Each may turn out to be in the trash, or to fail the filter.
MAX_CANDIDATES = 5_000
#: Candidates of one statement.
MAX_BATCH = 1_000
#: After so many seconds a page ends with what it has found, and the client requests the next one.
PAGE_SECONDS = 0.2


class SearchSource(Protocol):
    """Texts of items, such as their names.

    All sources share the positions of :mod:`storage.search.entries`: a newer item has a greater one.
    """

    async def find(self, account_id: UUID, words: Sequence[str], before: int, limit: int) -> Found:
        """The newest items of an account before a position whose text contains every folded word.

        It may stop early; the search then continues at ``searched_to`` of what it returns. Raises
        :class:`storage.errors.QueryTimeout`.
        """


class Names:
    """The names of items."""

    async def find(self, account_id: UUID, words: Sequence[str], before: int, limit: int) -> Found:
        """See :class:`SearchSource`."""
        return await entries.find(account_id, words, before, limit)


class Hit(NamedTuple):
    """An item that a search found, at a position."""

    position: int
    item: Item


@dataclass(frozen=True)
class SearchPage:
    """Hits, the newest first. The next page begins before ``searched_to``; None if there is none.

    A page ends early after much work. So it can have fewer hits than its size, or none, and a next page.
    """

    hits: Sequence[Hit]
    searched_to: int | None


class Search:
    """Finds visible items of an account by words."""

    def __init__(self, source: SearchSource | None = None) -> None:
        """The source is the names of items by default."""
        self._source = source or Names()

    async def page(
        self, account_id: UUID, query: str, *, only: ItemFilter = NO_FILTER, first: int, before: int | None = None
    ) -> SearchPage:
        """The ``first`` newest items before a position whose text contains every word of the query.

        Raises :class:`InvalidInput` and :class:`SearchTimeout`.
        """
        words = search_words(query)
        try:
            found, searched_to = await self._find(account_id, words, only, first, NEWEST if before is None else before)
        except QueryTimeout as error:
            raise SearchTimeout("The search took too long. Use longer or more words.", field="query") from error
        rows = await items.find_many([entry.item_id for entry in found])
        hits = [Hit(entry.position, rows[entry.item_id]) for entry in found if entry.item_id in rows]
        return SearchPage(hits, searched_to or None)

    async def _find(
        self, account_id: UUID, words: Sequence[str], only: ItemFilter, first: int, before: int
    ) -> tuple[list[Entry], int]:
        found: list[Entry] = []
        # One hit more than the page has shows whether there is another page.
        candidates, batch, deadline = 0, first + 1, monotonic() + PAGE_SECONDS
        while True:
            part = await self._source.find(account_id, words, before, batch)
            visible = await visible_ids(account_id, [entry.item_id for entry in part.entries], only)
            found += [entry for entry in part.entries if entry.item_id in visible]
            candidates, before, batch = candidates + len(part.entries), part.searched_to, min(4 * batch, MAX_BATCH)
            if not before or len(found) > first or candidates >= MAX_CANDIDATES or monotonic() > deadline:
                break
        if len(found) > first:
            return found[:first], found[first - 1].position
        return found, before


def search_words(query: str) -> list[str]:
    """The folded words of a query. Raises :class:`InvalidInput` without a word, and for too many."""
    if len(query) > MAX_QUERY_CHARACTERS:
        raise InvalidInput(f"A search has at most {MAX_QUERY_CHARACTERS} characters.", field="query")
    words = words_of(one_line(query, field="query"))
    if not words:
        raise InvalidInput("Search for at least one word.", field="query")
    if len(words) > MAX_QUERY_WORDS:
        raise InvalidInput(f"A search has at most {MAX_QUERY_WORDS} words.", field="query")
    return words
