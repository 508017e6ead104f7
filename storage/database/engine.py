"""What differs between the kinds of database that CloudKeep runs on, and which of them a URL means."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any, NamedTuple, Protocol

#: SQL with ``?`` for each value, and the values; UUIDs and datetimes need no conversion.
Statement = tuple[str, Sequence[object]]
Rows = Sequence[Sequence[Any]]

#: The name of every engine's connections that can write.
WRITER = "default"
#: Every database that was ever migrated has this table.
FIRST_TABLE = "account"
SQLITE = "sqlite://"


class PoolSize(NamedTuple):
    """How many connections a process keeps, and how many it makes at most."""

    least: int = 1
    most: int = 10


class Session(Protocol):
    """What our clients can do beyond Tortoise's ORM, inside a transaction or outside of one."""

    async def fetch(self, statement: str, values: Sequence[object]) -> Rows:
        """The rows of one statement; outside of a transaction, of a SELECT only."""

    async def run_many(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        """Run one statement for every row of values: for all or none, also when the caller is cancelled meanwhile."""

    async def fetch_in_transaction(self, statements: Sequence[Statement], combined: Statement | None) -> Rows:
        """Run statements in a transaction of their own. Returns the rows of the last; rolls back when it has none.

        ``combined`` does and returns the same in one statement, for engines that can write inside of a WITH.
        """

    def translate_errors(self) -> AbstractContextManager[None]:
        """Raise our errors in place of the driver's, around a transaction."""


class Engine(Protocol):
    """A database at a URL."""

    #: Tortoise's routers.
    routers: Sequence[type]

    def connections(self, pool: PoolSize, *, timeouts: bool) -> dict[str, Any]:
        """Tortoise's connections, of which one is ``WRITER``. ``pool`` is for engines that have one.

        Without ``timeouts``, statements may take as long as they like.
        """

    async def missing_tables(self) -> str | None:
        """A description of what is missing if the database was never migrated; None if it was.

        Raises :class:`DatabaseUnavailable`. Creates nothing.
        """

    async def require_available(self) -> None:
        """Return when the database can be used. Raises :class:`DatabaseUnavailable`."""

    def migration_lock(self) -> AbstractAsyncContextManager[Any]:
        """Keep all other processes on all hosts from migrating. Yields the client to migrate with."""


def engine_of(url: str) -> Engine:
    """The engine for a URL that ``cloudkeep.settings.parsers.database_url`` lets pass."""
    # A driver is loaded only where it is needed: that takes a tenth of the time of a start.
    if url.startswith(SQLITE):
        from storage.database.sqlite.engine import SqliteEngine

        return SqliteEngine(url)
    from storage.database.postgres.engine import PostgresEngine

    return PostgresEngine(url)
