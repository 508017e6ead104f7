"""Calls that race each other on connections of their own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

from storage.database.connection import close_database, open_database
from storage.database.engine import PoolSize
from storage.errors import StateChanged


@asynccontextmanager
async def open_pool(database_url: str) -> AsyncIterator[None]:
    """A pool whose connections are all open, so that calls race from the first statement on."""
    await open_database(database_url, PoolSize(10, 10))
    yield
    await close_database()


async def at_once(*works: Awaitable[Any], refusals: tuple[type[Exception], ...] = (StateChanged,)) -> list[Any]:
    """The result of each call, or its error if that is a refusal. Any other error fails the test."""
    found = await asyncio.gather(*works, return_exceptions=True)
    for one in found:
        if isinstance(one, BaseException) and not isinstance(one, refusals):
            raise one
    return found
