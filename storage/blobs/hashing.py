"""Hashes chunks while they arrive, on a limited number of threads, and whole contents."""

import hashlib
import os
import threading
import zlib
from typing import Self

from xxhash import xxh3_128

from storage.blobs.base import Buffer, Digests

#: Threads that hash a block at the same time, and write it if that does not wait. More threads would only compete for
#: the processors, and a thread that is suspended while it has the interpreter's lock blocks the event loop.
CPU_SEMAPHORE = threading.BoundedSemaphore(os.cpu_count() or 1)


class ChunkHash:
    """The digests of a chunk's bytes so far."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()
        self._xxh3 = xxh3_128()

    def update(self, part: Buffer) -> None:
        """Add the next bytes."""
        self._sha256.update(part)
        self._xxh3.update(part)

    def digests(self) -> Digests:
        """The digests, without the store's ETag."""
        return Digests(self._sha256.hexdigest(), self._xxh3.hexdigest())


class ContentHash:
    """The SHA-256 and the CRC-32 (as in zip files) of a content's bytes so far."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()
        self.crc32 = 0

    @property
    def sha256(self) -> str:
        """The SHA-256, in lower-case hex."""
        return self._sha256.hexdigest()

    def update(self, part: Buffer) -> None:
        """Add the next bytes."""
        self._sha256.update(part)
        self.crc32 = zlib.crc32(part, self.crc32)

    def copy(self) -> Self:
        """A hash of the same bytes that continues independently."""
        copy = type(self)()
        copy._sha256, copy.crc32 = self._sha256.copy(), self.crc32
        return copy
