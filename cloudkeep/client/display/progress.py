"""The progress of a file: its stage, and how much of that is done."""

from dataclasses import dataclass
from enum import Enum, auto
from time import monotonic
from typing import Protocol

from services.core.time_left import TimeLeft

READING = "Reading"
SENDING = "Sending"
RECEIVING = "Receiving"
COMPARING = "Comparing"
#: The names of the server's stages.
SERVER_STAGES = {"REASSEMBLING": "Verifying", "COMPRESSING": "Compressing", "READY": "Ready"}


@dataclass(frozen=True)
class StageProgress:
    """``done`` of ``total`` in one stage. Stages of the client count bytes, those of the server percent.

    If ``speed`` is None, the display computes it from the bytes. ``eta_seconds`` is None while it is not known.
    """

    stage: str
    done: float
    total: float = 100.0
    speed: str | None = None
    eta_seconds: float | None = None

    @property
    def percent(self) -> float:
        """The percentage of the stage that is done: 0 to 100."""
        return 100.0 * self.done / self.total


class Ended(Enum):
    """What became of a file."""

    DONE = auto()
    NOT_COMPRESSED = auto()
    FAILED = auto()


class Track(Protocol):
    """The display of one file's progress."""

    def show(self, progress: StageProgress) -> None:
        """Show the progress."""
        ...

    def note(self, text: str) -> None:
        """Show a message about the file, unless it is the same as the one before."""
        ...


class ByteCounter:
    """Shows the bytes of one stage on a track. The number never goes down, even if a chunk is sent again."""

    def __init__(self, track: Track, stage: str, total: int) -> None:
        self._track = track
        self._stage = stage
        self._total = total
        self._most = 0
        self._time_left = TimeLeft()

    def update(self, done: int) -> None:
        """Show that ``done`` bytes are done."""
        self._most = max(self._most, done)
        eta = self._time_left.add(monotonic(), self._most / self._total)
        self._track.show(StageProgress(self._stage, self._most, self._total, eta_seconds=eta))
