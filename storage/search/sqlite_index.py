"""The index of searches in SQLite: a table of FTS5 with trigrams (https://sqlite.org/fts5.html).

Its contents are those of ``search_entry``, which triggers keep it equal to. The table of another version of SQLite that
lacks FTS5 would make every change of an entry fail, so the triggers are dropped there, and made again later.
"""

import sqlite3
from collections.abc import Sequence
from uuid import UUID

from storage.database.connection import fetch
from storage.database.engine import Statement

#: The trigram tokenizer came with this version (https://sqlite.org/releaselog/3_34_0.html).
FIRST_VERSION = (3, 34, 0)
#: The characters of the shortest word that trigrams can find.
TRIGRAM = 3
# Entries are folded already: SQLite's own folding would find more than other databases do.
TABLE = """
CREATE VIRTUAL TABLE search_index USING fts5(
    text, content='search_entry', content_rowid='id', tokenize='trigram case_sensitive 1'
)"""
REBUILD = "INSERT INTO search_index (search_index) VALUES ('rebuild')"
REMOVE_OLD = "INSERT INTO search_index (search_index, rowid, text) VALUES ('delete', old.id, old.text);"
ADD_NEW = "INSERT INTO search_index (rowid, text) VALUES (new.id, new.text);"
TRIGGERS = {
    "search_entry_inserted": f"AFTER INSERT ON search_entry BEGIN {ADD_NEW} END",
    "search_entry_deleted": f"AFTER DELETE ON search_entry BEGIN {REMOVE_OLD} END",
    "search_entry_updated": f"AFTER UPDATE ON search_entry BEGIN {REMOVE_OLD} {ADD_NEW} END",
}
HAS_TRIGGERS = "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'search_entry'"
HAS_FTS5 = "SELECT count(*) FROM pragma_module_list WHERE name = 'fts5'"
# In the order of the index. Ordered by the other table, SQLite would sort all that match.
LOOK_UP = """
SELECT entry.id, entry.item_id FROM search_index CROSS JOIN search_entry AS entry ON entry.id = search_index.rowid
WHERE search_index MATCH ? AND search_index.rowid < ? AND entry.account_id = ? {}
ORDER BY search_index.rowid DESC LIMIT ?"""

READ = """
SELECT id, item_id FROM search_entry WHERE account_id = ? AND id >= ? AND id < ? {} ORDER BY id DESC LIMIT ?"""


class SqliteIndex:
    """See :class:`storage.search.index.SearchIndex`."""

    async def exists(self) -> bool:
        """See :class:`storage.search.index.SearchIndex`."""
        ((count,),) = await fetch(HAS_TRIGGERS)
        return bool(count)

    async def update(self) -> None:
        """See :class:`storage.search.index.SearchIndex`."""
        is_possible, exists = await self._is_possible(), await self.exists()
        if exists and not is_possible:
            for name in TRIGGERS:
                await fetch(f"DROP TRIGGER {name}")
        elif is_possible and not exists:
            await fetch("DROP TABLE IF EXISTS search_index")
            await fetch(TABLE)
            await fetch(REBUILD)
            for name, trigger in TRIGGERS.items():
                await fetch(f"CREATE TRIGGER {name} {trigger}")

    async def problem(self) -> str | None:
        """See :class:`storage.search.index.SearchIndex`."""
        if await self.exists():
            return None
        if await self._is_possible():
            return "the index was not made; start CloudKeep again"
        return (
            f"this Python has SQLite {sqlite3.sqlite_version}, without the trigrams of FTS5; start CloudKeep with a "
            "Python whose SQLite is 3.34 or newer and has FTS5, and it makes the index"
        )

    def can_find(self, word: str) -> bool:
        """See :class:`storage.search.index.SearchIndex`."""
        return len(word) >= TRIGRAM

    def look_up(self, account_id: UUID, words: Sequence[str], before: int, limit: int) -> Statement:
        """See :class:`storage.search.index.SearchIndex`."""
        phrases = ['"' + word.replace('"', '""') + '"' for word in words if self.can_find(word)]
        short = [word for word in words if not self.can_find(word)]
        query = LOOK_UP.format("AND instr(entry.text, ?) > 0 " * len(short))
        return query, (" AND ".join(phrases), before, account_id, *short, limit)

    def read(self, account_id: UUID, words: Sequence[str], ids: range, limit: int) -> Statement:
        """See :class:`storage.search.index.SearchIndex`."""
        query = READ.format("AND instr(text, ?) > 0 " * len(words))
        return query, (account_id, ids.start, ids.stop, *words, limit)

    async def _is_possible(self) -> bool:
        ((count,),) = await fetch(HAS_FTS5)
        return bool(count) and sqlite3.sqlite_version_info >= FIRST_VERSION
