"""Opens, migrates and closes the database, and runs transactions."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from tortoise import Tortoise, connections
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget
from tortoise.models import Model
from tortoise.transactions import in_transaction

from storage.cancellation import run_to_end
from storage.database.engine import WRITER, Engine, PoolSize, Rows, Session, Statement, engine_of
from storage.errors import ConnectionLost, MigrationAborted, TransactionAborted, in_one_line
from storage.tracing import span

T = TypeVar("T")

logger = logging.getLogger("cloudkeep.database")

APP = "cloudkeep"
#: The domains with tables.
DOMAINS = ("accounts", "budgets", "drive", "events", "jobs", "outbox", "search", "uploads")
MODELS = [f"storage.{domain}.models" for domain in DOMAINS]
DEFAULT_POOL = PoolSize()
NEWEST = "__latest__"
#: Attempts at a transaction that the database aborts, with pauses of a few hundredths of a second.
MOST_RUNS = 6
LONGEST_PAUSE = 0.05
#: What is called after the commit of the transaction of this task; None outside of transactions.
_callbacks: ContextVar[list[Callable[[], None]] | None] = ContextVar("callbacks after a commit", default=None)


def orm_config(url: str, pool: PoolSize = DEFAULT_POOL, *, timeouts: bool = True) -> dict[str, Any]:
    """Tortoise's configuration for a database; see :meth:`storage.database.engine.Engine.connections`."""
    engine = engine_of(url)
    return {
        "connections": engine.connections(pool, timeouts=timeouts),
        "routers": list(engine.routers),
        "apps": {APP: {"models": MODELS, "migrations": "storage.migrations"}},
        "use_tz": True,
        "timezone": "UTC",
    }


async def migrate(
    url: str, target: str = NEWEST, *, keep_copy: bool = True, then: Callable[[], Awaitable[None]] | None = None
) -> None:
    """Migrate the schema to the latest or a named migration. Safe to repeat, and to run in many processes at once.

    With ``keep_copy``, a database of SQLite with tables is copied before; see
    :mod:`storage.database.sqlite.before_migration`. ``then`` runs at the end of the same transaction, also if there is
    nothing to migrate.

    Raises :class:`storage.errors.DatabaseUnavailable`, :class:`storage.errors.MigrationAborted`,
    :class:`storage.errors.NoSpace` if there is no room for the copy, and Tortoise's errors.
    """
    engine, config = engine_of(url), orm_config(url, PoolSize(0, 1), timeouts=False)
    await engine.require_available()
    await Tortoise.init(config=config, init_connections=False)
    try:
        async with engine.migration_lock() as client:
            executor, targets = MigrationExecutor(client, config["apps"]), [MigrationTarget(APP, target)]
            copy = await _copy_if_pending(engine, executor, targets) if keep_copy else None
            with _copy_named(copy):
                await executor.migrate(targets)
                if then:
                    await then()
    finally:
        await connections.close_all()


async def _copy_if_pending(
    engine: Engine, executor: MigrationExecutor, targets: Sequence[MigrationTarget]
) -> Path | None:
    """Copy the database if it has tables that a migration will change. Returns the copy."""
    pending = await executor.plan(targets)
    if not pending or not await executor.recorder.applied_migrations():
        return None
    return await engine.copy_before_migration(pending[0].migration.name)


@contextmanager
def _copy_named(copy: Path | None) -> Iterator[None]:
    """Add the place of the copy to an error."""
    try:
        yield
    except Exception as error:
        if not copy:
            raise
        reason = f"{in_one_line(error)}; nothing was changed, and a copy of the database is at {copy}"
        raise MigrationAborted(reason) from error


def known_migrations() -> list[str]:
    """The names of all migrations of this version, the oldest first."""
    folder = Path(__file__).parents[1] / "migrations"
    return sorted(path.stem for path in folder.glob("[0-9]*.py"))


def known_tables() -> list[str]:
    """The tables of all models, by name. Loads the models."""
    modules = [import_module(name) for name in MODELS]
    models = {model for module in modules for model in vars(module).values() if _is_table(model)}
    return sorted(model._meta.db_table for model in models)


def _is_table(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, Model) and value is not Model


async def open_database(url: str, pool: PoolSize = DEFAULT_POOL) -> None:
    """Connect this process; raises when the database does not answer.

    The global fallback serves tasks that the lifespan did not start (tortoise#2244). The connection is opened at once:
    if the first query opened it and was cancelled meanwhile, every later one would wait without end.
    """
    await Tortoise.init(config=orm_config(url, pool), _enable_global_fallback=True)
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
    for connection in connections.all():
        await connection.execute_query("SELECT 1")


async def atomically(work: Callable[[], Awaitable[T]]) -> T:
    """Run ``work`` in one transaction. It runs to its end even if the caller is cancelled meanwhile.

    A cancellation in the middle of BEGIN or COMMIT would leave the connection locked for the whole process. In SQLite
    no other process can write until its end. In PostgreSQL each statement sees what is committed by then (READ
    COMMITTED) and locks the rows that it writes, so ``work`` should start with a write.

    ``work`` must be repeatable: it runs again if the database aborted it because of another transaction, or if its
    connection broke before COMMIT was sent.

    Raises :class:`storage.errors.NoSpace` when the disk is full; nothing is written then. Raises
    :class:`storage.errors.DatabaseUnavailable` when the database is away; the transaction is then written as a whole or
    not at all.
    """
    return await run_to_end(_run_with_retries(work))


def after_commit(callback: Callable[[], None]) -> None:
    """Call ``callback`` as soon as the caller's transaction is committed; never if it is rolled back.

    It must not block. An exception is only logged: the transaction is committed. Outside of :func:`atomically` it is
    called at once.
    """
    callbacks = _callbacks.get()
    if callbacks is None:
        _call(callback)
    else:
        callbacks.append(callback)


async def _run_with_retries(work: Callable[[], Awaitable[T]]) -> T:
    outer = _callbacks.get()
    callbacks: list[Callable[[], None]] = []
    token = _callbacks.set(callbacks)
    try:
        result = await _run_until_committed(work, callbacks)
    finally:
        _callbacks.reset(token)
    if outer is not None:
        # It is only a part of another transaction.
        outer.extend(callbacks)
        return result
    for callback in callbacks:
        _call(callback)
    return result


def _call(callback: Callable[[], None]) -> None:
    try:
        callback()
    except Exception:
        # An error here would tell the caller that nothing was written, and keep the other callbacks from running.
        logger.exception("a callback after a commit failed")


async def _run_until_committed(work: Callable[[], Awaitable[T]], callbacks: list[Callable[[], None]]) -> T:
    for run in count(1):
        committing = False
        callbacks.clear()
        try:
            with span("database transaction", kind="client"), _session().translate_errors():
                async with in_transaction(WRITER):
                    result = await work()
                    committing = True
            return result
        except TransactionAborted:
            if run == MOST_RUNS:
                raise
            await asyncio.sleep(random.uniform(0, LONGEST_PAUSE))  # noqa: S311 - it only keeps two transactions apart
        except ConnectionLost:
            if committing or run > 1:
                raise
    raise AssertionError


async def fetch_in_transaction(*statements: Statement, combined: Statement | None = None) -> Rows:
    """Run statements in a transaction of their own, and return the rows of the last; roll back if it returns none.

    ``combined`` does the same in one statement, for engines that support it. Raises like :func:`fetch`. Do not call it
    inside a transaction.
    """
    with span("database transaction", kind="client"):
        return await _session().fetch_in_transaction(statements, combined)


async def lock_name(name: str) -> None:
    """Exclude other transactions that lock this name until the caller's ends, for work on rows that do not exist yet.

    Call it first in the transaction.
    """
    await _session().lock_name(name)


async def execute_many(statement: str, rows: Sequence[Sequence[object]]) -> None:
    """Run one statement for every row of values. Raises like :func:`fetch`."""
    await _session().run_many(statement, rows)


async def fetch(statement: str, *values: object) -> Rows:
    """Run one statement in the caller's transaction and return its rows. Outside a transaction, only a SELECT.

    ``?`` stands for each value. Raises tortoise's ``IntegrityError`` and ``OperationalError``, and
    :class:`storage.errors.DatabaseUnavailable`.
    """
    return await _session().fetch(statement, values)


async def fetch_ids(statement: str, *values: object) -> list[UUID]:
    """The UUIDs of rows that have nothing else. See :func:`fetch`."""
    return [as_uuid(key) for (key,) in await fetch(statement, *values)]


def can_write_in_with() -> bool:
    """Whether a statement of :func:`fetch` may have INSERT, UPDATE or DELETE inside a WITH."""
    return _session().can_write_in_with


async def fetch_within(seconds: float, statement: str, *values: object) -> Rows:
    """The rows of one SELECT that may be slow. Other reads do not wait for it. Call it outside a transaction.

    Raises :class:`storage.errors.QueryTimeout` if it takes longer than ``seconds``, and else like :func:`fetch`.
    """
    return await _session().fetch_within(seconds, statement, values)


async def database_time() -> datetime:
    """The current time by the database's clock, in UTC. Raises :class:`storage.errors.DatabaseUnavailable`."""
    return await _session().time()


def as_uuid(value: object) -> UUID:
    """Convert a UUID from a row of :func:`fetch`: SQLite stores them as text."""
    return value if isinstance(value, UUID) else UUID(str(value))


def _session() -> Session:
    client: Any = connections.get(WRITER)
    session: Session = client
    return session
