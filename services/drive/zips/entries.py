"""The entries of a zip file, and the form in which its row keeps them.

That form is compressed lines of JSON: the version of the layout, then one line for each entry. A download decodes an
entry when it sends it, so that it needs little memory.
"""

import hashlib
import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import overload

#: The version of :mod:`services.drive.zips.layout`. A change of the bytes that it makes from the same entries, or of
#: the form here, needs a higher number: a download cannot be resumed across it.
VERSION = b"1"


@dataclass(frozen=True)
class ZipEntry:
    """A file or a folder in a zip file.

    ``name`` is its path; that of a folder ends with a slash. ``size`` is in bytes. ``modified_at`` is in seconds since
    the epoch. ``key`` is that of the blob; None for a folder.
    """

    name: str
    size: int
    crc32: int
    modified_at: int
    key: str | None


class EncodedEntries(Sequence[ZipEntry]):
    """Entries that are decoded one at a time."""

    def __init__(self, lines: Sequence[bytes]) -> None:
        self._lines = lines

    @property
    def encoded_size(self) -> int:
        """Bytes of the entries in memory."""
        return sum(map(len, self._lines))

    def __len__(self) -> int:
        return len(self._lines)

    @overload
    def __getitem__(self, index: int) -> ZipEntry: ...

    @overload
    def __getitem__(self, index: slice) -> "EncodedEntries": ...

    def __getitem__(self, index: int | slice) -> "ZipEntry | EncodedEntries":
        if isinstance(index, slice):
            return EncodedEntries(self._lines[index])
        return ZipEntry(*json.loads(self._lines[index]))


def lines_of(entries: Iterable[ZipEntry]) -> bytes:
    """The form of entries before it is compressed."""
    return b"\n".join([VERSION, *map(_line, entries)])


def compressed(lines: bytes) -> bytes:
    """The form in which a row keeps the result of :func:`lines_of`."""
    return zlib.compress(lines)


def decode(content: bytes) -> EncodedEntries:
    """Read the result of :func:`compressed`. Raises :class:`ValueError` for that of another version."""
    version, *lines = zlib.decompress(content).split(b"\n")
    if version != VERSION:
        raise ValueError("not a list of entries of this version")
    return EncodedEntries(lines)


def etag_of(lines: bytes) -> str:
    """The hash of the result of :func:`lines_of`, on which all bytes of the zip file depend, in lower-case hex."""
    return hashlib.sha256(lines).hexdigest()


def _line(entry: ZipEntry) -> bytes:
    fields = [entry.name, entry.size, entry.crc32, entry.modified_at, entry.key]
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()
