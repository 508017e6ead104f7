"""Which credentials still exist: a check of the database, at most every two seconds for each of them.

A process does not hear of what others do: a command may disable an account, and Redis may be away. So it reads the
database, which is the source of truth. Credentials that were found are trusted for ``TRUSTED_SECONDS``. Open streams
are not requests, so the credentials of all of them are read together every ``POLL_SECONDS``.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial
from itertools import islice
from time import monotonic
from uuid import UUID

from services.core.errors import DATABASE_AWAY
from storage.errors import in_one_line

logger = logging.getLogger("cloudkeep.accounts")

#: Requests and streams of closed credentials end within 5 seconds: this time, that of a query, and some delay.
TRUSTED_SECONDS = 2.0
POLL_SECONDS = 2.0
#: Keys that one query reads.
BATCH = 1_000
#: Keys that are trusted at the same time, at about 150 bytes each.
TRUSTED = 10_000

Find = Callable[[Sequence[UUID]], Awaitable[Collection[UUID]]]
Ended = Callable[[], None]


class LiveChecks:
    """The checks of one kind of credentials in one process. ``start`` before the first stream, ``close`` at the end.

    ``find`` returns those of the given keys whose credentials exist and are valid now.
    """

    def __init__(self, find: Find) -> None:
        self._find = find
        #: When the query began that has found the key, the oldest first.
        self._trusted: dict[UUID, float] = {}
        #: For the next query, and for the one that is running.
        self._waiting: dict[UUID, asyncio.Future[bool]] = {}
        self._reading: dict[UUID, asyncio.Future[bool]] = {}
        self._query: asyncio.Task[None] | None = None
        #: What open streams call when their credentials have ended.
        self._streams: dict[UUID, list[Ended]] = {}
        self._has_streams = asyncio.Event()
        self._polling: asyncio.Task[None] | None = None
        self._is_away = False

    async def start(self) -> None:
        """Start to check the credentials of open streams."""
        self._polling = asyncio.create_task(self._poll_for_ever(), name="live-checks")

    async def close(self) -> None:
        """Stop all checks."""
        tasks = {task for task in (self._polling, self._query) if task}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def is_live(self, key: UUID) -> bool:
        """Whether these credentials exist. Simultaneous calls share a query.

        Raises :class:`storage.errors.DatabaseUnavailable` if that has to be read, and the database is away.
        """
        if monotonic() < self._trusted.get(key, float("-inf")) + TRUSTED_SECONDS:
            return True
        shared = self._reading.get(key) or self._waiting.get(key)
        if shared is None:
            shared = self._waiting[key] = asyncio.get_running_loop().create_future()
            self._query = self._query or asyncio.create_task(self._read_waiting())
        # Shielded, because other callers wait for the same result.
        return await asyncio.shield(shared)

    def forget(self, keys: Collection[UUID]) -> None:
        """Read these keys again when they are used next, because their credentials were closed.

        A query that is running may have read them before, so its result is not kept, and later calls do not share it.
        """
        for key in keys:
            self._trusted.pop(key, None)
            self._reading.pop(key, None)

    def watch(self, key: UUID, ended: Ended) -> Callable[[], None]:
        """Call ``ended`` when the credentials have ended, and again at each check until the result is called."""
        self._streams.setdefault(key, []).append(ended)
        self._has_streams.set()
        return partial(self._unwatch, key, ended)

    def _unwatch(self, key: UUID, ended: Ended) -> None:
        streams = self._streams.get(key, [])
        if ended in streams:
            streams.remove(ended)
        if not streams:
            self._streams.pop(key, None)
        if not self._streams:
            self._has_streams.clear()

    async def _read_waiting(self) -> None:
        try:
            while self._waiting:
                batch = dict(islice(self._waiting.items(), BATCH))
                for key in batch:
                    del self._waiting[key]
                self._reading = dict(batch)
                await self._read(batch)
        finally:
            self._query = None

    async def _read(self, batch: dict[UUID, asyncio.Future[bool]]) -> None:
        began_at = monotonic()
        try:
            found = await self._find(list(batch))
        except BaseException as error:
            self._reading.clear()
            for future in batch.values():
                _fail(future, error)
            if not isinstance(error, Exception):
                raise
            return
        for key, future in batch.items():
            # A key that was forgotten meanwhile is not there.
            if self._reading.pop(key, None) and key in found:
                self._trust(key, began_at)
            future.set_result(key in found)

    def _trust(self, key: UUID, began_at: float) -> None:
        self._trusted.pop(key, None)
        self._trusted[key] = began_at
        while len(self._trusted) > TRUSTED:
            del self._trusted[next(iter(self._trusted))]

    async def _poll_for_ever(self) -> None:
        while True:
            await self._has_streams.wait()
            await asyncio.sleep(POLL_SECONDS)
            try:
                await self._poll()
            except DATABASE_AWAY as error:
                # Streams go on: this says nothing about their credentials, and the clients of all of them would
                # connect again at the same time. Their tokens still expire.
                self._log_away(error)
            except Exception:
                logger.exception("the credentials of open streams cannot be checked")

    async def _poll(self) -> None:
        keys = list(self._streams)
        for start in range(0, len(keys), BATCH):
            batch = keys[start : start + BATCH]
            found = await self._find(batch)
            self._is_away = False
            for key in set(batch).difference(found):
                self.forget([key])
                for ended in list(self._streams.get(key, ())):
                    ended()

    def _log_away(self, error: Exception) -> None:
        if not self._is_away:
            logger.warning("open streams are not checked until the database is back: %s", in_one_line(error))
        self._is_away = True


def _fail(future: asyncio.Future[bool], error: BaseException) -> None:
    if isinstance(error, Exception):
        future.set_exception(error)
        future.exception()  # retrieved, so that asyncio does not log it if every caller has gone
    else:
        future.cancel()
