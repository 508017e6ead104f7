"""The texts by which items are found: for now, their names."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from storage.database.connection import as_uuid, execute_many, fetch, fetch_within
from storage.search.folding import fold
from storage.search.index import SearchIndex, search_index

#: A position after all entries.
NEWEST = 2**63 - 1
#: Entries that are read one by one at a time: a few hundredths of a second. Smaller accounts need no index, which has
#: the entries of all accounts.
READ_AT_ONCE = 10_000
#: Seconds for one statement. The slowest over a million names takes a third of one.
MOST_SECONDS = 2.0

PUT = """
INSERT INTO search_entry (account_id, item_id, text) VALUES (?, ?, ?)
ON CONFLICT (item_id) DO UPDATE SET text = excluded.text WHERE search_entry.text <> excluded.text"""
REMOVE = "DELETE FROM search_entry WHERE item_id = ?"
FLOOR = "SELECT id FROM search_entry WHERE account_id = ? AND id < ? ORDER BY id DESC LIMIT 1 OFFSET ?"
READ = """
SELECT id, item_id FROM search_entry WHERE account_id = ? AND id >= ? AND id < ? {} ORDER BY id DESC LIMIT ?"""


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
        await execute_many(REMOVE, [(item_id,) for item_id in item_ids])


async def find(account_id: UUID, words: Sequence[str], before: int = NEWEST, limit: int = 100) -> Found:
    """The newest entries of an account before a position whose text contains every word.

    ``words`` are those of :func:`storage.search.folding.words_of`. Without the help of an index, it reads only some
    entries; continue at ``searched_to``.

    Raises :class:`storage.errors.QueryTimeout` and :class:`storage.errors.DatabaseUnavailable`.
    """
    index = search_index()
    floor = await fetch(FLOOR, account_id, before, READ_AT_ONCE - 1)
    if floor and any(map(index.can_find, words)) and await index.exists():
        statement, values = index.statement(account_id, words, before, limit)
        start = 0
    else:
        start = floor[0][0] if floor else 0
        statement, values = _reading(index, account_id, words, range(start, before), limit)
    rows = await fetch_within(MOST_SECONDS, statement, *values)
    entries = [Entry(position, as_uuid(item_id)) for position, item_id in rows]
    return Found(entries, entries[-1].position if len(entries) == limit else start)


def _reading(
    index: SearchIndex, account_id: UUID, words: Sequence[str], positions: range, limit: int
) -> tuple[str, Sequence[object]]:
    conditions = f"AND {index.contains} " * len(words)
    return READ.format(conditions), (account_id, positions.start, positions.stop, *words, limit)
