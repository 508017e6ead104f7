"""What the database has said about credentials within the last two seconds.

Every request needs its credentials, so they are not read for each of them. Keys that are read at the same time share a
query, and only one query runs at a time: a flood of invented tokens costs a query for hundreds of them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import islice
from time import monotonic
from typing import Generic, NamedTuple, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")

#: Revoked credentials stop everywhere within five seconds, so that what is known may be two seconds old.
LIFE_SECONDS = 2.0
#: Keys that are remembered, known or not. An entry takes less than a kilobyte.
MAX_ENTRIES = 10_000
#: Keys that one query reads.
BATCH = 500


class _Entry(NamedTuple, Generic[Value]):
    value: Value | None
    read_at: float


class RecentReads(Generic[Key, Value]):
    """The reads of one process. ``read`` returns the values of up to ``BATCH`` keys; a key without one is unknown.

    ``life``: seconds, if not ``LIFE_SECONDS``.
    """

    def __init__(
        self,
        read: Callable[[Sequence[Key]], Awaitable[Mapping[Key, Value]]],
        life: float | None = None,
        max_entries: int = MAX_ENTRIES,
    ) -> None:
        self._read = read
        self._life = life
        self._max_entries = max_entries
        self._entries: dict[Key, _Entry[Value]] = {}
        #: For the next query, and for the one that is running.
        self._waiting: dict[Key, asyncio.Future[Value | None]] = {}
        self._reading: dict[Key, asyncio.Future[Value | None]] = {}
        self._query: asyncio.Task[None] | None = None

    async def get(self, key: Key) -> Value | None:
        """The value of a key, as it was at most ``life`` seconds ago; None if there is none.

        Raises the error of ``read``, such as :class:`storage.errors.DatabaseUnavailable`: what is older is not used.
        """
        entry = self._entries.get(key)
        if entry and monotonic() < entry.read_at + (LIFE_SECONDS if self._life is None else self._life):
            return entry.value
        shared = self._reading.get(key) or self._waiting.get(key)
        if shared is None:
            shared = self._waiting[key] = asyncio.get_running_loop().create_future()
            if self._query is None:
                self._query = asyncio.create_task(self._read_waiting())
        # Shielded, because other callers wait for the same result.
        return await asyncio.shield(shared)

    def forget(self, key: Key) -> None:
        """Read this key again when it is needed, because its value has changed.

        A query that is running may have read it before, so its result is not kept, and later calls do not share it.
        """
        self._entries.pop(key, None)
        self._reading.pop(key, None)

    async def close(self) -> None:
        """End the query that is running. Its callers are cancelled."""
        if self._query:
            self._query.cancel()
            await asyncio.wait({self._query})

    async def _read_waiting(self) -> None:
        try:
            while self._waiting:
                batch = dict(islice(self._waiting.items(), BATCH))
                for key in batch:
                    del self._waiting[key]
                self._reading = dict(batch)
                await self._read_together(batch)
        finally:
            self._query = None

    async def _read_together(self, batch: Mapping[Key, "asyncio.Future[Value | None]"]) -> None:
        # The time before the query: a slow one returns what was true when it began.
        began = monotonic()
        try:
            values = await self._read(list(batch))
        except asyncio.CancelledError:
            for future in (*batch.values(), *self._waiting.values()):
                future.cancel()
            raise
        except Exception as error:
            self._reading.clear()
            for future in batch.values():
                future.set_exception(error)
                # Every caller may have been cancelled. Without this, asyncio would log the error.
                future.exception()
            return
        for key, future in batch.items():
            # A key that was forgotten meanwhile is not there.
            if self._reading.pop(key, None):
                self._keep(key, values.get(key), began)
            future.set_result(values.get(key))

    def _keep(self, key: Key, value: Value | None, read_at: float) -> None:
        # Inserted at the end, so that the first entries are the oldest ones.
        self._entries.pop(key, None)
        self._entries[key] = _Entry(value, read_at)
        if len(self._entries) > self._max_entries:
            del self._entries[next(iter(self._entries))]
