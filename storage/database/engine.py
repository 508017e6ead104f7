"""What differs between the kinds of database that CloudKeep runs on, and which of them a URL means."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any, NamedTuple, Protocol

#: SQL with ``?`` for each value. UUIDs, moments and the like are given as they are.
Statement = tuple[str, Sequence[object]]
Rows = Sequence[Sequence[Any]]

#: What every engine calls the connections that can write.
WRITER = "default"
#: Every database that was ever migrated has this table.
FIRST_TABLE = "account"
SQLITE = "sqlite://"


class PoolSize(NamedTuple):
    """How many connections a process keeps, and how many it makes at most."""

    least: int = 1
    most: int = 10


class Session(Protocol):
    """What a client of Tortoise's can do for us beyond the ORM, inside a transaction or outside of one."""

    async def ask(self, statement: str, values: Sequence[object]) -> Rows:
        """The rows of one statement; outside of a transaction, questions only."""

    async def run_many(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        """One statement for every row of values: for all or none, also when the caller is cancelled meanwhile."""

    async def run_together(self, statements: Sequence[Statement], joined: Statement | None) -> Rows:
        """Statements in a transaction of their own, and the rows of the last; all is undone when it has none.

        ``joined`` does and returns the same in one statement, for engines that can write inside of a WITH.
        """

    def translated(self) -> AbstractContextManager[None]:
        """Turn the errors of the driver into ours, around a transaction."""


class Engine(Protocol):
    """A database at a URL."""

    #: Tortoise's routers.
    routers: Sequence[type]

    def connections(self, pool: PoolSize, *, patient: bool) -> dict[str, Any]:
        """Tortoise's connections, of which one is ``WRITER``. ``pool`` is for engines that have one.

        The statements of a ``patient`` one may take as long as they like.
        """

    async def missing(self) -> str | None:
        """What is not there, in words, if the database was never migrated; None when it was.

        Raises :class:`DatabaseUnavailable`. Makes nothing.
        """

    async def require_available(self) -> None:
        """Return when the database can be used. Raises :class:`DatabaseUnavailable`."""

    def migrating(self) -> AbstractAsyncContextManager[Any]:
        """Keep every other process, wherever it is, from migrating; the client to migrate with."""


def engine_of(url: str) -> Engine:
    """The engine for a URL that ``cloudkeep.settings.parsers.database_url`` lets pass."""
    # A driver is loaded by whoever needs it: that takes a tenth of the time that a start has.
    if url.startswith(SQLITE):
        from storage.database.sqlite.client import SqliteEngine

        return SqliteEngine(url)
    from storage.database.postgres.client import PostgresEngine

    return PostgresEngine(url)
