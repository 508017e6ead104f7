"""The feeds that are watched in this process, read from the database once for all watchers.

One query a second asks for the newest change of every watched account. So no notification is needed for a change to
arrive; one only makes it arrive sooner. Watchers at the same position share what is read.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from time import monotonic
from uuid import UUID

from services.changes import feed
from services.changes.cursors import FeedCursor
from services.changes.types import ChangePage
from services.core.errors import DATABASE_AWAY
from storage.errors import in_one_line
from storage.events import events

logger = logging.getLogger("cloudkeep.changes")

#: Every feed is looked at this often, in seconds.
POLL_SECONDS = 1.0
#: Between two queries after notifications, in seconds: many of them share one.
PAUSE_SECONDS = 0.05
#: Accounts in one query.
BATCH = 500
#: Changes in one page.
PAGE = 100
#: Pages that one feed keeps for slower watchers, and for how many seconds. A change takes about a kilobyte.
MAX_PAGES = 4
PAGE_SECONDS = 10.0
#: Pages that are read at the same time, so that other queries find a free connection when many watchers reconnect.
READERS = 4


class WatchedFeed:
    """The feed of one account. ``newest`` is the number of the newest change that is known of."""

    def __init__(self, account_id: UUID, turns: asyncio.Semaphore, notify: Callable[["WatchedFeed"], None]) -> None:
        self.account_id = account_id
        self.newest = 0
        #: What watchers want to be called when there are changes.
        self.listeners: set[Callable[[], None]] = set()
        self.users = 0
        self._turns = turns
        self._notify = notify
        self._reading: dict[FeedCursor, asyncio.Task[ChangePage]] = {}
        self._pages: dict[FeedCursor, tuple[float, ChangePage]] = {}

    def notify(self) -> None:
        """Look soon whether there are changes."""
        self._notify(self)

    def set_newest(self, newest: int) -> None:
        """Call the listeners if there are changes that they do not know of."""
        if newest > self.newest:
            self.newest = newest
            for listener in tuple(self.listeners):
                listener()

    async def changes_after(self, after: FeedCursor) -> ChangePage:
        """The first changes after a position. Watchers that need the same page share a query.

        Raises like :func:`services.changes.feed.changes_after`.
        """
        if kept := self._pages.get(after):
            return kept[1]
        task = self._reading.get(after)
        if task is None:
            task = self._reading[after] = asyncio.create_task(self._read(after), name="feed-page")
        # Shielded, because other watchers wait for the same page.
        return await asyncio.shield(task)

    def forget_old_pages(self) -> None:
        """Free the memory of pages that were read a while ago."""
        limit = monotonic() - PAGE_SECONDS
        for after in [after for after, (read_at, _) in self._pages.items() if read_at < limit]:
            del self._pages[after]

    async def _read(self, after: FeedCursor) -> ChangePage:
        try:
            async with self._turns:
                page = await feed.changes_after(self.account_id, after, PAGE)
        finally:
            del self._reading[after]
        if page.changes:
            self._pages[after] = monotonic(), page
            if len(self._pages) > MAX_PAGES:
                del self._pages[next(iter(self._pages))]
        return page


class WatchedFeeds:
    """The watched feeds of one process. ``close`` at the end."""

    def __init__(self) -> None:
        self._feeds: dict[UUID, WatchedFeed] = {}
        self._turns = asyncio.Semaphore(READERS)
        self._notified: set[UUID] = set()
        self._wake = asyncio.Event()
        self._polling: asyncio.Task[None] | None = None
        self._is_away = False

    @contextmanager
    def watched(self, account_id: UUID) -> Iterator[WatchedFeed]:
        """Watch the feed of an account during the block."""
        watched = self._feeds.setdefault(account_id, WatchedFeed(account_id, self._turns, self._notify))
        watched.users += 1
        if self._polling is None:
            self._polling = asyncio.create_task(self._poll(), name="watched-feeds")
        try:
            yield watched
        finally:
            watched.users -= 1
            if not watched.users:
                del self._feeds[account_id]

    async def close(self) -> None:
        """Stop looking for changes."""
        if self._polling:
            self._polling.cancel()
            await asyncio.wait({self._polling})

    def _notify(self, watched: WatchedFeed) -> None:
        self._notified.add(watched.account_id)
        self._wake.set()

    async def _poll(self) -> None:
        """Look for changes while a feed is watched: after notifications, and at all feeds every second."""
        next_round = 0.0
        while self._feeds:
            if monotonic() >= next_round:
                next_round = monotonic() + POLL_SECONDS
                await self._look(list(self._feeds))
                for watched in self._feeds.values():
                    watched.forget_old_pages()
            else:
                await self._look([key for key in self._notified if key in self._feeds])
            await asyncio.sleep(PAUSE_SECONDS)
            await self._wait(next_round - monotonic())
        self._polling = None

    async def _wait(self, seconds: float) -> None:
        if not self._notified and seconds > 0:
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._wake.wait()

    async def _look(self, account_ids: Sequence[UUID]) -> None:
        self._notified.clear()
        try:
            for start in range(0, len(account_ids), BATCH):
                found = await events.newest_numbers(account_ids[start : start + BATCH])
                for account_id, newest in found.items():
                    if watched := self._feeds.get(account_id):
                        watched.set_newest(newest)
            self._is_away = False
        except DATABASE_AWAY as error:
            if not self._is_away:
                logger.warning("no changes are sent until the database is back: %s", in_one_line(error))
            self._is_away = True
        except Exception:
            # Without this task, no watcher of this process would get a change.
            logger.exception("the newest changes cannot be read")
