"""Where everything is in a zip file whose entries are known: its exact size, and the parts of any range.

Only positions are kept. Headers are made when they are needed, so that memory grows by 16 bytes with each entry.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.drive.zips.entries import ZipEntry
from services.drive.zips.headers import central_header, end_records, local_header


@dataclass(frozen=True)
class BlobPart:
    """``length`` bytes of a blob from ``offset`` on."""

    key: str
    offset: int
    length: int


class ZipLayout:
    """The layout of a zip file. ``size`` is its length in bytes."""

    def __init__(self, entries: Sequence[ZipEntry]) -> None:
        self._entries = entries
        #: The offset of each entry's local header, and where the central directory begins.
        self._starts = array("Q", [0])
        #: The offset of each entry's central header, and where the end records begin.
        self._central_starts = array("Q")
        lengths = array("Q")
        for entry in entries:
            start = self._starts[-1]
            self._starts.append(start + len(local_header(entry)) + entry.size)
            lengths.append(len(central_header(entry, start)))
        self._central_starts.append(self._starts[-1])
        for length in lengths:
            self._central_starts.append(self._central_starts[-1] + length)
        self._end = end_records(len(entries), self._starts[-1], self._central_starts[-1] - self._starts[-1])
        self.size = self._central_starts[-1] + len(self._end)

    def parts(self, start: int, length: int) -> Iterator[bytes | BlobPart]:
        """The parts of ``length`` bytes from ``start`` on, in order. The range must be inside the zip file."""
        end = start + length
        directory, end_records_start = self._starts[-1], self._central_starts[-1]
        if start < directory:
            yield from self._contents(start, min(end, directory))
        if start < end_records_start and end > directory:
            yield from self._directory(max(start, directory), min(end, end_records_start))
        if end > end_records_start:
            yield self._end[max(0, start - end_records_start) : end - end_records_start]

    def _contents(self, start: int, end: int) -> Iterator[bytes | BlobPart]:
        index = bisect_right(self._starts, start) - 1
        while start < end:
            entry, first, next_start = self._entries[index], self._starts[index], self._starts[index + 1]
            header = local_header(entry)
            body, stop = first + len(header), min(end, next_start)
            if start < body:
                yield header[start - first : stop - first]
            if entry.key is not None and max(start, body) < stop:
                yield BlobPart(entry.key, max(start, body) - body, stop - max(start, body))
            start, index = next_start, index + 1

    def _directory(self, start: int, end: int) -> Iterator[bytes]:
        index = bisect_right(self._central_starts, start) - 1
        while start < end:
            first = self._central_starts[index]
            header = central_header(self._entries[index], self._starts[index])
            yield header[start - first : end - first]
            start, index = self._central_starts[index + 1], index + 1
