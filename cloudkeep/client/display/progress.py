"""Where a file stands, as it is shown: every stage has a name, a percentage, a speed and an end in sight."""

import time
from collections import deque
from dataclasses import dataclass
from typing import Protocol

from rich.filesize import decimal

#: Speed is the mean over about this many seconds.
RATE_SECONDS = 5.0
SAMPLE_SECONDS = 0.1

READING = "Reading"
SENDING = "Sending"
#: What the server's stages are called.
STAGES = {"REASSEMBLING": "Verifying", "COMPRESSING": "Compressing", "READY": "Ready"}


@dataclass(frozen=True)
class Moment:
    """One picture. ``percent`` is of the stage, 0 to 100; ``eta_seconds`` are until its end."""

    stage: str
    percent: float
    speed: str = ""
    eta_seconds: float | None = None

    @property
    def pace(self) -> str:
        """Speed and time left, as far as they are known."""
        return "  ".join(part for part in (self.speed, self.eta) if part)

    @property
    def eta(self) -> str:
        """The time left as h:mm:ss."""
        if self.eta_seconds is None:
            return ""
        minutes, seconds = divmod(round(self.eta_seconds), 60)
        return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"


class Track(Protocol):
    """Where the progress of one file is shown."""

    def show(self, moment: Moment) -> None:
        """Show where the file stands."""
        ...

    def note(self, text: str) -> None:
        """Say something about the file, unless it was the last thing said."""
        ...

    def end(self, text: str) -> None:
        """Say how it ended; nothing is shown afterwards."""
        ...


class Meter:
    """Turns bytes done into moments of one stage. What is shown never goes back, even if a chunk is sent again."""

    def __init__(self, track: Track, stage: str, total: int) -> None:
        self._track = track
        self._stage = stage
        self._total = total
        self._best = 0
        self._samples: deque[tuple[float, int]] = deque()

    def at(self, done: int) -> None:
        """Show that ``done`` bytes are done."""
        self._best = max(self._best, done)
        now = time.monotonic()
        if not self._samples or now - self._samples[-1][0] >= SAMPLE_SECONDS or self._best == self._total:
            self._sample(now)
            self._track.show(self._moment())

    def _sample(self, now: float) -> None:
        self._samples.append((now, self._best))
        while now - self._samples[0][0] > RATE_SECONDS:
            self._samples.popleft()

    def _moment(self) -> Moment:
        (since, before), (now, done) = self._samples[0], self._samples[-1]
        percent = 100.0 * done / self._total
        if done == before:
            return Moment(self._stage, percent)
        speed = (done - before) / (now - since)
        return Moment(self._stage, percent, bytes_per_second(speed), (self._total - done) / speed)


def bytes_per_second(speed: float) -> str:
    """A speed for people."""
    return f"{decimal(int(speed))}/s"
