"""The index behind searches, in the form that each database has.

The same searches without an index give the same results, but they read all texts of an account.
"""

import logging
from collections.abc import Sequence
from typing import Any, Protocol
from uuid import UUID

from tortoise import connections

from storage.database.engine import WRITER, Statement

logger = logging.getLogger("cloudkeep.search")


class SearchIndex(Protocol):
    """Operations on the index of one kind of database."""

    async def exists(self) -> bool:
        """Whether searches can use the index."""

    async def update(self) -> None:
        """Create the index if it is missing, and give it up if this process cannot keep it up to date.

        Call it inside a transaction that excludes other processes. Does nothing if the database cannot have an index.
        """

    async def problem(self) -> str | None:
        """Why there is no index, and what an operator can do; None if there is one."""

    def can_find(self, word: str) -> bool:
        """Whether the index helps to find this folded word."""

    def look_up(self, account_id: UUID, words: Sequence[str], before: int, limit: int) -> Statement:
        """Selects ``id`` and ``item_id`` of the newest entries before ``before`` that contain all words.

        The index can find at least one of the words.
        """

    def read(self, account_id: UUID, words: Sequence[str], ids: range, limit: int) -> Statement:
        """The same for entries with these IDs, without the index. It reads them one by one."""


def search_index() -> SearchIndex:
    """The index of the connected database."""
    client: Any = connections.get(WRITER)
    if client.capabilities.dialect == "sqlite":
        from storage.search.sqlite_index import SqliteIndex

        return SqliteIndex()
    from storage.search.postgres_index import PostgresIndex

    return PostgresIndex()


async def update_index() -> None:
    """Create the index if it is missing and can be made. Otherwise log how to make searches fast.

    Call it inside the transaction of the migrations.
    """
    index = search_index()
    await index.update()
    if problem := await index.problem():
        logger.warning("searches are slow: %s", problem)
