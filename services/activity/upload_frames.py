"""The progress of all open uploads of an account, shared by its watchers in this process."""

import random
from collections.abc import Collection, Iterator
from dataclasses import replace
from itertools import islice
from time import monotonic
from uuid import UUID

from services.uploads.progress.frame import ProgressFrame, event_frame
from services.uploads.progress.throttle import FrameThrottle
from services.uploads.progress.upload_states import BATCH, SILENCE_SECONDS, read_states
from storage.progress_stream import Event
from storage.uploads import uploads
from storage.uploads.models import UploadStatus

#: Ended uploads that are remembered, so that an event that comes late does not end them again.
MAX_ENDED = 1_000
#: Open uploads that are compared with the database. Those beyond are shown by their events only.
MAX_OPEN = 2_000


class UploadFrames:
    """The newest frame of each upload. Events add to what the database says, as in a single upload's progress.

    A throttle for each upload limits its frames to about four a second, for all watchers.
    """

    def __init__(self, account_id: UUID) -> None:
        self._account_id = account_id
        #: The frames of open uploads that were due last: what a new watcher gets first.
        self.newest: dict[UUID, ProgressFrame] = {}
        self._throttles: dict[UUID, FrameThrottle] = {}
        self._waiting: set[UUID] = set()
        self._seen_at: dict[UUID, float] = {}
        self._ended: dict[UUID, UploadStatus] = {}
        #: Uploads whose state has to be read from the database.
        self._doubtful: set[UUID] = set()
        self._compare_at = 0.0

    def accept(self, event: Event) -> None:
        """Add an event of the log. An unlikely one is compared with the database before it is shown."""
        frame = event_frame(UUID(event.topic), event)
        throttle = self._throttles.get(frame.upload_id)
        goes_back = throttle is not None and throttle.goes_back(frame)
        # See the same decision in `services.uploads.progress.progress`.
        if frame.stage.is_final or goes_back or frame.upload_id in self._ended:
            self._doubtful.add(frame.upload_id)
        else:
            self._offer(frame)

    def add(self, upload_id: UUID) -> None:
        """Add an upload that has just been started."""
        self._doubtful.add(upload_id)

    async def compare(self, cursor: str) -> None:
        """Read doubtful uploads, and every few seconds those that were silent. ``cursor``: that of the last event.

        Raises :class:`storage.errors.DatabaseUnavailable`; what is doubtful is read the next time.
        """
        if monotonic() >= self._compare_at:
            # Random, so that the accounts of one moment are not all read at the same moment.
            self._compare_at = monotonic() + SILENCE_SECONDS * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
            await self._find_silent()
        while batch := list(islice(self._doubtful, BATCH)):
            await self._read(batch, cursor)
            self._doubtful.difference_update(batch)

    def timeout(self) -> float:
        """Seconds until a frame may be due or a read is."""
        waits = [self._throttles[upload_id].timeout() or 0.0 for upload_id in self._waiting]
        return max(0.0, min([self._compare_at - monotonic(), *waits]))

    def due(self) -> Iterator[ProgressFrame]:
        """The frames that are due now."""
        for upload_id in tuple(self._waiting):
            throttle = self._throttles[upload_id]
            frame = throttle.due()
            if not throttle.waiting:
                self._waiting.discard(upload_id)
            if frame:
                self._note(frame)
                yield frame

    def _note(self, frame: ProgressFrame) -> None:
        if not frame.stage.is_final:
            self._ended.pop(frame.upload_id, None)
            self.newest[frame.upload_id] = frame
            return
        self._forget(frame.upload_id)
        self._ended[frame.upload_id] = frame.stage
        if len(self._ended) > MAX_ENDED:
            del self._ended[next(iter(self._ended))]

    def _forget(self, upload_id: UUID) -> None:
        self._waiting.discard(upload_id)
        for table in (self.newest, self._throttles, self._seen_at, self._ended):
            table.pop(upload_id, None)

    def _offer(self, frame: ProgressFrame) -> None:
        self._throttles.setdefault(frame.upload_id, FrameThrottle()).offer(frame)
        self._waiting.add(frame.upload_id)
        self._seen_at[frame.upload_id] = monotonic()

    async def _find_silent(self) -> None:
        """Mark open uploads without recent events, and those that have ended without one."""
        limit = monotonic() - SILENCE_SECONDS / 2
        open_uploads = set(await uploads.open_keys(self._account_id, MAX_OPEN))
        self._doubtful |= {key for key in open_uploads if self._seen_at.get(key, 0.0) < limit}
        self._doubtful |= self._throttles.keys() - open_uploads

    async def _read(self, upload_ids: Collection[UUID], cursor: str) -> None:
        states = await read_states(upload_ids)
        for upload_id in upload_ids:
            state = states.get(upload_id)
            if state is None or state.upload.account_id != self._account_id:
                self._forget(upload_id)
            elif self._ended.get(upload_id) is not state.frame.stage:
                self._offer(replace(state.frame, cursor=cursor))
