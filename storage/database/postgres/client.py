"""PostgreSQL by asyncpg: a pool whose connections are made again when they are dead, and no wait without an end.

Named as ``engine`` in Tortoise's configuration.
"""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import lru_cache
from itertools import count
from typing import Any

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.backends.base.client import NestedTransactionContext, TransactionalDBClient, TransactionContext
from tortoise.connection import get_connections
from tortoise.exceptions import IntegrityError, OperationalError
from tortoise.migrations.recorder import MigrationRecorder
from tortoise.migrations.schema_editor import BasePostgresSchemaEditor
from tortoise.transactions import in_transaction

from storage.database.engine import FIRST_TABLE, WRITER, PoolSize, Rows, Statement
from storage.errors import ConnectionLost, DatabaseUnavailable, NoSpace, TransactionAborted, in_one_line

logger = logging.getLogger("cloudkeep.database")
# It tells of every try to connect again with a traceback, for as long as the server is away; we say so once.
logging.getLogger("asyncpg.pool").setLevel(logging.ERROR)

# All in seconds.
#: For a free connection of the pool, or a new one.
ACQUIRE = 10.0
CONNECT = 10.0
#: For one statement, by the server's clock. Ours is for a server or a network that hangs.
STATEMENT = 30.0
COMMAND = STATEMENT + 5
#: For what a connection still has to do when nobody waits for it any more.
RELEASE = 5.0
CLOSE = 3.0
#: How long a start waits for a server that is itself starting, or whose name is not known yet.
START = 30.0
_PAUSE = 0.5

#: Whoever vanishes in the middle of a transaction holds its locks no longer than a minute.
SESSION = {
    "application_name": "cloudkeep",
    "default_transaction_isolation": "read committed",
    "idle_in_transaction_session_timeout": "60s",
    "statement_timeout": f"{STATEMENT:g}s",
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "60s",
    "timezone": "UTC",
}
#: Of our own choice; who migrates holds the advisory lock with this number.
MIGRATION_LOCK = 0x636C6F75646B6565

#: The server is away or on its way, or will have none of us for now.
_AWAY = (
    OSError,
    TimeoutError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.TransactionTimeoutError,
    asyncpg.LockNotAvailableError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
)
#: These say of themselves that the connection is gone, or of no more use.
_LOST = (
    OSError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.IdleSessionTimeoutError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.TransactionTimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.ReadOnlySQLTransactionError,
)
_UNDONE = (asyncpg.TransactionRollbackError, asyncpg.InvalidCachedStatementError)


class PostgresEngine:
    """A database of a PostgreSQL server."""

    routers: Sequence[type] = ()

    def __init__(self, url: str) -> None:
        self._url = url

    def connections(self, pool: PoolSize, *, patient: bool) -> dict[str, Any]:
        """See :class:`storage.database.engine.Engine`."""
        credentials = {
            "dsn": self._url,
            "minsize": pool.least,
            "maxsize": pool.most,
            "command_timeout": None if patient else COMMAND,
            "server_settings": {**SESSION, "statement_timeout": "0"} if patient else SESSION,
        }
        return {WRITER: {"engine": __name__, "credentials": credentials}}

    async def missing(self) -> str | None:
        """See :class:`storage.database.engine.Engine`."""
        await self.require_available()
        with translated():
            connection = await asyncpg.connect(self._url, timeout=CONNECT, command_timeout=COMMAND)
            try:
                if await connection.fetchval("SELECT to_regclass($1)", FIRST_TABLE):
                    return None
                name = await connection.fetchval("SELECT current_database()")
            finally:
                await connection.close(timeout=CLOSE)
        return f"the database {name} has no tables of CloudKeep's"

    async def require_available(self) -> None:
        """Wait until the server takes connections. Raises :class:`DatabaseUnavailable` when it is not to be had."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + START
        for attempt in count():
            try:
                with translated():
                    connection = await asyncpg.connect(self._url, timeout=CONNECT, command_timeout=COMMAND)
                    await connection.close(timeout=CLOSE)
                return
            except DatabaseUnavailable as error:
                if clock() > deadline or not _is_coming(error.__cause__):
                    raise
                if attempt == 0:
                    logger.warning("waiting up to %g s for the database: %s", START, error)
            await asyncio.sleep(_PAUSE)

    @asynccontextmanager
    async def migrating(self) -> AsyncIterator[Any]:
        """See :class:`storage.database.engine.Engine`. All migrations are one transaction."""
        async with in_transaction(WRITER) as transaction:
            await transaction.execute_query("SELECT pg_advisory_xact_lock($1)", [MIGRATION_LOCK])
            # Tortoise asks this table whether it is there, and the error would be the end of the transaction.
            await MigrationRecorder(transaction).ensure_schema(BasePostgresSchemaEditor(transaction, atomic=False))
            yield transaction


def _is_coming(cause: BaseException | None) -> bool:
    """Whether a server that answers like this may let us in a little later."""
    # The second is what asyncpg says of a server that has no TLS.
    if isinstance(cause, ssl.SSLError) or type(cause) is ConnectionError:
        return False
    return isinstance(cause, (OSError, TimeoutError, asyncpg.CannotConnectNowError, asyncpg.TooManyConnectionsError))


@contextmanager
def translated() -> Iterator[None]:
    """Turn what asyncpg raises into Tortoise's errors and ours. No message holds a password."""
    try:
        yield
    except asyncpg.IntegrityConstraintViolationError as error:
        raise IntegrityError(error) from error
    except asyncpg.DiskFullError as error:
        raise NoSpace("the database has no room to grow") from error
    except _UNDONE as error:
        raise TransactionAborted(in_one_line(error)) from error
    except _AWAY as error:
        # asyncpg's own DataError, a value that a column cannot hold, is one of these as well; and a certificate that is
        # not to be trusted is a ValueError for Python.
        if isinstance(error, ValueError) and not isinstance(error, ssl.SSLError):
            raise OperationalError(error) from error
        lost = isinstance(error, _LOST) and not isinstance(error, TimeoutError)
        raise (ConnectionLost if lost else DatabaseUnavailable)(in_one_line(error)) from error
    except asyncpg.PostgresError as error:
        raise OperationalError(error) from error


class _Session(AsyncpgDBClient):
    """What a pool and a transaction have in common."""

    async def _translate_exceptions(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        with translated():
            return await func(self, *args, **kwargs)

    def translated(self) -> Any:
        """See :class:`storage.database.engine.Session`."""
        return translated()

    async def ask(self, statement: str, values: Sequence[object]) -> Rows:
        """See :class:`storage.database.engine.Session`."""
        rows: Rows = await self._translate_exceptions(_fetch, statement, values)
        return rows

    async def run_many(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        """See :class:`storage.database.engine.Session`."""
        await self.execute_many(numbered(statement), [list(row) for row in rows])


class Transaction(_Session, TransactionWrapper):
    """A connection in the middle of a transaction."""

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
        with translated():
            self._pool = await asyncpg.create_pool(
                self.extra["dsn"],
                min_size=self.pool_minsize,
                max_size=self.pool_maxsize,
                timeout=CONNECT,
                command_timeout=self.extra["command_timeout"],
                server_settings=self.server_settings,
                reset=_leave,
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
        return self._borrowed()

    @asynccontextmanager
    async def _borrowed(self) -> AsyncIterator[Any]:
        connection = await self.take()
        try:
            yield connection
        finally:
            await self.give_back(connection)

    async def take(self) -> Any:
        """A connection of the pool, alive as far as anybody knows. Raises :class:`DatabaseUnavailable`."""
        if not self._pool:
            async with self._pool_init_lock:
                if not self._pool:
                    await self.create_connection(with_db=True)
        assert self._pool
        try:
            with translated():
                return await self._pool.acquire(timeout=ACQUIRE)
        except ConnectionLost as error:
            # It was never there: nothing has been lost.
            raise DatabaseUnavailable(str(error)) from error
        except DatabaseUnavailable as error:
            if isinstance(error.__cause__, TimeoutError):
                raise DatabaseUnavailable(f"no connection was free within {ACQUIRE:g} s") from error
            raise

    async def give_back(self, connection: Any) -> None:
        """Return a connection to the pool, which closes it unless it is as good as new."""
        if self._pool:
            # Whoever used it has had their answer: a connection that cannot be reset is the pool's affair alone.
            with suppress(Exception):
                await self._pool.release(connection, timeout=RELEASE)

    async def _translate_exceptions(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        try:
            return await super()._translate_exceptions(func, *args, **kwargs)
        except DatabaseUnavailable as error:
            await self.distrust(error)
            if not isinstance(error, ConnectionLost) or not _is_question(args[0]):
                raise
        # What only asks can be asked again.
        return await super()._translate_exceptions(func, *args, **kwargs)

    async def distrust(self, error: DatabaseUnavailable) -> None:
        """Have connections that are as old as one that broke made again before they are used."""
        silent = isinstance(error.__cause__, TimeoutError)
        if self._pool and (silent or isinstance(error, ConnectionLost)):
            logger.warning("a connection to the database was lost; connecting again (%s)", error)
            await self._pool.expire_connections()

    async def run_together(self, statements: Sequence[Statement], joined: Statement | None) -> Rows:
        """See :class:`storage.database.engine.Session`."""
        if joined := joined or (statements[0] if len(statements) == 1 else None):
            return await self.ask(*joined)
        with suppress(_NothingFound):
            async with in_transaction(self.connection_name) as transaction:
                return await _run_each(transaction, statements)
        return []

    def _in_transaction(self) -> TransactionContext:
        return _Begun(self)


class _NothingFound(Exception):
    """Undoes a transaction."""


class _Begun(TransactionContext):
    """A transaction on a connection of its own. Tortoise's would lose the connection where it cannot begin."""

    def __init__(self, client: Client) -> None:
        self._parent = client

    async def __aenter__(self) -> TransactionalDBClient:
        self.client = Transaction(self._parent, await self._parent.take())
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
            with translated():
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
                # The connection may be gone, and with it the transaction.
                with suppress(Exception):
                    async with asyncio.timeout(RELEASE):
                        await self.client.rollback()
        finally:
            # Whoever is cancelled once more meanwhile must not take it out of the pool for ever.
            await self._parent.give_back(self.client._connection)
        if isinstance(error, DatabaseUnavailable):
            await self._parent.distrust(error)


async def _leave(connection: Any) -> None:
    """Nothing that we do outlives its transaction, so that there is nothing to reset, at the price of a round trip."""


async def _run_each(transaction: Any, statements: Sequence[Statement]) -> Rows:
    rows: Rows = []
    for statement in statements:
        rows = await transaction.ask(*statement)
    if not rows:
        raise _NothingFound
    return rows


async def _fetch(session: AsyncpgDBClient, statement: str, values: Sequence[object]) -> Rows:
    async with session.acquire_connection() as connection:
        rows: Rows = await connection.fetch(numbered(statement), *values)
        return rows


def _is_question(statement: object) -> bool:
    return str(statement).lstrip()[:6].upper() == "SELECT"


@lru_cache(maxsize=512)
def numbered(statement: str) -> str:
    """The statement with ``$1``, ``$2``, … for each ``?``; a question mark has no other meaning in ours."""
    parts = statement.split("?")
    return "".join(f"{part}${number}" for number, part in enumerate(parts[:-1], 1)) + parts[-1]


client_class = Client
