"""A disk that fails to write pages of a file, as Linux shows it to programs.

After an error of write-back, ext4 keeps the pages that it could not write and marks them clean: reads return the new
bytes from memory, fsync reports the error once and succeeds from then on, and the device has the old bytes. When the
pages are dropped, by POSIX_FADV_DONTNEED, for memory, or with the power, reads return these.

This model does the same with the calls of one process. ``tests/storage/blobs/local/test_real_failing_disk.py`` uses a
real file system where the machine allows it.
"""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

Place = tuple[int, int]


class FailingDisk:
    """Makes fsync of files below a folder fail, and loses what was to be written."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._failures = 0
        #: What the device has instead of the pages in memory, by file and offset.
        self._lost: dict[Place, dict[int, bytes]] = {}
        self._ranges: list[tuple[int, int]] = []
        self.error = errno.EIO
        #: Runs when fsync has failed, before the caller hears of it.
        self.on_failure: Callable[[], object] = lambda: None
        self._fsync, self._fadvise = os.fsync, os.posix_fadvise
        monkeypatch.setattr(os, "fsync", self._failing_fsync)
        monkeypatch.setattr(os, "posix_fadvise", self._dropping_fadvise)

    def fail_once(self, *ranges: tuple[int, int]) -> None:
        """Let the next fsync of a file fail, and lose these ranges, of an offset and a length each."""
        self._failures, self._ranges = 1, list(ranges)

    def fail_folder_once(self) -> None:
        """Let the next fsync of a folder with a blob fail."""
        self._failures = -1

    def drop_all_pages(self) -> None:
        """Show what the device has, as after a power cut."""
        for path in self._folder.rglob("*"):
            if path.is_file():
                self._drop(path)

    def _failing_fsync(self, descriptor: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        if self._folder in path.parents and self._failures == self._kind(path):
            self._failures = 0
            if path.is_file():
                self._lose(path)
            self.on_failure()
            raise OSError(self.error, os.strerror(self.error))
        self._fsync(descriptor)

    def _kind(self, path: Path) -> int | None:
        """What failures are counted as: 1 for a file, -1 for a folder with a blob."""
        if path.is_file():
            return 1
        has_blob = path.parent.parent.name == "blobs" and any(each.is_file() for each in path.iterdir())
        return -1 if has_blob else None

    def _lose(self, path: Path) -> None:
        lost = self._lost.setdefault(_place(path), {})
        lost.update({offset: bytes(length) for offset, length in self._ranges})

    def _dropping_fadvise(self, descriptor: int, offset: int, length: int, advice: int) -> None:
        self._fadvise(descriptor, offset, length, advice)
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        if advice == os.POSIX_FADV_DONTNEED and self._folder in path.parents:
            self._drop(path, offset, offset + length if length else None)

    def _drop(self, path: Path, start: int = 0, end: int | None = None) -> None:
        lost = self._lost.get(_place(path), {})
        with path.open("r+b", 0) as file:
            for offset in [each for each in lost if start <= each and (end is None or each < end)]:
                file.seek(offset)
                file.write(lost.pop(offset))


def _place(path: Path) -> Place:
    status = path.stat()
    return status.st_dev, status.st_ino
