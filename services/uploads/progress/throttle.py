"""Selects the frames that a watcher gets, and their times."""

import time
from dataclasses import replace

from services.core.time_left import TimeLeft
from services.uploads.progress.frame import ProgressFrame
from storage.uploads.models import UploadStatus

#: Minimum seconds between frames of one stage.
FRAME_SECONDS = 0.25
#: The rate of arrival is the mean over about this many seconds.
RATE_SECONDS = 5.0

ORDER = list(UploadStatus)


class FrameThrottle:
    """Selects the frames for one watcher: every change of stage at once, and steady progress within a stage.

    It adds the time left, and the speed at which chunks arrive.
    """

    def __init__(self) -> None:
        self._shown: ProgressFrame | None = None
        self._shown_at = 0.0
        self._next: ProgressFrame | None = None
        self._arrivals: list[tuple[float, int]] = []
        self._time_left = TimeLeft()

    @property
    def waiting(self) -> bool:
        """Whether a frame is waiting."""
        return self._next is not None

    def goes_back(self, frame: ProgressFrame) -> bool:
        """Whether the frame's stage is earlier than the stage of the last frame."""
        return self._shown is not None and ORDER.index(frame.stage) < ORDER.index(self._shown.stage)

    def offer(self, frame: ProgressFrame) -> None:
        """Accept a frame, unless it is unchanged or goes back within its stage."""
        latest = self._next or self._shown
        if latest is None or frame.stage is not latest.stage or frame.percent > latest.percent:
            self._next = frame
        elif frame.waits_for != latest.waits_for:
            self._next = replace(frame, percent=latest.percent)

    def due(self) -> ProgressFrame | None:
        """The frame that is due now, if any."""
        moment = time.monotonic()
        frame = self._next
        if frame is None or (self._is_steady(frame) and moment < self._shown_at + FRAME_SECONDS):
            return None
        if self._shown and self._shown.stage is not frame.stage:
            self._arrivals.clear()
            self._time_left.clear()
        self._shown, self._shown_at, self._next = frame, moment, None
        return self._with_time_left(self._with_rate(frame, moment), moment)

    def timeout(self) -> float | None:
        """Seconds until the frame that waits is due; None if no frame waits."""
        return max(0.0, self._shown_at + FRAME_SECONDS - time.monotonic()) if self._next else None

    def _is_steady(self, frame: ProgressFrame) -> bool:
        return self._shown is not None and frame.stage is self._shown.stage

    def _with_time_left(self, frame: ProgressFrame, moment: float) -> ProgressFrame:
        if frame.stage.is_final:
            return frame
        if frame.waits_for:
            self._time_left.clear()
            return frame
        return replace(frame, eta_seconds=self._time_left.add(moment, frame.percent / 100))

    def _with_rate(self, frame: ProgressFrame, moment: float) -> ProgressFrame:
        if frame.stage is not UploadStatus.RECEIVING:
            return frame
        received = frame.bytes_done or 0
        self._arrivals.append((moment, received))
        # The last frame before that time stays, because chunks of a slow sender are further apart.
        while len(self._arrivals) > 2 and moment - self._arrivals[1][0] >= RATE_SECONDS:
            del self._arrivals[0]
        since, before = self._arrivals[0]
        if moment == since or received == before:
            return frame
        return replace(frame, speed=(received - before) / (moment - since))
