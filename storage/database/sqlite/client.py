"""Tortoise's client for SQLite: one connection of a process writes, and two others read.

Named as ``engine`` in Tortoise's configuration.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

from tortoise import connections
from tortoise.backends.base.client import NestedTransactionContext, TransactionContext
from tortoise.backends.sqlite.client import SqliteClient, SqliteTransactionWrapper, translate_exceptions

from storage.cancellation import run_to_end
from storage.database.engine import Rows, Statement
from storage.database.sqlite.engine import READER, SLOW_READER
from storage.database.sqlite.errors import translate_errors
from storage.database.sqlite.reconnecting import ReconnectingClient

T = TypeVar("T")

# Tortoise's statements already contain text; those written by hand contain UUIDs.
sqlite3.register_adapter(UUID, str)


class _Session(SqliteClient):
    """Operations of a connection inside and outside transactions."""

    can_write_in_with = False

    def translate_errors(self) -> Any:
        """See :class:`storage.database.engine.Session`."""
        return translate_errors()

    async def fetch(self, statement: str, values: Sequence[object]) -> Rows:
        """See :class:`storage.database.engine.Session`."""
        _, rows = await self.execute_query(statement, list(values))
        return [tuple(row) for row in rows]

    async def time(self) -> datetime:
        """See :class:`storage.database.engine.Session`. SQLite has no clock but that of its one host."""
        return datetime.now(UTC)

    async def lock_name(self, name: str) -> None:
        """See :class:`storage.database.engine.Session`. A transaction excludes all others anyway."""

    async def run_many(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        """See :class:`storage.database.engine.Session`."""
        await self.execute_many(statement, [list(row) for row in rows])


class Transaction(_Session, SqliteTransactionWrapper):
    """The connection within a transaction."""

    async def begin(self) -> None:
        """See Tortoise. An immediate transaction takes the write lock at once."""
        await self._connection.commit()
        await self._connection.execute("BEGIN IMMEDIATE")

    async def execute_script(self, query: str) -> None:
        """See Tortoise, whose method makes Python commit first."""
        for statement in _statements(query):
            await self.execute_query(statement)

    def _in_transaction(self) -> TransactionContext:
        return NestedTransactionContext(Transaction(self))


class Client(_Session, ReconnectingClient):
    """Raises :class:`NoSpace` and :class:`DatabaseUnavailable` also outside transactions."""

    transaction_class = Transaction

    async def fetch(self, statement: str, values: Sequence[object]) -> Rows:
        """See :class:`storage.database.engine.Session`."""
        reader: Any = connections.get(READER)
        return await _Session.fetch(reader, statement, values)

    async def fetch_within(self, seconds: float, statement: str, values: Sequence[object]) -> Rows:
        """See :class:`storage.database.engine.Session`."""
        reader: Any = connections.get(SLOW_READER)
        rows: Rows = await reader.fetch_interruptibly(seconds, statement, values)
        return rows

    @translate_exceptions
    async def fetch_interruptibly(self, seconds: float, statement: str, values: Sequence[object]) -> Rows:
        """The rows of a statement on this connection. It is interrupted after so many seconds, or with its caller."""
        with translate_errors():
            async with self.acquire_connection() as connection:
                interrupt = connection._conn.interrupt
                timer = asyncio.get_running_loop().call_later(seconds, interrupt)
                running = asyncio.ensure_future(connection._execute(_fetch, connection._conn, statement, values))
                try:
                    return [tuple(row) for row in await asyncio.shield(running)]
                except asyncio.CancelledError:
                    interrupt()
                    with suppress(sqlite3.Error):
                        await run_to_end(running)
                    raise
                finally:
                    timer.cancel()

    async def execute_insert(self, query: str, values: list[Any]) -> int:
        """See Tortoise."""
        with translate_errors():
            key: int = await super().execute_insert(query, values)
            return key

    async def execute_query(self, query: str, values: list[Any] | None = None) -> tuple[int, Sequence[dict[str, Any]]]:
        """See Tortoise."""
        with translate_errors():
            result: tuple[int, Sequence[dict[str, Any]]] = await super().execute_query(query, values)
            return result

    async def execute_query_dict(self, query: str, values: list[Any] | None = None) -> list[dict[str, Any]]:
        """See Tortoise."""
        with translate_errors():
            rows: list[dict[str, Any]] = await super().execute_query_dict(query, values)
            return rows

    @translate_exceptions
    async def execute_many(self, query: str, values: list[list[Any]]) -> None:
        """See Tortoise, whose method leaves the transaction open if it is cancelled between BEGIN and COMMIT."""
        await self._run_in_one_call(_run_many, query, values)

    @translate_exceptions
    async def fetch_in_transaction(self, statements: Sequence[Statement], combined: Statement | None) -> Rows:
        """See :class:`storage.database.engine.Session`."""
        return [tuple(row) for row in await self._run_in_one_call(_fetch_in_transaction, statements)]

    async def _run_in_one_call(self, work: Callable[..., T], *arguments: object) -> T:
        """Run a whole transaction on the connection's thread; ``work`` gets the connection and then the arguments.

        With a call per step, it would wait behind other callers at each step. If the caller is cancelled, the
        transaction still runs to its end before any later call.
        """
        with translate_errors():
            async with self.acquire_connection() as connection:
                result: T = await connection._execute(work, connection._conn, *arguments)
                return result


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for part in script.split(";"):
        statement += f"{part};"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement:
        yield statement


def _fetch(connection: sqlite3.Connection, statement: str, values: Sequence[object]) -> list[Any]:
    return connection.execute(statement, values).fetchall()


def _run_many(connection: sqlite3.Connection, statement: str, rows: Sequence[Sequence[object]]) -> None:
    with _transaction(connection):
        connection.executemany(statement, rows)
        connection.commit()


def _fetch_in_transaction(connection: sqlite3.Connection, statements: Sequence[Statement]) -> list[Any]:
    with _transaction(connection):
        rows = _run_each(connection, statements)
        if rows:
            connection.commit()
        return rows


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """A transaction that is rolled back unless the block commits it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.rollback()


def _run_each(connection: sqlite3.Connection, statements: Sequence[Statement]) -> list[Any]:
    rows: list[Any] = []
    for statement, values in statements:
        rows = connection.execute(statement, values).fetchall()
    return rows


client_class = Client
