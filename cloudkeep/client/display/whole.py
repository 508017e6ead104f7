"""One progress bar for many files."""

from collections.abc import Mapping

from cloudkeep.client.display.display import BarTrack, Display
from cloudkeep.client.display.progress import SENDING, ByteCounter, StageProgress

#: The beginning of the last message about a file that was stored.
READY = "ready"


class WholeDisplay:
    """Shows many files as one, with a message for each that fails. It has the interface of :class:`Display`.

    ``sizes`` are the bytes of the files by their labels. ``failed`` are the labels of the files that failed, with the
    reasons. ``with_ids`` prints the IDs of the files.
    """

    def __init__(self, display: Display, name: str, sizes: Mapping[str, int], *, with_ids: bool) -> None:
        self.bars = display.bars
        self.failed: dict[str, str] = {}
        self._display = display
        self._sizes = sizes
        self._with_ids = with_ids
        self._whole = display.track(name)
        self._counter = ByteCounter(self._whole, SENDING, sum(sizes.values()) or 1)
        self._ended = 0
        self._sent: dict[str, int] = {}
        self._stored = 0

    def track(self, name: str) -> "PartTrack":
        """A track for one of the files."""
        return PartTrack(self, self._whole, name)

    def note(self, text: str) -> None:
        """See :class:`Display`."""
        self._whole.note(text)

    def result(self, file_id: str) -> None:
        """See :class:`Display`."""
        if self._with_ids:
            self._display.result(file_id)

    def update(self, name: str, sent: int) -> None:
        """Of a file, so many bytes are sent."""
        self._sent[name] = sent
        self._show()

    def end(self, name: str, text: str) -> None:
        """Nothing more comes of a file."""
        self._sent.pop(name, None)
        self._ended += self._sizes.get(name, 0)
        if text.startswith(READY):
            self._stored += 1
        else:
            self.failed[name] = text
        self._show()

    def close(self) -> None:
        """Show what was done, in the place of the bar."""
        failed = f", {len(self.failed)} failed" if self.failed else ""
        self._whole.end(f"{self._stored} files are stored{failed}")

    def _show(self) -> None:
        self._counter.update(self._ended + sum(self._sent.values()))


class PartTrack(BarTrack):
    """The track of a file that is shown as a part of the whole."""

    def __init__(self, whole: WholeDisplay, bar: BarTrack, name: str) -> None:
        self._whole = whole
        self._bar = bar
        self._name = name

    def show(self, progress: StageProgress) -> None:
        """See :class:`cloudkeep.client.display.progress.Track`."""
        if progress.stage == SENDING:
            self._whole.update(self._name, int(progress.done))

    def note(self, text: str) -> None:
        """See :class:`cloudkeep.client.display.progress.Track`."""
        self._bar.note(text)

    def end(self, text: str) -> None:
        """See :class:`cloudkeep.client.display.progress.Track`."""
        self._whole.end(self._name, text)
