"""Which credentials still exist: a check of the database, at most every two seconds for each of them.

A process does not hear of what others do: a command may disable an account, and Redis may be away. So it reads the
database, which is the source of truth (:mod:`services.accounts.recent_reads`). Open streams are not requests, so the
credentials of all of them are read together every ``POLL_SECONDS``.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial
from uuid import UUID

from services.accounts.recent_reads import BATCH, RecentReads
from services.core.errors import DATABASE_AWAY
from storage.errors import in_one_line

logger = logging.getLogger("cloudkeep.accounts")

#: Streams of closed credentials end within 5 seconds: this time, that of a query, and some delay.
POLL_SECONDS = 2.0

Find = Callable[[Sequence[UUID]], Awaitable[Collection[UUID]]]
Ended = Callable[[], None]


class LiveChecks:
    """The checks of one kind of credentials in one process. ``start`` before the first stream, ``close`` at the end.

    ``find`` returns those of the given keys whose credentials exist and are valid now.
    """

    def __init__(self, find: Find) -> None:
        self._find = find
        self._recent: RecentReads[UUID, bool] = RecentReads(self._read)
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
        if self._polling:
            self._polling.cancel()
            await asyncio.wait({self._polling})
        await self._recent.close()

    async def is_live(self, key: UUID) -> bool:
        """Whether these credentials exist. Simultaneous calls share a query.

        Raises :class:`storage.errors.DatabaseUnavailable` if that has to be read, and the database is away.
        """
        is_live = await self._recent.get(key) or False
        if not is_live:
            # An account may have been enabled again.
            self._recent.forget(key)
        return is_live

    def forget(self, keys: Collection[UUID]) -> None:
        """Read these keys again when they are used next, because their credentials were closed."""
        for key in keys:
            self._recent.forget(key)

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

    async def _read(self, keys: Sequence[UUID]) -> Mapping[UUID, bool]:
        return dict.fromkeys(await self._find(keys), True)

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
