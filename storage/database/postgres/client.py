"""Tortoise's client for PostgreSQL: a pool that replaces dead connections, and no wait without a limit.

Named as ``engine`` in Tortoise's configuration.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from functools import lru_cache
from typing import Any, cast

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.backends.base.client import NestedTransactionContext, TransactionalDBClient, TransactionContext
from tortoise.connection import get_connections
from tortoise.transactions import in_transaction

from storage.database.engine import Rows, Statement
from storage.database.postgres.engine import CLOSE, CONNECT
from storage.database.postgres.errors import translate_errors
from storage.errors import ConnectionLost, DatabaseUnavailable, QueryTimeout

logger = logging.getLogger("cloudkeep.database")
# It logs every attempt to reconnect with a traceback while the server is away. CloudKeep logs this once.
logging.getLogger("asyncpg.pool").setLevel(logging.ERROR)

# In seconds.
#: Timeout for a free connection of the pool, or a new one.
ACQUIRE = 10.0
#: Timeout for finishing work on a connection whose caller no longer waits.
RELEASE = 5.0
#: For statements whose best plan depends on their values. To compile one takes longer than to run it.
WITHIN = "SET LOCAL statement_timeout = {:.0f}; SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL jit = off"


class _Session(AsyncpgDBClient):
    """Operations that a pool and a transaction share."""

    can_write_in_with = True

    async def _translate_exceptions(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        with translate_errors():
            return await func(self, *args, **kwargs)

    def translate_errors(self) -> Any:
        """See :class:`storage.database.engine.Session`."""
        return translate_errors()

    async def fetch(self, statement: str, values: Sequence[object]) -> Rows:
        """See :class:`storage.database.engine.Session`."""
        rows: Rows = await self._translate_exceptions(_fetch, statement, values)
        return rows

    async def time(self) -> datetime:
        """See :class:`storage.database.engine.Session`."""
        ((moment,),) = await self.fetch("SELECT clock_timestamp()", ())
        return cast(datetime, moment)

    async def lock_name(self, name: str) -> None:
        """See :class:`storage.database.engine.Session`."""
        # With two numbers, so that it cannot be the lock of migrations, which has one.
        await self.fetch("SELECT pg_advisory_xact_lock(hashtext('cloudkeep'), hashtext(?))", [name])

    async def run_many(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        """See :class:`storage.database.engine.Session`."""
        await self.execute_many(number_placeholders(statement), [list(row) for row in rows])


class Transaction(_Session, TransactionWrapper):
    """A connection within a transaction."""

    def __init__(self, parent: _Session, connection: Any) -> None:
        TransactionWrapper.__init__(self, parent)
        self._connection = connection

    def acquire_connection(self) -> Any:
        """The connection, for one statement."""
        return TransactionWrapper.acquire_connection(self)

    def _in_transaction(self) -> TransactionContext:
        return NestedTransactionContext(Transaction(self, self._connection))


class Client(_Session):
    """The pool of a process."""

    async def create_connection(self, with_db: bool) -> None:
        """See Tortoise."""
        with translate_errors():
            self._pool = await asyncpg.create_pool(
                self.extra["dsn"],
                min_size=self.pool_minsize,
                max_size=self.pool_maxsize,
                timeout=CONNECT,
                command_timeout=self.extra["command_timeout"],
                server_settings=self.server_settings,
                reset=_skip_reset,
            )
        await self._post_connect()

    async def _close(self) -> None:
        pool, self._pool = self._pool, None
        if pool:
            try:
                await asyncio.wait_for(pool.close(), CLOSE)
            except Exception:
                pool.terminate()

    def acquire_connection(self) -> Any:
        """A connection of the pool, for one statement."""
        return self._pooled_connection()

    @asynccontextmanager
    async def _pooled_connection(self) -> AsyncIterator[Any]:
        connection = await self.acquire()
        try:
            yield connection
        finally:
            await self.release(connection)

    async def acquire(self) -> Any:
        """A connection of the pool that is not known to be dead. Raises :class:`DatabaseUnavailable`."""
        if not self._pool:
            async with self._pool_init_lock:
                if not self._pool:
                    await self.create_connection(with_db=True)
        assert self._pool
        try:
            with translate_errors():
                return await self._pool.acquire(timeout=ACQUIRE)
        except ConnectionLost as error:
            # There was no connection yet, so nothing is lost.
            raise DatabaseUnavailable(str(error)) from error
        except DatabaseUnavailable as error:
            if isinstance(error.__cause__, TimeoutError):
                raise DatabaseUnavailable(f"no connection was free within {ACQUIRE:g} s") from error
            raise

    async def release(self, connection: Any) -> None:
        """Return a connection to the pool, which closes it if it is broken."""
        if self._pool:
            # The caller already has its result: an error here only concerns the pool.
            with suppress(Exception):
                await self._pool.release(connection, timeout=RELEASE)

    async def _translate_exceptions(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        try:
            return await super()._translate_exceptions(func, *args, **kwargs)
        except DatabaseUnavailable as error:
            await self.expire_connections(error)
            if not isinstance(error, ConnectionLost) or not _is_read(args[0]):
                raise
        # A read can be repeated.
        return await super()._translate_exceptions(func, *args, **kwargs)

    async def expire_connections(self, error: DatabaseUnavailable) -> None:
        """Replace every connection of the pool before its next use, if the error means that they may be dead."""
        silent = isinstance(error.__cause__, TimeoutError)
        if self._pool and (silent or isinstance(error, ConnectionLost)):
            logger.warning("a connection to the database was lost; connecting again (%s)", error)
            await self._pool.expire_connections()

    async def fetch_in_transaction(self, statements: Sequence[Statement], combined: Statement | None) -> Rows:
        """See :class:`storage.database.engine.Session`."""
        if combined := combined or (statements[0] if len(statements) == 1 else None):
            return await self.fetch(*combined)
        with suppress(_NoRows):
            async with in_transaction(self.connection_name) as transaction:
                return await _run_each(transaction, statements)
        return []

    async def fetch_within(self, seconds: float, statement: str, values: Sequence[object]) -> Rows:
        """See :class:`storage.database.engine.Session`."""
        try:
            async with self._in_transaction() as client:
                transaction = cast(Transaction, client)
                await transaction.execute_script(WITHIN.format(seconds * 1000))
                return await transaction.fetch(statement, values)
        except DatabaseUnavailable as error:
            if isinstance(error.__cause__, asyncpg.QueryCanceledError):
                raise QueryTimeout("a statement was cancelled") from error
            raise

    def _in_transaction(self) -> TransactionContext:
        return _PooledTransaction(self)


class _NoRows(Exception):
    """Raised to roll back a transaction whose last statement returned nothing."""


class _PooledTransaction(TransactionContext):
    """A transaction on a connection of its own. Tortoise's class would leak the connection when BEGIN fails."""

    def __init__(self, client: Client) -> None:
        self._parent = client

    async def __aenter__(self) -> TransactionalDBClient:
        self.client = Transaction(self._parent, await self._parent.acquire())
        try:
            await self.client.begin()
        except BaseException as error:
            await self._end(error)
            raise
        self._token = get_connections().set(self._parent.connection_name, self.client)
        return self.client

    async def __aexit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        get_connections().reset(self._token)
        try:
            with translate_errors():
                if not exc_type:
                    await self.client.commit()
        except BaseException as error:
            exc_val = error
            raise
        finally:
            await self._end(exc_val)

    async def _end(self, error: BaseException | None) -> None:
        try:
            if error:
                # The connection may be lost, and the transaction with it.
                with suppress(Exception):
                    async with asyncio.timeout(RELEASE):
                        await self.client.rollback()
        finally:
            # Even after a second cancellation, the connection must return to the pool.
            await self._parent.release(self.client._connection)
        if isinstance(error, DatabaseUnavailable):
            await self._parent.expire_connections(error)


async def _skip_reset(connection: Any) -> None:
    """Avoid the round trip of asyncpg's reset: CloudKeep leaves no state on a connection after a transaction."""


async def _run_each(transaction: Any, statements: Sequence[Statement]) -> Rows:
    rows: Rows = []
    for statement in statements:
        rows = await transaction.fetch(*statement)
    if not rows:
        raise _NoRows
    return rows


async def _fetch(session: AsyncpgDBClient, statement: str, values: Sequence[object]) -> Rows:
    async with session.acquire_connection() as connection:
        rows: Rows = await connection.fetch(number_placeholders(statement), *values)
        return rows


def _is_read(statement: object) -> bool:
    return str(statement).lstrip()[:6].upper() == "SELECT"


@lru_cache(maxsize=512)
def number_placeholders(statement: str) -> str:
    """The statement with ``$1``, ``$2``, … for each ``?``; our statements have no other question marks."""
    parts = statement.split("?")
    return "".join(f"{part}${number}" for number, part in enumerate(parts[:-1], 1)) + parts[-1]


client_class = Client
