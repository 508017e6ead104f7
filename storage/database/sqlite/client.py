"""SQLite: one connection of a process writes, another one reads; what is no fault of a statement is told from faults.

Named as ``engine`` in Tortoise's configuration.
"""

import asyncio
import fcntl
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from tortoise import connections
from tortoise.backends.base.client import NestedTransactionContext, TransactionalDBClient, TransactionContext
from tortoise.backends.sqlite.client import SqliteClient, SqliteTransactionWrapper, translate_exceptions
from tortoise.exceptions import OperationalError
from tortoise.models import Model
from tortoise.transactions import in_transaction

from storage.database.engine import FIRST_TABLE, SQLITE, WRITER, PoolSize, Rows, Statement
from storage.database.sqlite.reconnecting import ReconnectingClient
from storage.errors import DatabaseUnavailable, NoSpace, in_one_line

T = TypeVar("T")

READER = "reader"
BUSY_TIMEOUT_MS = 10_000
RETRY_SECONDS = 0.02
#: As much of the write-ahead log stays on the disk, in bytes, so that a full disk does not stop the next write.
LOG_KEPT = 8 * 2**20

#: The file, or the index of its write-ahead log, cannot grow (https://sqlite.org/rescode.html).
FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE}
#: Somebody else has been writing for longer than we wait, or the file cannot be opened, read or written. These are the
#: lowest byte of many codes.
AWAY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}
PRIMARY = 0xFF

logger = logging.getLogger("cloudkeep.database")

# Tortoise's own statements hold text already; what is asked by hand holds UUIDs as they are.
sqlite3.register_adapter(UUID, str)


class Readers:
    """Sends questions to a connection of their own, where they need not wait for whoever commits to the disk.

    A transaction asks its own connection. Outside of one, WAL shows what was committed before the question.
    """

    def db_for_read(self, model: type[Model]) -> str:
        """The connection for a question."""
        return WRITER if isinstance(connections.get(WRITER), TransactionalDBClient) else READER


class SqliteEngine:
    """A database in a file."""

    routers: Sequence[type] = (Readers,)

    def __init__(self, url: str) -> None:
        self._path = Path(url.removeprefix(SQLITE))

    def connections(self, pool: PoolSize, *, patient: bool) -> dict[str, Any]:
        """See :class:`storage.database.engine.Engine`.

        WAL lets the API read while a worker writes; ``synchronous=FULL`` because a READY that a power cut takes back
        would be a lie to somebody who has just deleted the only other copy.
        """
        credentials = {
            "file_path": str(self._path),
            "journal_mode": "WAL",
            "synchronous": "FULL",
            "busy_timeout": BUSY_TIMEOUT_MS,
            "journal_size_limit": LOG_KEPT,
        }
        return {name: {"engine": __name__, "credentials": credentials} for name in (WRITER, READER)}

    async def missing(self) -> str | None:
        """See :class:`storage.database.engine.Engine`."""
        if not self._path.is_file():
            return f"there is no database at {self._path}"
        with _unavailable():
            has_tables = await asyncio.to_thread(self._has_tables)
        return None if has_tables else f"the database at {self._path} has no tables of CloudKeep's"

    def _has_tables(self) -> bool:
        with closing(sqlite3.connect(self._path, timeout=BUSY_TIMEOUT_MS / 1000)) as connection:
            found = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", [FIRST_TABLE])
            return found.fetchone() is not None

    async def require_available(self) -> None:
        """Raise :class:`DatabaseUnavailable` for a file that is no database or cannot be written to."""
        with _unavailable():
            await asyncio.to_thread(self._try_to_write)

    def _try_to_write(self) -> None:
        # The ORM would wait for ever.
        with closing(sqlite3.connect(self._path, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None)) as connection:
            _switch_to_wal(connection)
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")

    @asynccontextmanager
    async def migrating(self) -> AsyncIterator[Any]:
        """See :class:`storage.database.engine.Engine`.

        All migrations are one transaction; the lock lies beside the database.
        """
        with self._path.with_name("migration.lock").open("w") as lock:
            await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
            with translated():
                async with in_transaction(WRITER) as transaction:
                    yield transaction


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Change the journal mode of a database that is new or older than this.

    SQLite refuses that at once while another process writes, whatever the busy timeout: waiting in the middle of an
    upgrade of its lock could be a deadlock (https://sqlite.org/c3ref/busy_handler.html). So we try again ourselves.
    """
    deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & PRIMARY != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(RETRY_SECONDS)


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise DatabaseUnavailable(in_one_line(error)) from error


@contextmanager
def translated() -> Iterator[None]:
    """Turn what SQLite says of a full disk into :class:`NoSpace`, of a file that is not to be had, into
    :class:`DatabaseUnavailable`.
    """
    try:
        yield
    except (OperationalError, sqlite3.OperationalError) as error:
        codes = _codes(error)
        if codes & FULL:
            raise NoSpace("the database has no room to grow") from error
        if {code & PRIMARY for code in codes} & AWAY:
            # Whoever asked is told to come again, which says nothing to those who could mend it.
            logger.warning("the database cannot be used: %s", error)
            raise DatabaseUnavailable(str(error)) from error
        raise


def _codes(error: BaseException | None) -> set[int]:
    # Tortoise hands SQLite's error on as an argument, and undoing what failed may fail in turn.
    found = set()
    while error:
        found |= {getattr(each, "sqlite_errorcode", 0) for each in (error, *error.args)}
        error = error.__cause__ or error.__context__
    return found


class _Session(SqliteClient):
    """What a connection can do inside a transaction and outside of one."""

    def translated(self) -> Any:
        """See :class:`storage.database.engine.Session`."""
        return translated()

    async def ask(self, statement: str, values: Sequence[object]) -> Rows:
        """See :class:`storage.database.engine.Session`."""
        _, rows = await self.execute_query(statement, list(values))
        return [tuple(row) for row in rows]

    async def run_many(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        """See :class:`storage.database.engine.Session`."""
        await self.execute_many(statement, [list(row) for row in rows])


class Transaction(_Session, SqliteTransactionWrapper):
    """The connection in the middle of a transaction."""

    async def begin(self) -> None:
        """See Tortoise. What has begun can write, whatever it reads before."""
        await self._connection.commit()
        await self._connection.execute("BEGIN IMMEDIATE")

    async def execute_script(self, query: str) -> None:
        """See Tortoise, whose own has Python commit first."""
        for statement in _statements(query):
            await self.execute_query(statement)

    def _in_transaction(self) -> TransactionContext:
        return NestedTransactionContext(Transaction(self))


class Client(_Session, ReconnectingClient):
    """Raises :class:`NoSpace` and :class:`DatabaseUnavailable` also where there is no transaction."""

    transaction_class = Transaction

    async def ask(self, statement: str, values: Sequence[object]) -> Rows:
        """See :class:`storage.database.engine.Session`."""
        reader: Any = connections.get(READER)
        return await _Session.ask(reader, statement, values)

    async def execute_insert(self, query: str, values: list[Any]) -> int:
        """See Tortoise."""
        with translated():
            key: int = await super().execute_insert(query, values)
            return key

    async def execute_query(self, query: str, values: list[Any] | None = None) -> tuple[int, Sequence[dict[str, Any]]]:
        """See Tortoise."""
        with translated():
            found: tuple[int, Sequence[dict[str, Any]]] = await super().execute_query(query, values)
            return found

    async def execute_query_dict(self, query: str, values: list[Any] | None = None) -> list[dict[str, Any]]:
        """See Tortoise."""
        with translated():
            found: list[dict[str, Any]] = await super().execute_query_dict(query, values)
            return found

    @translate_exceptions
    async def execute_many(self, query: str, values: list[list[Any]]) -> None:
        """See Tortoise, whose own may be cancelled between BEGIN and COMMIT, and leaves the transaction open then."""
        await self._in_one_call(_run_many, query, values)

    @translate_exceptions
    async def run_together(self, statements: Sequence[Statement], joined: Statement | None) -> Rows:
        """See :class:`storage.database.engine.Session`."""
        return [tuple(row) for row in await self._in_one_call(_run_together, statements)]

    async def _in_one_call(self, work: Callable[..., T], *arguments: object) -> T:
        """Run a whole transaction on the connection's thread; ``work`` is given the connection before the arguments.

        Step by step, others would have to wait for it at each one. Cancelled, it is done to its end all the same,
        before anything that comes later.
        """
        with translated():
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


def _run_many(connection: sqlite3.Connection, statement: str, rows: Sequence[Sequence[object]]) -> None:
    with _begun(connection):
        connection.executemany(statement, rows)
        connection.commit()


def _run_together(connection: sqlite3.Connection, statements: Sequence[Statement]) -> list[Any]:
    with _begun(connection):
        rows = _run_each(connection, statements)
        if rows:
            connection.commit()
        return rows


@contextmanager
def _begun(connection: sqlite3.Connection) -> Iterator[None]:
    """A transaction, which is undone where the block does not commit it."""
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
