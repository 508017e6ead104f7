"""A client for SQLite that replaces a dead connection.

Tortoise keeps one connection for the lifetime of the process: once it is closed, every query fails until a restart.
This client checks it before each use, as a pool does. The caller that was using it when it broke gets an error; the
next caller gets a new connection.
"""

import logging
import sqlite3
from contextlib import ExitStack
from typing import Any

from tortoise.backends.base.client import ConnectionWrapper, TransactionalDBClient, TransactionContext
from tortoise.backends.sqlite.client import SqliteClient, SqliteTransactionContext, SqliteTransactionWrapper
from tortoise.connection import get_connections

from storage.cancellation import run_to_end

logger = logging.getLogger("cloudkeep.database")


class ReconnectingClient(SqliteClient):
    """A client whose connection is replaced when it breaks."""

    transaction_class = SqliteTransactionWrapper

    def acquire_connection(self) -> ConnectionWrapper[Any]:
        """The connection, which works at the start of the block."""
        return _LiveConnection(self._lock, self)

    def _in_transaction(self) -> TransactionContext:
        return _LiveTransaction(self.transaction_class(self), self._lock)

    async def ensure_alive(self) -> None:
        """Replace the connection if it is dead.

        Runs to its end even if the caller is cancelled. The caller holds the lock.
        """
        if _is_alive(self):
            return
        await run_to_end(self._reconnect())

    async def _reconnect(self) -> None:
        if self._connection:
            logger.warning("the connection to the database was lost; connecting again")
        self._drop()
        try:
            await self.create_connection(with_db=True)
        except BaseException:
            # A connection that is only half set up works, but without its pragmas: foreign keys, and durable commits.
            self._drop()
            raise

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection:
            connection.stop()


class _LiveConnection(ConnectionWrapper[Any]):
    client: ReconnectingClient

    async def __aenter__(self) -> Any:
        await self._lock.acquire()
        with ExitStack() as undo:
            undo.callback(self._lock.release)
            await self.ensure_connection()
            undo.pop_all()
        return self.connection

    async def ensure_connection(self) -> None:
        await self.client.ensure_alive()
        self.connection = self.client._connection


class _LiveTransaction(SqliteTransactionContext):
    async def __aenter__(self) -> TransactionalDBClient:
        # Tortoise's method keeps the lock when this fails, and every later query of the process would wait for it.
        await self._trxlock.acquire()
        with ExitStack() as undo:
            undo.callback(self._trxlock.release)
            await self.ensure_connection()
            self.token = get_connections().set(self.connection_name, self.connection)
            undo.callback(get_connections().reset, self.token)
            await self.connection.begin()
            undo.pop_all()
        client: TransactionalDBClient = self.connection
        return client

    async def ensure_connection(self) -> None:
        parent = self.connection._parent
        await parent.ensure_alive()
        self.connection._connection = parent._connection


def _is_alive(client: ReconnectingClient) -> bool:
    try:
        # Checks the library, not the file: runs no statement and waits for none.
        return client._connection is not None and client._connection.total_changes >= 0
    except (sqlite3.Error, ValueError):
        return False
