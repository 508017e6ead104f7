"""Progress of an upload, from the first chunk to READY: a snapshot of the database, then what the event log brings.

Events only ever say more than the snapshot, never something else: whoever loses some, or the whole log, sees the
truth again in the next snapshot.
"""

import logging
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from uuid import UUID

from services.core.counters import Counters
from services.core.errors import InvalidInput, NotFound
from storage.errors import DatabaseUnavailable, InvalidCursor, in_one_line
from storage.jobs import jobs
from storage.jobs.models import Job, JobState
from storage.progress_stream import Event, EventLog, Subscription
from storage.redis.connection import RedisUnavailable
from storage.uploads import uploads as rows
from storage.uploads.models import JOB_OF_STATUS, Upload, UploadStatus

logger = logging.getLogger("cloudkeep.progress")

#: An event may be lost with Redis; a watcher looks at the database again after this much silence.
SILENCE_SECONDS = 10.0
#: Frames of one stage are at least this far apart.
FRAME_SECONDS = 0.25
#: The rate of arrival is the mean over about this long.
RATE_SECONDS = 5.0
START = "0-0"

ORDER = list(UploadStatus)


@dataclass(frozen=True)
class Frame:
    """One picture of an upload's progress.

    ``percent`` is of the stage, 0 to 100. ``speed`` is bytes per second while bytes move, and a multiple of real time
    while a video is compressed. ``waits_for`` is the code of what the work lacks while it
    stands still. ``cursor`` names the event behind the frame.
    """

    upload_id: UUID
    stage: UploadStatus
    percent: float
    bytes_done: int | None = None
    bytes_total: int | None = None
    eta_seconds: float | None = None
    speed: float | None = None
    cursor: str = START
    waits_for: str | None = None

    def to_payload(self) -> dict[str, Any]:
        """The frame as a JSON object, without what the event log knows anyway."""
        return {
            "stage": self.stage.value,
            "percent": self.percent,
            "bytesDone": self.bytes_done,
            "bytesTotal": self.bytes_total,
            "etaSeconds": self.eta_seconds,
            "speed": self.speed,
            "waitsFor": self.waits_for,
        }


class Arrival(NamedTuple):
    """A chunk of an upload has come. ``last``: it may have been the last one, and its reassembly is queued."""

    upload_id: UUID
    last: bool


class Pace:
    """What one watcher is shown: every change of stage at once, and steady progress within a stage."""

    def __init__(self) -> None:
        self._shown: Frame | None = None
        self._shown_at = 0.0
        self._next: Frame | None = None
        self._arrivals: list[tuple[float, int]] = []

    @property
    def waiting(self) -> bool:
        """Whether a frame waits for its moment."""
        return self._next is not None

    def leads_back(self, frame: Frame) -> bool:
        """Whether the frame's stage lies before the one that was shown last."""
        return self._shown is not None and ORDER.index(frame.stage) < ORDER.index(self._shown.stage)

    def offer(self, frame: Frame) -> None:
        """Take a frame, unless it would show nothing new or go back within its stage."""
        newest = self._next or self._shown
        if newest is None or frame.stage is not newest.stage or frame.percent > newest.percent:
            self._next = frame
        elif frame.waits_for != newest.waits_for:
            self._next = replace(frame, percent=newest.percent)

    def due(self) -> Frame | None:
        """The frame to show now, if any."""
        moment = time.monotonic()
        frame = self._next
        if frame is None or (self._is_steady(frame) and moment < self._shown_at + FRAME_SECONDS):
            return None
        if self._shown and self._shown.stage is not frame.stage:
            self._arrivals.clear()
        self._shown, self._shown_at, self._next = frame, moment, None
        return self._with_rate(frame, moment) if frame.stage is UploadStatus.RECEIVING else frame

    def patience(self) -> float:
        """Seconds to wait for the next event."""
        return max(0.0, self._shown_at + FRAME_SECONDS - time.monotonic()) if self._next else SILENCE_SECONDS

    def _is_steady(self, frame: Frame) -> bool:
        return self._shown is not None and frame.stage is self._shown.stage

    def _with_rate(self, frame: Frame, moment: float) -> Frame:
        done, total = frame.bytes_done or 0, frame.bytes_total or 0
        self._arrivals.append((moment, done))
        # The last one from before that time stays: the chunks of a slow sender are further apart than that.
        while len(self._arrivals) > 2 and moment - self._arrivals[1][0] >= RATE_SECONDS:
            del self._arrivals[0]
        since, before = self._arrivals[0]
        if moment == since or done == before:
            return frame
        speed = (done - before) / (moment - since)
        return replace(frame, speed=speed, eta_seconds=(total - done) / speed)


class Progress:
    """Publishes and follows progress."""

    def __init__(self, log: EventLog, counts: Counters | None = None) -> None:
        self._log = log
        self._counts = counts or Counters()

    async def publish(self, frame: Frame) -> None:
        """Tell every watcher. A log that is away costs a frame, never the work."""
        if frame.stage.is_final:
            self._counts.uploads_finished[frame.stage.value] += 1
        try:
            await self._log.publish(str(frame.upload_id), frame.to_payload())
        except RedisUnavailable as error:
            logger.warning("progress of %s not published: %s", frame.upload_id, in_one_line(error))

    async def changed(self, upload_id: UUID) -> None:
        """Publish where the upload stands by the database."""
        await self.publish(await self.snapshot(upload_id))

    async def snapshot(self, upload_id: UUID) -> Frame:
        """Where the upload stands by the database. Raises :class:`NotFound`."""
        upload = await rows.find(upload_id)
        if not upload:
            raise NotFound("There is no such upload.")
        if upload.status is UploadStatus.RECEIVING:
            return receiving(upload_id, upload.received_bytes, upload.size)
        if kind := JOB_OF_STATUS.get(upload.status):
            job = await jobs.find(kind, upload_id)
            return _of_job(upload, job)
        return _final(upload)

    async def arrivals(self) -> AsyncGenerator[Arrival, None]:
        """Chunks that have just arrived, for ever. While the log is away, some are missed."""
        async with self._log.subscribe() as events:
            while True:
                event = await events.take(SILENCE_SECONDS)
                if not event:
                    continue
                stage, done = event.payload["stage"], event.payload.get("bytesDone")
                if stage == UploadStatus.RECEIVING or (stage == UploadStatus.REASSEMBLING and not done):
                    yield Arrival(UUID(event.topic), stage == UploadStatus.REASSEMBLING)

    async def watch(self, upload_id: UUID, after: str | None = None) -> AsyncGenerator[Frame, None]:
        """Frames of an upload until one is final: the snapshot, then changes, at most about four a second.

        Within a stage the percentage never goes back. ``after`` is the cursor of a frame seen before: what happened
        since then is looked at again. Raises :class:`InvalidInput` on a cursor of another make, :class:`NotFound`, and
        :class:`storage.errors.DatabaseUnavailable` at the beginning alone: later a database that is away is waited for.
        """
        pace = Pace()
        try:
            # Subscribed before the snapshot is taken: no event falls into the gap.
            async with self._log.subscribe(str(upload_id), after) as events:
                frame: Frame | None = await self.snapshot(upload_id)
                while True:
                    if frame:
                        pace.offer(frame)
                    if due := pace.due():
                        yield replace(due, cursor=events.cursor)
                        if due.stage.is_final:
                            return
                    frame = await self._next(upload_id, events, pace)
        except InvalidCursor as error:
            raise InvalidInput("This cursor was not made by this server.", field="after") from error

    async def _next(self, upload_id: UUID, events: Subscription, pace: Pace) -> Frame | None:
        event = await events.take(pace.patience())
        doubtful = False
        while event:
            frame = _of_event(upload_id, event)
            if not frame.stage.is_final and not pace.leads_back(frame):
                return frame
            # An event from before the snapshot leads back to an earlier stage, and so does a reopened slot, really; or
            # it tells of an end from before a retry. The database knows which; it is asked once, after all such events,
            # and not at all when another one follows.
            doubtful, event = True, await events.take(0)
        return None if pace.waiting and not doubtful else await self._look(upload_id)

    async def _look(self, upload_id: UUID) -> Frame | None:
        """The snapshot, or None while the database is away: it is looked at again after the next silence."""
        try:
            return await self.snapshot(upload_id)
        except DatabaseUnavailable as error:
            logger.debug("no snapshot of %s: %s", upload_id, in_one_line(error))
            return None


def receiving(upload_id: UUID, received_bytes: int, size: int) -> Frame:
    """The frame of an upload of which this many bytes of ``size`` have arrived."""
    return moving(upload_id, UploadStatus.RECEIVING, received_bytes, size)


def moving(upload_id: UUID, stage: UploadStatus, done: int, total: int, speed: float | None = None) -> Frame:
    """The frame of ``done`` of ``total`` bytes, at ``speed`` bytes per second if that is known."""
    eta = (total - done) / speed if speed else None
    return Frame(upload_id, stage, 100.0 * done / total, done, total, eta, speed)


def _final(upload: Upload) -> Frame:
    percent = 100.0 if upload.status is UploadStatus.READY else 0.0
    return Frame(upload.id, upload.status, percent, upload.size if percent else None, upload.size)


def _of_job(upload: Upload, job: Job | None) -> Frame:
    payload = {"stage": upload.status.value, "percent": 0.0, **((job and job.progress) or {})}
    frame = _of_payload(upload.id, payload, START)
    if job and job.state is JobState.QUEUED and job.error_code:
        return replace(frame, eta_seconds=None, speed=None, waits_for=job.error_code)
    return frame


def _of_event(upload_id: UUID, event: Event) -> Frame:
    return _of_payload(upload_id, event.payload, event.cursor)


def _of_payload(upload_id: UUID, payload: dict[str, Any], cursor: str) -> Frame:
    return Frame(
        upload_id,
        UploadStatus(payload["stage"]),
        payload["percent"],
        payload.get("bytesDone"),
        payload.get("bytesTotal"),
        payload.get("etaSeconds"),
        payload.get("speed"),
        cursor,
        payload.get("waitsFor"),
    )
