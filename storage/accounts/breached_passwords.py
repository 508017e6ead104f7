"""A file of breached passwords: one SHA-1 a line, sorted, as Have I Been Pwned offers them for download.

A line is ``HASH:COUNT``. The whole list has 40 GB, so it is searched in the file, which takes about 25 small reads.
"""

import hashlib
import os
import re
from pathlib import Path

#: The longest line that is accepted, with its end, in bytes: 40 digits of the hash, a colon, a count and CRLF.
LONGEST_LINE = 64
#: Where the search stops to halve, in bytes, and reads all lines that remain.
BLOCK = 4_096
#: The lines at the beginning that are all checked at the start.
CHECKED_LINES = 10_000
#: The places in the rest of the file where two lines are checked.
SAMPLES = 100
HASH_DIGITS = 40

_LINE = re.compile(rb"([0-9A-Fa-f]{40})(?::\d{1,20})?\r?")


class BreachedPasswordsError(ValueError):
    """The file cannot be used. ``str(error)`` names the line, or the byte where it begins."""


class BreachedPasswords:
    """Searches the file. It is opened for each search, so that it can be replaced while the server runs."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def contains(self, password: str) -> bool:
        """Whether the file has the SHA-1 of this password. It blocks, so call it in a thread.

        Raises :class:`OSError` and :class:`BreachedPasswordsError`.
        """
        digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper().encode()
        # Not mmap: a read from a slow disk would block every thread, because Python would not release its lock.
        with self._path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            return _is_in(file.fileno(), size, digest)


def require_valid(path: Path) -> None:
    """Check the form and the order of the first lines, and of some in the rest of the file.

    Raises :class:`BreachedPasswordsError`.
    """
    try:
        with path.open("rb") as file:
            previous, number = b"", 0
            # A file without line ends is not read into memory.
            while number < CHECKED_LINES and (line := file.readline(LONGEST_LINE + 1)):
                number += 1
                previous = _require_next(line, previous, f"line {number}")
            if not previous:
                raise BreachedPasswordsError("names an empty file")
            _require_samples(file.fileno(), file.tell(), os.fstat(file.fileno()).st_size, previous)
    except OSError as error:
        raise BreachedPasswordsError(f"names a file that cannot be read: {error.strerror}") from error


def _require_samples(descriptor: int, begin: int, size: int, previous: bytes) -> None:
    """Check that lines at equal distances after ``begin`` have the right form and are in order."""
    distance = max((size - begin) // SAMPLES, 2 * LONGEST_LINE)
    for offset in range(begin, size - 2 * LONGEST_LINE, distance):
        start, line = _line_after(descriptor, offset)
        previous = _require_next(line, previous, f"the line at byte {start}")


def _require_next(line: bytes, previous: bytes, name: str) -> bytes:
    match = _LINE.fullmatch(line.removesuffix(b"\n"))
    if not match or len(line) > LONGEST_LINE:
        raise BreachedPasswordsError(f"{name} is not a SHA-1 in hexadecimal with a count, like {'0' * HASH_DIGITS}:1")
    digest = match[1].upper()
    if digest <= previous:
        raise BreachedPasswordsError(f"{name} is not in order: the file must be sorted by hash")
    return digest


def _is_in(descriptor: int, size: int, digest: bytes) -> bool:
    # The line, if there is one, begins in [low, high).
    low, high = 0, size
    while high - low > BLOCK:
        start, line = _line_after(descriptor, (low + high) // 2)
        if line[:HASH_DIGITS].upper() <= digest:
            low = start
        else:
            high = start
    lines = os.pread(descriptor, BLOCK + LONGEST_LINE, low).upper().split(b"\n")
    return any(line[:HASH_DIGITS] == digest for line in lines)


def _line_after(descriptor: int, offset: int) -> tuple[int, bytes]:
    """The first line that begins after this byte, and where it begins."""
    skipped, end, rest = os.pread(descriptor, 2 * LONGEST_LINE, offset).partition(b"\n")
    line = rest.partition(b"\n")[0]
    if not end or not line:
        raise BreachedPasswordsError(f"there is no line of a breached password at byte {offset}")
    return offset + len(skipped) + 1, line
