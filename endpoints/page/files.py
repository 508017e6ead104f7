"""The files of a build, read from its folder and kept in memory.

Every request looks at the file again, so that each process has a new build at once, without a restart.
"""

import asyncio
import hashlib
import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from os import fstat, stat_result
from pathlib import Path, PurePosixPath
from threading import Lock

from endpoints.page.encodings import SUFFIXES

#: The files that are sent, whatever else the folder has. The machine's own table of types is not asked.
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
    ".ttf": "font/ttf",
    ".wasm": "application/wasm",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
}
#: A build has about 12 MB with its compressed files. More than this is read from the disk each time.
MEMORY = 32 * 2**20
#: No segment is empty or begins with a dot, so none leads upwards.
_NAME = re.compile(r"(?:[\w~@+-][\w.~@+-]*/)*[\w~@+-][\w.~@+-]*", re.ASCII)

Stamp = tuple[int, int, int]


@dataclass(frozen=True)
class PageFile:
    """The bytes of a file, or of the compressed file beside it. ``etag`` is of exactly these bytes."""

    content: bytes
    media_type: str
    etag: str
    encoding: str | None


class PageFiles:
    """The files below ``folder``, which need not exist. Nothing outside of it is read, also not by a link."""

    def __init__(self, folder: Path, memory: int = MEMORY) -> None:
        self._folder = folder
        self._memory = memory
        self._known: OrderedDict[Path, tuple[Stamp, PageFile]] = OrderedDict()
        self._lock = Lock()

    async def read(self, name: str, encodings: Sequence[str] = ()) -> PageFile | None:
        """The file of this name, in the first of the encodings that the build has, or as it is; None if it has none."""
        return await asyncio.to_thread(self._read, name, encodings)

    def _read(self, name: str, encodings: Sequence[str]) -> PageFile | None:
        media_type = MEDIA_TYPES.get(PurePosixPath(name).suffix)
        if media_type is None or not _NAME.fullmatch(name):
            return None
        variants = [(encoding, name + SUFFIXES[encoding]) for encoding in encodings]
        for encoding, variant in (*variants, (None, name)):
            if found := self._open(variant, media_type, encoding):
                return found
        return None

    def _open(self, name: str, media_type: str, encoding: str | None) -> PageFile | None:
        try:
            # A new build takes the folder's name, so the folder is looked up each time.
            folder = self._folder.resolve(strict=True)
            path = (folder / name).resolve(strict=True)
            if not path.is_relative_to(folder) or not path.is_file():
                return None
            with path.open("rb") as file:
                stamp = _stamp(fstat(file.fileno()))
                if known := self._recall(path, stamp):
                    return known
                content = file.read()
        except OSError:
            return None
        etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
        found = PageFile(content, media_type, etag, encoding)
        self._keep(path, stamp, found)
        return found

    def _recall(self, path: Path, stamp: Stamp) -> PageFile | None:
        with self._lock:
            known = self._known.get(path)
            if known is None or known[0] != stamp:
                return None
            self._known.move_to_end(path)
            return known[1]

    def _keep(self, path: Path, stamp: Stamp, file: PageFile) -> None:
        with self._lock:
            self._known[path] = stamp, file
            self._known.move_to_end(path)
            while sum(len(each.content) for _, each in self._known.values()) > self._memory:
                self._known.popitem(last=False)


def _stamp(status: stat_result) -> Stamp:
    return status.st_ino, status.st_mtime_ns, status.st_size
