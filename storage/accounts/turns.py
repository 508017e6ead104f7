"""Lets the work on one account wait in this process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID
from weakref import WeakValueDictionary


class Turns:
    """Locks by account."""

    def __init__(self) -> None:
        self._locks = WeakValueDictionary[UUID, asyncio.Lock]()

    @asynccontextmanager
    async def of(self, account_id: UUID) -> AsyncIterator[None]:
        """Hold the account's lock while the block runs. Those that wait get it in their order."""
        async with self._locks.setdefault(account_id, asyncio.Lock()):
            yield
