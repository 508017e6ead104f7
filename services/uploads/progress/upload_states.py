"""The states of watched uploads, read from the database once for all watchers of this process.

Watchers of one upload share what is read. Uploads whose watchers need a state at the same time are read together in one
query. So idle watchers cost little, however many there are.
"""

import asyncio
import math
import random
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from time import monotonic
from uuid import UUID

from services.core.errors import NotFound
from services.uploads.progress.frame import START, ProgressFrame, final_frame, job_frame, receiving_frame
from storage.jobs import jobs
from storage.jobs.models import Job, JobKind
from storage.progress_stream import Position, position
from storage.uploads import consistency
from storage.uploads.models import JOB_OF_STATUS, Upload, UploadStatus

#: The most seconds without an event until the database is read again, because an event may be lost with Redis.
SILENCE_SECONDS = 10.0
#: Reads after a silence start at multiples of this time, so that many uploads are read together.
TICK_SECONDS = 0.25
#: A state is shared for this many seconds after it was read.
SHARED_SECONDS = 1.0
#: Uploads in one query: the event loop does nothing else while it makes their rows into objects.
BATCH = 100


@dataclass(frozen=True, slots=True)
class UploadState:
    """An upload in the database and its progress. ``read_at`` is the moment before it was read (monotonic clock)."""

    upload: Upload
    frame: ProgressFrame
    read_at: float


class WatchedUpload:
    """What the watchers of one upload share. A cursor is that of the last event that a watcher has seen."""

    def __init__(self, upload_id: UUID, reader: "_Reader") -> None:
        self.watchers = 0
        self._id = upload_id
        self._reader = reader
        self._state: UploadState | None = None
        self._position = position(START)
        self._read_next_at = 0.0

    def silence_left(self) -> float:
        """Seconds until the database should be read again, if there is no event."""
        return max(0.0, self._read_next_at - monotonic())

    def note_event(self) -> None:
        """Report that there was an event, so that the database need not be read soon."""
        self._delay()

    async def read(self, cursor: str) -> UploadState:
        """The state in the database now. Raises :class:`NotFound` and :class:`storage.errors.DatabaseUnavailable`."""
        # Also after a failed read, the next one is not at once.
        self._delay()
        state = await self._reader.read(self._id)
        if state is None:
            raise NotFound("There is no such upload.")
        self._keep(state, position(cursor))
        return state

    async def read_since(self, cursor: str) -> UploadState:
        """A state that is at least as new as the event with this cursor, and about a second old at most.

        Raises as :meth:`read` does.
        """
        state = self._state
        if state and self._position >= position(cursor) and monotonic() <= state.read_at + SHARED_SECONDS:
            self._delay()
            return state
        return await self.read(cursor)

    def _keep(self, state: UploadState, seen: Position) -> None:
        """Share a state that was read after the event at ``seen``: a change is stored before its event is sent."""
        if self._state is None or state.read_at >= self._state.read_at:
            self._state, self._position = state, max(self._position, seen)

    def _delay(self) -> None:
        # Random, so that uploads whose watchers came at the same time are not all read at the same time.
        moment = monotonic() + SILENCE_SECONDS * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        self._read_next_at = math.ceil(moment / TICK_SECONDS) * TICK_SECONDS


class UploadStates:
    """The watched uploads of one process."""

    def __init__(self) -> None:
        self._reader = _Reader()
        self._watched: dict[UUID, WatchedUpload] = {}

    @contextmanager
    def watched(self, upload_id: UUID) -> Iterator[WatchedUpload]:
        """Watch an upload during the block."""
        upload = self._watched.setdefault(upload_id, WatchedUpload(upload_id, self._reader))
        upload.watchers += 1
        try:
            yield upload
        finally:
            upload.watchers -= 1
            if not upload.watchers:
                del self._watched[upload_id]


class _Reader:
    """Reads the states of uploads, one query after another. What is requested meanwhile shares the next query."""

    def __init__(self) -> None:
        self._requested: dict[UUID, asyncio.Future[UploadState | None]] = {}
        self._task: asyncio.Task[None] | None = None

    async def read(self, upload_id: UUID) -> UploadState | None:
        """The state of an upload, from a query that starts after this call."""
        result = self._requested.get(upload_id)
        if result is None:
            result = self._requested[upload_id] = asyncio.get_running_loop().create_future()
            if self._task is None:
                self._task = asyncio.create_task(self._read_all(), name="upload-states")
        # Shielded, because other watchers wait for the same result.
        return await asyncio.shield(result)

    async def _read_all(self) -> None:
        try:
            while batch := dict(islice(self._requested.items(), BATCH)):
                for upload_id in batch:
                    del self._requested[upload_id]
                await self._read_batch(batch)
        finally:
            self._task = None

    async def _read_batch(self, batch: Mapping[UUID, "asyncio.Future[UploadState | None]"]) -> None:
        try:
            states = await read_states(batch)
        except Exception as error:
            # Every watcher that waits gets the error. If all of them have left, it is not logged.
            for result in batch.values():
                result.set_exception(error)
                result.exception()
            return
        for upload_id, result in batch.items():
            result.set_result(states.get(upload_id))


async def read_states(upload_ids: Collection[UUID]) -> dict[UUID, UploadState]:
    """The states of the uploads that exist, of these. At most three queries."""
    moment = monotonic()
    uploads = await consistency.find_uploads(upload_ids)
    found: dict[tuple[JobKind, UUID], Job] = {}
    for kind in set(JOB_OF_STATUS.values()):
        working = [upload.id for upload in uploads.values() if JOB_OF_STATUS.get(upload.status) is kind]
        if working:
            found |= {(kind, subject): job for subject, job in (await jobs.find_many(kind, working)).items()}
    return {upload.id: UploadState(upload, _frame(upload, found), moment) for upload in uploads.values()}


def _frame(upload: Upload, found: dict[tuple[JobKind, UUID], Job]) -> ProgressFrame:
    if upload.status is UploadStatus.RECEIVING:
        return receiving_frame(upload.id, upload.received_bytes, upload.size)
    if kind := JOB_OF_STATUS.get(upload.status):
        return job_frame(upload, found.get((kind, upload.id)))
    return final_frame(upload)
