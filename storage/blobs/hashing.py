"""Hashing of chunks while they arrive, and how many threads may do so at once."""

import hashlib
import os
import threading

from xxhash import xxh3_128

from storage.blobs.base import Buffer, Digests

#: Threads that hash a block at once, and write it where that takes no waiting. More would only compete for the
#: processors, and a thread that is suspended while it has the interpreter's lock keeps the event loop waiting.
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
        """The digests, without what a store calls the bytes."""
        return Digests(self._sha256.hexdigest(), self._xxh3.hexdigest())
