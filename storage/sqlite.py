"""Tortoise's SQLite client, which tells a full disk from every other trouble. Named as ``engine`` in ``orm_config``."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tortoise.exceptions import OperationalError

from storage.errors import NoSpace
from storage.lasting import LastingClient

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


client_class = Client
