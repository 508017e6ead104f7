"""An account that is watched in this process: one reader of the event log, for all of its watchers."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from services.activity.upload_frames import UploadFrames
from services.activity.watcher import Watcher
from services.changes.cursors import FeedCursor
from services.changes.watched_feeds import WatchedFeed
from services.core.errors import DATABASE_AWAY
from services.uploads.progress.progress import STARTED
from storage.errors import in_one_line
from storage.progress_stream import Event, EventLog, Subscription

logger = logging.getLogger("cloudkeep.activity")

#: Events of this time are handled together, in seconds.
GATHER_SECONDS = 0.02
#: Events that are handled before frames are sent again.
MAX_EVENTS = 500
#: Seconds until the database is read again after it was away.
AWAY_SECONDS = 1.0


class WatchedAccount:
    """Follows the events of an account. ``start`` before the first watcher, ``close`` after the last one."""

    def __init__(self, account_id: UUID, log: EventLog, feed: WatchedFeed) -> None:
        self.users = 0
        self._id = account_id
        self._log = log
        self._feed = feed
        self._uploads = UploadFrames(account_id)
        self._watchers: set[Watcher] = set()
        self._task: asyncio.Task[None] | None = None
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def start(self) -> None:
        """Start to follow."""
        self._task = asyncio.create_task(self._run(), name="watched-account")

    async def until_ready(self) -> None:
        """Wait until the open uploads are known. Raises :class:`storage.errors.DatabaseUnavailable`."""
        await asyncio.shield(self._ready)

    async def close(self) -> None:
        """Stop following."""
        if self._task:
            self._task.cancel()
            await asyncio.wait({self._task})
        if not self._ready.done():
            self._ready.cancel()

    @contextmanager
    def joined(self, start: FeedCursor, end: FeedCursor) -> Iterator[Watcher]:
        """A watcher that gets frames during the block."""
        watcher = Watcher(self._feed, self._uploads.newest, start, end)
        self._watchers.add(watcher)
        self._feed.listeners.add(watcher.wake)
        try:
            yield watcher
        finally:
            self._feed.listeners.discard(watcher.wake)
            self._watchers.discard(watcher)

    async def _run(self) -> None:
        try:
            async with self._log.subscribe(str(self._id)) as events:
                await self._uploads.compare(events.cursor)
                self._send()
                self._ready.set_result(None)
                await self._follow(events)
        except Exception as error:
            if self._ready.done():
                raise
            self._ready.set_exception(error)
            # All watchers may have left before they could see it.
            self._ready.exception()

    async def _follow(self, events: Subscription) -> None:
        while True:
            try:
                await self._receive(events)
                await self._uploads.compare(events.cursor)
            except DATABASE_AWAY as error:
                logger.debug("no states of uploads: %s", in_one_line(error))
                await asyncio.sleep(AWAY_SECONDS)
            except Exception:
                # Without this task, the watchers would wait without end.
                logger.exception("the activity of an account cannot be followed")
                await asyncio.sleep(AWAY_SECONDS)
            self._send()
            await asyncio.sleep(GATHER_SECONDS)

    async def _receive(self, events: Subscription) -> None:
        event = await events.next_event(self._uploads.timeout())
        for _ in range(MAX_EVENTS):
            if not event:
                return
            self._handle(event)
            event = await events.next_event(0)
        if event:
            self._handle(event)

    def _handle(self, event: Event) -> None:
        if "stage" in event.payload:
            self._uploads.accept(event)
        elif STARTED in event.payload:
            self._uploads.add(UUID(event.payload[STARTED]))
        else:
            # See `services.changes.notifier`.
            self._feed.notify()

    def _send(self) -> None:
        for frame in self._uploads.due():
            for watcher in self._watchers:
                watcher.offer(frame)
