"""The index of searches in PostgreSQL: a GIN index of accounts and trigrams.

(https://www.postgresql.org/docs/current/pgtrgm.html, https://www.postgresql.org/docs/current/btree-gin.html)
"""

import re
from collections.abc import Sequence
from uuid import UUID

from tortoise.exceptions import OperationalError
from tortoise.transactions import in_transaction

from storage.database.connection import fetch
from storage.database.engine import WRITER, Statement

EXTENSIONS = ("btree_gin", "pg_trgm")
INSTALLED = "SELECT count(*) FROM pg_extension WHERE extname IN ('btree_gin', 'pg_trgm')"
EXISTS = "SELECT to_regclass('search_entry_text') IS NOT NULL"
#: The schema of the operators, which need not be in the search path.
SCHEMA = """
SELECT quote_ident(nspname) FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace
WHERE extname = 'pg_trgm'"""
# Without the list of pending entries, which one of the later inserts would have to sort into the index.
INDEX = """
CREATE INDEX search_entry_text ON search_entry USING gin (account_id, text {}.gin_trgm_ops) WITH (fastupdate = off)"""
# Sorted afterwards: PostgreSQL expects too many hits for two words that are never in one name, and would read all
# entries in their order until it has found a page of them.
LOOK_UP = """
SELECT id, item_id FROM search_entry WHERE account_id = ? AND id < ? {} ORDER BY id + 0 DESC LIMIT ?"""
# An array, so that PostgreSQL reads these entries and not those of other accounts with IDs in the range.
READ = """
SELECT id, item_id FROM search_entry
WHERE id = ANY(ARRAY(SELECT id FROM search_entry WHERE account_id = ? AND id >= ? AND id < ? ORDER BY id)) {}
ORDER BY id DESC LIMIT ?"""
SPECIAL = re.compile(r"([\\%_])")
# Of a pattern without three letters or digits in a row the extension takes no trigram, and reads the whole index.
TRIGRAM = re.compile(r"[^\W_]{3}")


class PostgresIndex:
    """See :class:`storage.search.index.SearchIndex`."""

    async def exists(self) -> bool:
        """See :class:`storage.search.index.SearchIndex`."""
        ((exists,),) = await fetch(EXISTS)
        return bool(exists)

    async def update(self) -> None:
        """See :class:`storage.search.index.SearchIndex`."""
        if not await self.exists() and await self._has_extensions():
            ((schema,),) = await fetch(SCHEMA)
            await fetch(INDEX.format(schema))

    async def problem(self) -> str | None:
        """See :class:`storage.search.index.SearchIndex`."""
        if await self.exists():
            return None
        commands = " ".join(f"CREATE EXTENSION IF NOT EXISTS {name};" for name in EXTENSIONS)
        return (
            f"the database has no index for them; let its owner or a superuser run {commands} (both are in "
            "PostgreSQL's contrib modules), and start CloudKeep again"
        )

    def can_find(self, word: str) -> bool:
        """See :class:`storage.search.index.SearchIndex`."""
        return TRIGRAM.search(word) is not None

    def look_up(self, account_id: UUID, words: Sequence[str], before: int, limit: int) -> Statement:
        """See :class:`storage.search.index.SearchIndex`."""
        patterns = [f"%{SPECIAL.sub(_escape, word)}%" for word in words if self.can_find(word)]
        others = [word for word in words if not self.can_find(word)]
        conditions = "AND text LIKE ? " * len(patterns) + "AND strpos(text, ?) > 0 " * len(others)
        return LOOK_UP.format(conditions), (account_id, before, *patterns, *others, limit)

    def read(self, account_id: UUID, words: Sequence[str], ids: range, limit: int) -> Statement:
        """See :class:`storage.search.index.SearchIndex`."""
        query = READ.format("AND strpos(text, ?) > 0 " * len(words))
        return query, (account_id, ids.start, ids.stop, *words, limit)

    async def _has_extensions(self) -> bool:
        """Whether both extensions are there. Tries to create them: the owner of a database may."""
        ((installed,),) = await fetch(INSTALLED)
        if installed == len(EXTENSIONS):
            return True
        try:
            # A transaction in the caller's, which an error would end. A restore runs in a schema that it drops.
            async with in_transaction(WRITER):
                for name in EXTENSIONS:
                    await fetch(f"CREATE EXTENSION IF NOT EXISTS {name} SCHEMA public")
        except OperationalError:
            return False
        return True


def _escape(match: re.Match[str]) -> str:
    return "\\" + match[1]
