"""Opening, migrating and closing the database, and the one way to write in a transaction."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from tortoise import Tortoise, connections
from tortoise.backends.base.client import TransactionalDBClient
from tortoise.migrations.api import migrate as run_migrations
from tortoise.models import Model
from tortoise.transactions import in_transaction

from storage.sqlite import Statement, no_space

T = TypeVar("T")

CONNECTIONS = ("default", "reader")
WRITER, READER = CONNECTIONS

BUSY_TIMEOUT_MS = 10_000
#: As much of the write-ahead log stays on the disk, in bytes, so that a full disk does not stop the next write.
LOG_KEPT = 8 * 2**20


class Readers:
    """Sends questions to a connection of their own, where they need not wait for whoever commits to the disk.

    A transaction asks its own connection. Outside of one, WAL shows what was committed before the question.
    """

    def db_for_read(self, model: type[Model]) -> str:
        """The connection for a question."""
        return _reader()


def _reader() -> str:
    return WRITER if isinstance(connections.get(WRITER), TransactionalDBClient) else READER


def orm_config(url: str) -> dict[str, Any]:
    """Tortoise's configuration for ``sqlite:///absolute/path``.

    WAL lets the API read while a worker writes; ``synchronous=FULL`` because a READY that a power cut takes back would
    be a lie to somebody who has just deleted the only other copy.
    """
    credentials = {
        "file_path": str(Path(url.removeprefix("sqlite://"))),
        "journal_mode": "WAL",
        "synchronous": "FULL",
        "busy_timeout": BUSY_TIMEOUT_MS,
        "journal_size_limit": LOG_KEPT,
    }
    return {
        "connections": {name: {"engine": "storage.sqlite", "credentials": credentials} for name in CONNECTIONS},
        "routers": [Readers],
        "apps": {"cloudkeep": {"models": ["storage.models"], "migrations": "storage.migrations"}},
        "use_tz": True,
        "timezone": "UTC",
    }


#: For tortoise's own command line, which makes migrations from the models alone.
TOOLING = orm_config("sqlite://:memory:")


async def migrate(url: str) -> None:
    """Bring the schema up to date. Safe to run again."""
    try:
        await run_migrations(config=orm_config(url))
    finally:
        await connections.close_all()


async def open_database(url: str) -> None:
    """Connect this process; raises when the database does not answer.

    The global fallback serves tasks that the lifespan did not start (tortoise#2244). The connection is made at once: a
    first query that made it, and was cancelled meanwhile, would keep every later one waiting for ever.
    """
    await Tortoise.init(config=orm_config(url), _enable_global_fallback=True)
    try:
        await ping_database()
    except BaseException:
        await close_database()
        raise


async def close_database() -> None:
    """Close every connection of this process."""
    await Tortoise.close_connections()


async def ping_database() -> None:
    """Raise when the database does not answer."""
    for name in CONNECTIONS:
        await connections.get(name).execute_query("SELECT 1")


async def atomically(work: Callable[[], Awaitable[T]]) -> T:
    """Run ``work`` in one transaction, to its end even when the caller is cancelled meanwhile.

    A cancellation in the middle of BEGIN or COMMIT would leave the connection locked for the whole process. ``work``
    starts with a write: SQLite cannot turn a read transaction into a writing one once another process has written.
    Raises :class:`storage.errors.NoSpace` when the disk is full; nothing was written then.
    """

    async def transaction() -> T:
        with no_space():
            async with in_transaction(WRITER):
                return await work()

    task = asyncio.ensure_future(transaction())
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


async def fetch_together(*statements: Statement) -> Sequence[Sequence[Any]]:
    """Run statements in a transaction of their own, and return the rows of the last; undo all when it has none.

    Raises like :func:`fetch`. Not to be called inside a transaction.
    """
    client: Any = connections.get(WRITER)
    return [tuple(row) for row in await client.execute_together(statements)]


async def execute_many(statement: str, rows: Sequence[Sequence[object]]) -> None:
    """Run one statement for every row of values. Raises like :func:`fetch`."""
    await connections.get(WRITER).execute_many(statement, [list(row) for row in rows])


async def fetch(statement: str, *values: object) -> Sequence[Sequence[Any]]:
    """Run one statement, in the caller's transaction, and return its rows. Outside of one, questions only.

    ``?`` stands for each value. Raises tortoise's ``IntegrityError`` and ``OperationalError``.
    """
    _, rows = await connections.get(_reader()).execute_query(statement, list(values))
    return [tuple(row) for row in rows]
