"""The statements that a call sends to PostgreSQL."""

from collections.abc import Awaitable
from typing import Any

from tortoise import connections


async def statements_of(work: Awaitable[object]) -> list[str]:
    """The statements of a call that uses one connection at a time. One for many rows of values is in it once."""
    statements: list[str] = []
    pool: Any = connections.get("default")
    # The next one who needs a connection gets the one that was returned last.
    connection = await pool.acquire()
    with connection.query_logger(lambda record: statements.append(record.query)):
        await pool.release(connection)
        await work
    return statements
