"""What one watcher of an account still has to get."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from uuid import UUID

from services.changes.cursors import FeedCursor, cursor_of
from services.changes.watched_feeds import WatchedFeed
from services.core.errors import DATABASE_AWAY
from services.uploads.progress.frame import ProgressFrame
from storage.events.models import Event

#: The most seconds without any event. Proxies close connections that are silent for a minute.
HEARTBEAT_SECONDS = 20.0
#: Uploads whose progress waits for a slow watcher. The oldest one is dropped if there are more.
MAX_UPLOADS = 5_000
#: Seconds between two attempts to read changes while the database is away.
AWAY_SECONDS = 1.0
MIN_WAIT_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class ActivityFrame:
    """A change, the progress of an upload, or None for a heartbeat. ``cursor``: the position in the feed after it."""

    cursor: str
    subject: Event | ProgressFrame | None


class NextFrame:
    """A frame that is ready. What it is, is decided when it is taken: then it is as new as it can be."""

    def __init__(self, watcher: "Watcher") -> None:
        self._watcher = watcher
        self.is_taken = asyncio.Event()

    def take(self) -> ActivityFrame:
        """The frame. Call it once."""
        self.is_taken.set()
        return self._watcher.take()


class Watcher:
    """Changes that a watcher has not taken, all of them in order, and the newest progress of each upload.

    The first frames are the changes after ``start`` and up to ``end``, which was the end of the feed a moment ago. Then
    come the progress of every open upload, and a heartbeat. Later, changes and progress take turns. Memory is bounded:
    a page of changes, and a frame for each upload.
    """

    def __init__(
        self, feed: WatchedFeed, newest: dict[UUID, ProgressFrame], start: FeedCursor, end: FeedCursor
    ) -> None:
        self._feed = feed
        self._newest = newest
        self._position = start
        self._read_to = start
        self._end = end
        self._changes: deque[Event] = deque()
        self._progress: dict[UUID, ProgressFrame] = {}
        #: Uploads whose first frame was not taken yet; None until the first changes were.
        self._first: set[UUID] | None = None
        self._is_complete = False
        self._has_more = True
        self._is_turn_of_progress = False
        self._taken_at = monotonic()
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Look for changes again."""
        self._wake.set()

    def offer(self, frame: ProgressFrame) -> None:
        """Replace what the watcher has not taken of this upload. An upload keeps its place in the queue."""
        self._progress[frame.upload_id] = frame
        if len(self._progress) > MAX_UPLOADS:
            self._pop_progress()
        self._wake.set()

    async def frames(self) -> AsyncGenerator[NextFrame, None]:
        """Frames as they become ready, one after another: the next one when the last one was taken.

        Raises :class:`services.changes.errors.CursorExpired` if changes that were not read yet are purged.
        """
        while True:
            self._wake.clear()
            await self._read_changes()
            self._end_first_changes()
            if not self._is_ready():
                await self._wait()
                continue
            frame = NextFrame(self)
            yield frame
            await frame.is_taken.wait()

    def take(self) -> ActivityFrame:
        """The next frame: a heartbeat, if there is nothing else."""
        self._taken_at = monotonic()
        if self._is_first_heartbeat_due():
            self._is_complete = True
        elif self._changes and not (self._is_turn_of_progress and self._progress):
            return self._take_change()
        elif self._progress and self._first is not None:
            return self._take_progress()
        return ActivityFrame(str(self._position), None)

    def _take_change(self) -> ActivityFrame:
        change = self._changes.popleft()
        self._position = cursor_of(change)
        self._is_turn_of_progress = self._first is not None
        return ActivityFrame(str(self._position), change)

    def _take_progress(self) -> ActivityFrame:
        self._is_turn_of_progress = False
        return ActivityFrame(str(self._position), self._pop_progress())

    def _pop_progress(self) -> ProgressFrame:
        """Remove the oldest frame. The first heartbeat no longer waits for its upload."""
        upload_id = next(iter(self._progress))
        if self._first:
            self._first.discard(upload_id)
        return self._progress.pop(upload_id)

    async def _read_changes(self) -> None:
        """Read the next changes if the last ones were taken."""
        if self._changes or not (self._has_more or self._feed.newest > self._read_to.seq):
            return
        try:
            page = await self._feed.changes_after(self._read_to)
        except DATABASE_AWAY:
            if self._first is None and self._read_to == self._position:
                raise
            await asyncio.sleep(AWAY_SECONDS)
            self._wake.set()
            return
        self._changes.extend(page.changes)
        self._read_to, self._has_more = page.end, page.has_more

    def _end_first_changes(self) -> None:
        """Add the progress of every open upload as soon as the first changes were taken."""
        if self._first is None and self._position.seq >= self._end.seq:
            self._progress = {**self._newest, **self._progress}
            self._first = set(self._progress)

    def _is_first_heartbeat_due(self) -> bool:
        return not self._is_complete and self._first is not None and not self._first

    def _is_ready(self) -> bool:
        has_progress = self._first is not None and bool(self._progress)
        is_silent = self._is_complete and monotonic() >= self._taken_at + HEARTBEAT_SECONDS
        return bool(self._changes) or has_progress or self._is_first_heartbeat_due() or is_silent

    async def _wait(self) -> None:
        # Without a minimum, an unexpected state would make a busy loop.
        seconds = max(MIN_WAIT_SECONDS, self._taken_at + HEARTBEAT_SECONDS - monotonic())
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()
