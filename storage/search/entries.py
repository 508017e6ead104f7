"""The texts by which items are found: for now, their names."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple
from uuid import UUID

from storage.database.connection import as_uuid, execute_many, fetch, fetch_within
from storage.database.engine import Statement
from storage.errors import QueryTimeout
from storage.search.folding import fold
from storage.search.index import search_index
from storage.search.models import SearchEntry

#: A position after all entries.
NEWEST = 2**63 - 1
#: Entries that are read one by one at a time, which takes a few milliseconds: the newest ones before the index is used.
#: So small accounts need no index, which has the entries of all accounts, and it only has to find rare words.
READ_AT_ONCE = 5_000
#: Seconds for the index, far more than it needs for a million names. If it takes longer, reading goes on instead.
INDEX_SECONDS = 0.5
#: Seconds to read entries one by one.
READ_SECONDS = 2.0

PUT = """
INSERT INTO search_entry (account_id, item_id, text) VALUES (?, ?, ?)
ON CONFLICT (item_id) DO UPDATE SET text = excluded.text WHERE search_entry.text <> excluded.text"""
FLOOR = "SELECT id FROM search_entry WHERE account_id = ? AND id < ? ORDER BY id DESC LIMIT 1 OFFSET ?"


class Entry(NamedTuple):
    """An item that a search found. Newer items have a greater position."""

    position: int
    item_id: UUID


class Found(NamedTuple):
    """The entries that a search found among those from ``searched_to`` on; 0 means among all of them."""

    entries: Sequence[Entry]
    searched_to: int


async def put(account_id: UUID, texts: Mapping[UUID, str]) -> None:
    """Store the text of each item, or change it. New items are newer than all others, in the order of the mapping.

    Call it inside the transaction that changes the items, after the account was locked.
    """
    if texts:
        await execute_many(PUT, [(account_id, item_id, fold(text)) for item_id, text in texts.items()])


async def remove(item_ids: Collection[UUID]) -> None:
    """Remove the texts of items. Call it inside the transaction that deletes them."""
    if item_ids:
        await SearchEntry.filter(item_id__in=list(item_ids)).delete()


async def find(account_id: UUID, words: Sequence[str], before: int = NEWEST, limit: int = 100) -> Found:
    """The newest entries of an account before a position whose text contains every word.

    ``words`` are those of :func:`storage.search.folding.words_of`. Without the help of an index, it reads only some
    entries; continue at ``searched_to``.

    Raises :class:`storage.errors.QueryTimeout` and :class:`storage.errors.DatabaseUnavailable`.
    """
    index = search_index()
    floor = await _floor(account_id, before)
    found = await _fetch(READ_SECONDS, index.read(account_id, words, range(floor, before), limit))
    if floor and len(found) < limit and any(map(index.can_find, words)) and await index.exists():
        with suppress(QueryTimeout):
            found += await _fetch(INDEX_SECONDS, index.look_up(account_id, words, floor, limit - len(found)))
            floor = 0
    return Found(found, found[-1].position if len(found) == limit else floor)


async def _floor(account_id: UUID, before: int) -> int:
    """The position of the last entry that is read before the index is used; 0 if there are fewer entries."""
    rows = await fetch(FLOOR, account_id, before, READ_AT_ONCE - 1)
    return int(rows[0][0]) if rows else 0


async def _fetch(seconds: float, statement: Statement) -> list[Entry]:
    query, values = statement
    rows = await fetch_within(seconds, query, *values)
    return [Entry(position, as_uuid(item_id)) for position, item_id in rows]
