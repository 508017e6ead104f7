"""Tortoise's SQLite client, which tells a full disk from every other trouble. Named as ``engine`` in ``orm_config``."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tortoise.backends.sqlite.client import translate_exceptions
from tortoise.exceptions import OperationalError

from storage.errors import NoSpace
from storage.lasting import LastingClient

Statement = tuple[str, Sequence[object]]

#: The file, or the index of its write-ahead log, cannot grow (https://sqlite.org/rescode.html).
FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE}


@contextmanager
def no_space() -> Iterator[None]:
    """Turn what SQLite says of a full disk into :class:`NoSpace`."""
    try:
        yield
    except (OperationalError, sqlite3.OperationalError) as error:
        if _is_full(error):
            raise NoSpace("the database has no room to grow") from error
        raise


def _is_full(error: BaseException | None) -> bool:
    # Tortoise hands SQLite's error on as an argument, and undoing what failed may fail in turn.
    while error:
        if any(getattr(each, "sqlite_errorcode", None) in FULL for each in (error, *error.args)):
            return True
        error = error.__cause__ or error.__context__
    return False


class Client(LastingClient):
    """Raises :class:`NoSpace` where a statement outside of a transaction finds the disk full."""

    async def execute_insert(self, query: str, values: list[Any]) -> int:
        """See Tortoise."""
        with no_space():
            key: int = await super().execute_insert(query, values)
            return key

    async def execute_query(self, query: str, values: list[Any] | None = None) -> tuple[int, Sequence[dict[str, Any]]]:
        """See Tortoise."""
        with no_space():
            found: tuple[int, Sequence[dict[str, Any]]] = await super().execute_query(query, values)
            return found

    async def execute_query_dict(self, query: str, values: list[Any] | None = None) -> list[dict[str, Any]]:
        """See Tortoise."""
        with no_space():
            found: list[dict[str, Any]] = await super().execute_query_dict(query, values)
            return found

    @translate_exceptions
    async def execute_together(self, statements: Sequence[Statement]) -> list[Any]:
        """Run statements in a transaction of their own, and return the rows of the last; undo all when it has none.

        One call on the connection's thread in place of one for each step, in which others would have to wait for it.
        Cancelled, it is done to its end all the same, before anything that comes later.
        """
        with no_space():
            async with self.acquire_connection() as connection:
                rows: list[Any] = await connection._execute(_run_together, connection._conn, statements)
                return rows


def _run_together(connection: sqlite3.Connection, statements: Sequence[Statement]) -> list[Any]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        rows = _run_each(connection, statements)
        if rows:
            connection.commit()
        return rows
    finally:
        connection.rollback()


def _run_each(connection: sqlite3.Connection, statements: Sequence[Statement]) -> list[Any]:
    rows: list[Any] = []
    for statement, values in statements:
        rows = connection.execute(statement, values).fetchall()
    return rows


client_class = Client
