"""The differences between the supported databases, and the choice of one by URL."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol

#: SQL with ``?`` for each value, and the values; UUIDs and datetimes need no conversion.
Statement = tuple[str, Sequence[object]]
Rows = Sequence[Sequence[Any]]

#: The name of each engine's connections that can write.
WRITER = "default"
#: Every migrated database has this table.
FIRST_TABLE = "account"
SQLITE = "sqlite://"


class PoolSize(NamedTuple):
    """The connections that a process keeps, and opens at most."""

    least: int = 1
    most: int = 10


class Session(Protocol):
    """Operations of CloudKeep's database clients beyond those of Tortoise's ORM, inside and outside transactions."""

    #: Whether INSERT, UPDATE and DELETE may be inside a WITH.
    can_write_in_with: bool

    async def fetch(self, statement: str, values: Sequence[object]) -> Rows:
        """The rows of one statement; outside a transaction, only a SELECT."""

    async def fetch_within(self, seconds: float, statement: str, values: Sequence[object]) -> Rows:
        """The rows of a SELECT outside a transaction, which other reads do not wait for.

        Raises :class:`QueryTimeout` if it takes longer than ``seconds``.
        """

    async def run_many(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        """Run one statement for every row of values.

        All or none take effect, also if the caller is cancelled meanwhile.
        """

    async def fetch_in_transaction(self, statements: Sequence[Statement], combined: Statement | None) -> Rows:
        """Run statements in a transaction of their own.

        Returns the rows of the last; rolls back if it returns none. ``combined`` does and returns the same in one
        statement, for engines that can write inside a WITH.
        """

    async def time(self) -> datetime:
        """The current time by the database's clock, with its time zone."""

    async def lock_name(self, name: str) -> None:
        """Exclude other transactions that lock this name, until this one ends."""

    def translate_errors(self) -> AbstractContextManager[None]:
        """Raise the errors of storage instead of the driver's, around a transaction."""


class Engine(Protocol):
    """A database at a URL."""

    #: Tortoise's routers.
    routers: Sequence[type]

    def connections(self, pool: PoolSize, *, timeouts: bool) -> dict[str, Any]:
        """Tortoise's connections, one of which is ``WRITER``.

        ``pool`` is for engines with a pool. Without ``timeouts``, statements have no time limit.
        """

    async def missing_tables(self) -> str | None:
        """The reason why the database counts as never migrated; None if it was migrated.

        Raises :class:`DatabaseUnavailable`. Creates nothing.
        """

    async def require_available(self) -> None:
        """Wait until the database can be used. Raises :class:`DatabaseUnavailable`."""

    def migration_lock(self) -> AbstractAsyncContextManager[Any]:
        """Keep all other processes on all hosts from migrating. Yields the client to migrate with."""

    async def copy_before_migration(self, first: str) -> Path | None:
        """Copy the database, for engines that can. Call it under the migration lock.

        ``first`` is the name of the first migration that will follow. Returns the copy. Raises :class:`NoSpace` and
        :class:`DatabaseUnavailable`.
        """


def engine_of(url: str) -> Engine:
    """The engine for a URL that ``cloudkeep.settings.parsers.database_url`` has validated."""
    # A driver is loaded only when needed: loading takes a tenth of the time of a start.
    if url.startswith(SQLITE):
        from storage.database.sqlite.engine import SqliteEngine

        return SqliteEngine(url)
    from storage.database.postgres.engine import PostgresEngine

    return PostgresEngine(url)
