"""Progress of an upload, from the first chunk to READY: a snapshot of the database, then events.

Watchers of an upload share its snapshots (:mod:`services.uploads.progress.upload_states`). Events only add to the
snapshot and never contradict it: a watcher that misses events, or the whole log, is correct again with the next
snapshot.
"""

import logging
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple
from uuid import UUID

from services.core.counters import Counters
from services.core.errors import InvalidInput, NotFound
from services.uploads.progress.frame import ProgressFrame, event_frame
from services.uploads.progress.newest_events import NewestEvents
from services.uploads.progress.throttle import FrameThrottle
from services.uploads.progress.upload_states import (
    SILENCE_SECONDS,
    UploadState,
    UploadStates,
    WatchedUpload,
    read_states,
)
from storage.errors import DatabaseUnavailable, InvalidCursor, in_one_line
from storage.progress_stream import EventLog
from storage.uploads.models import Upload, UploadStatus

logger = logging.getLogger("cloudkeep.progress")

#: The field of an event that announces an upload.
STARTED = "started"


class ChunkArrival(NamedTuple):
    """A chunk of an upload has arrived. ``last`` means that it may be the last one, and reassembly is queued."""

    upload_id: UUID
    last: bool


class Progress:
    """Publishes and follows progress."""

    def __init__(self, log: EventLog, counters: Counters | None = None) -> None:
        self._log = log
        self._states = UploadStates()
        self._counters = counters or Counters()

    async def publish(self, frame: ProgressFrame, account_id: UUID | None = None) -> None:
        """Send a frame to every watcher, without waiting for it. It may be lost while the log is away.

        ``account_id``: the owner, whose activity shows it without delay, too.
        """
        if frame.stage.is_final:
            self._counters.uploads_finished[frame.stage.value] += 1
        self._log.post(str(frame.upload_id), frame.to_payload(), str(account_id) if account_id else None)

    def announce(self, upload: Upload) -> None:
        """Notify the watchers of the owner's activity of a new upload, which may have no chunk for long."""
        self._log.post(str(upload.account_id), {STARTED: str(upload.id)})

    async def publish_snapshot(self, upload_id: UUID) -> None:
        """Publish the state in the database. An upload that was deleted meanwhile has none."""
        with suppress(NotFound):
            state = await _read_state(upload_id)
            await self.publish(state.frame, state.upload.account_id)

    async def snapshot(self, upload_id: UUID) -> ProgressFrame:
        """The state in the database. Raises :class:`NotFound`."""
        return (await _read_state(upload_id)).frame

    async def upload_of(self, frame: ProgressFrame) -> Upload:
        """The upload of a frame, at least as new as the frame. It is read once for all its watchers.

        Raises :class:`NotFound` and :class:`storage.errors.DatabaseUnavailable`.
        """
        with self._states.watched(frame.upload_id) as watched:
            return (await watched.read_since(frame.cursor)).upload

    async def arrivals(self) -> AsyncGenerator[ChunkArrival, None]:
        """Chunks as they arrive, endlessly. While the log is away, some are missed."""
        async with self._log.subscribe() as events:
            while True:
                event = await events.next_event(SILENCE_SECONDS)
                if not event or "stage" not in event.payload:
                    continue
                stage, done = event.payload["stage"], event.payload.get("bytesDone")
                if stage == UploadStatus.RECEIVING or (stage == UploadStatus.REASSEMBLING and not done):
                    yield ChunkArrival(UUID(event.topic), stage == UploadStatus.REASSEMBLING)

    async def watch(self, upload_id: UUID, after: str | None = None) -> AsyncGenerator[ProgressFrame, None]:
        """Frames of an upload until one is final: the snapshot, then changes, at most about four a second.

        Within a stage the percentage never goes back. ``after`` is the cursor of a frame seen before: events since then
        are read again. Raises :class:`InvalidInput` for a cursor that this server did not create, :class:`NotFound`,
        and :class:`storage.errors.DatabaseUnavailable` for the first snapshot only: later it waits for the database.
        """
        throttle = FrameThrottle()
        try:
            # Subscribe before the snapshot, so that no event is missed in between.
            with self._states.watched(upload_id) as watched:
                async with self._log.subscribe(str(upload_id), after) as subscription:
                    events = NewestEvents(subscription)
                    frame: ProgressFrame | None = (await watched.read(events.cursor)).frame
                    while True:
                        if frame:
                            throttle.offer(frame)
                        if due := throttle.due():
                            yield replace(due, cursor=events.cursor)
                            if due.stage.is_final:
                                return
                        frame = await self._next(watched, events, throttle)
        except InvalidCursor as error:
            raise InvalidInput("This cursor was not made by this server.", field="after") from error

    async def _next(
        self, watched: WatchedUpload, events: NewestEvents, throttle: FrameThrottle
    ) -> ProgressFrame | None:
        timeout = throttle.timeout()
        event = await events.next_event(watched.silence_left() if timeout is None else timeout)
        doubtful = False
        while event:
            watched.note_event()
            frame = event_frame(UUID(event.topic), event)
            if not frame.stage.is_final and not throttle.goes_back(frame):
                return frame
            # An event of an earlier stage is older than the snapshot, or a slot was reopened; an event of an end may be
            # older than a retry. The database is read to decide: once, after all such events, and not if another event
            # follows.
            doubtful, event = True, await events.next_event(0)
        return None if throttle.waiting and not doubtful else await self._snapshot(watched, events.cursor)

    async def _snapshot(self, watched: WatchedUpload, cursor: str) -> ProgressFrame | None:
        """The snapshot, or None while the database is away: it is read again after the next timeout."""
        try:
            return (await watched.read_since(cursor)).frame
        except DatabaseUnavailable as error:
            logger.debug("no snapshot of an upload: %s", in_one_line(error))
            return None


async def _read_state(upload_id: UUID) -> UploadState:
    state = (await read_states([upload_id])).get(upload_id)
    if not state:
        raise NotFound("There is no such upload.")
    return state
