"""One progress bar for many files."""

from collections import Counter

from cloudkeep.client.display.display import BarTrack, Display
from cloudkeep.client.display.progress import SENDING, ByteCounter, Ended, StageProgress


class WholeDisplay:
    """Shows many files as one. It has the interface of :class:`Display`.

    ``size`` is the sum of their bytes. ``problems`` are the labels and the results of the files that were not uploaded
    or not compressed. ``with_ids`` prints the IDs of the files.
    """

    def __init__(self, display: Display, name: str, size: int, *, with_ids: bool) -> None:
        self.bars = display.bars
        self.problems: list[tuple[str, str]] = []
        self._display = display
        self._with_ids = with_ids
        self._whole = display.track(name)
        self._counter = ByteCounter(self._whole, SENDING, size or 1)
        self._sent = 0
        self._counts: Counter[Ended] = Counter()

    def track(self, name: str, size: int = 0) -> "PartTrack":
        """A track for one of the files, with its bytes. Several files may have one name."""
        return PartTrack(self, self._whole, name, size)

    def note(self, text: str) -> None:
        """See :class:`Display`."""
        self._whole.note(text)

    def result(self, file_id: str) -> None:
        """See :class:`Display`."""
        if self._with_ids:
            self._display.result(file_id)

    def advance(self, count: int) -> None:
        """So many more bytes are sent."""
        self._sent += count
        self._counter.update(self._sent)

    def end(self, name: str, text: str, ended: Ended) -> None:
        """Nothing more comes of a file."""
        self._counts[ended] += 1
        if ended is not Ended.DONE:
            self.problems.append((name, text))

    def close(self, failed: int) -> None:
        """Show what was done, in the place of the bar. So many items failed before."""
        incomplete, failed = self._counts[Ended.NOT_COMPRESSED], failed + self._counts[Ended.FAILED]
        parts = [f"{self._counts[Ended.DONE] + incomplete} uploaded"]
        parts += [f"{incomplete} of them not compressed"] if incomplete else []
        parts += [f"{failed} failed"] if failed else []
        self._whole.end(", ".join(parts))


class PartTrack(BarTrack):
    """The track of a file that is shown as a part of the whole."""

    def __init__(self, whole: WholeDisplay, bar: BarTrack, name: str, size: int) -> None:
        self._whole = whole
        self._bar = bar
        self._name = name
        self._size = size
        self._sent = 0

    def show(self, progress: StageProgress) -> None:
        """See :class:`cloudkeep.client.display.progress.Track`."""
        if progress.stage == SENDING:
            self._advance(int(progress.done))

    def note(self, text: str) -> None:
        """See :class:`cloudkeep.client.display.progress.Track`."""
        self._bar.note(text)

    def link(self, kind: str, url: str) -> None:
        """Show nothing: among many files, a URL would tell no one whose it is."""

    def end(self, text: str, ended: Ended = Ended.DONE) -> None:
        """See :class:`BarTrack`."""
        self._advance(self._size)
        self._whole.end(self._name, text, ended)

    def _advance(self, sent: int) -> None:
        self._whole.advance(sent - self._sent)
        self._sent = sent
