"""A database of a PostgreSQL server: how to connect to it, wait for it and migrate it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import asyncpg
from tortoise.migrations.recorder import MigrationRecorder
from tortoise.migrations.schema_editor import BasePostgresSchemaEditor
from tortoise.transactions import in_transaction

from storage.database.engine import FIRST_TABLE, WRITER, PoolSize
from storage.database.postgres.errors import may_recover, translate_errors
from storage.errors import DatabaseUnavailable

logger = logging.getLogger("cloudkeep.database")

# Timeouts, all in seconds.
CONNECT = 10.0
#: The timeout of a statement on the server. The longer one of the client is for a server or a network that hangs.
STATEMENT = 30.0
COMMAND = STATEMENT + 5
CLOSE = 3.0
#: The time that a start waits for a server that is starting itself, or whose name does not resolve yet.
START = 30.0
_PAUSE = 0.5

#: The locks of a client that vanishes within a transaction are released within a minute.
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
#: The number of the advisory lock for migrations; any number works.
MIGRATION_LOCK = 0x636C6F75646B6565


class PostgresEngine:
    """See :class:`storage.database.engine.Engine`."""

    routers: Sequence[type] = ()

    def __init__(self, url: str) -> None:
        self._url = url

    def connections(self, pool: PoolSize, *, timeouts: bool) -> dict[str, Any]:
        """See :class:`storage.database.engine.Engine`."""
        credentials = {
            "dsn": self._url,
            "minsize": pool.least,
            "maxsize": pool.most,
            "command_timeout": COMMAND if timeouts else None,
            "server_settings": SESSION if timeouts else {**SESSION, "statement_timeout": "0"},
        }
        return {WRITER: {"engine": "storage.database.postgres.client", "credentials": credentials}}

    async def missing_tables(self) -> str | None:
        """See :class:`storage.database.engine.Engine`."""
        await self.require_available()
        with translate_errors():
            connection = await asyncpg.connect(self._url, timeout=CONNECT, command_timeout=COMMAND)
            try:
                if await connection.fetchval("SELECT to_regclass($1)", FIRST_TABLE):
                    return None
                name = await connection.fetchval("SELECT current_database()")
            finally:
                await connection.close(timeout=CLOSE)
        return f"the database {name} has no tables of CloudKeep's"

    async def require_available(self) -> None:
        """See :class:`storage.database.engine.Engine`. Waits for a server that is starting."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + START
        for attempt in count():
            try:
                with translate_errors():
                    connection = await asyncpg.connect(self._url, timeout=CONNECT, command_timeout=COMMAND)
                    await connection.close(timeout=CLOSE)
                return
            except DatabaseUnavailable as error:
                if clock() > deadline or not may_recover(error.__cause__):
                    raise
                if attempt == 0:
                    logger.warning("waiting up to %g s for the database: %s", START, error)
            await asyncio.sleep(_PAUSE)

    @asynccontextmanager
    async def migration_lock(self) -> AsyncIterator[Any]:
        """See :class:`storage.database.engine.Engine`. All migrations are one transaction."""
        async with in_transaction(WRITER) as transaction:
            await transaction.execute_query("SELECT pg_advisory_xact_lock($1)", [MIGRATION_LOCK])
            # Tortoise queries this table before it creates it, and the error would end the transaction.
            await MigrationRecorder(transaction).ensure_schema(BasePostgresSchemaEditor(transaction, atomic=False))
            yield transaction

    async def copy_before_migration(self, first: str) -> None:
        """See :class:`storage.database.engine.Engine`. Copies nothing: the server has tools of its own for it."""
