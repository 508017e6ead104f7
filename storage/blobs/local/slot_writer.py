"""One slot of a staging file, open for writing: hashed while it arrives, written in place."""

import asyncio
import fcntl
import os
import struct
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from storage.blobs.base import Accept, Buffer, Digests, accept_all
from storage.blobs.hashing import CPU_SEMAPHORE, ChunkHash
from storage.blobs.local.folder import translate_errors
from storage.errors import SlotLocked, SlotOverflow, StorageError

#: struct flock: l_type, l_whence, l_start, l_len, l_pid, padded to its alignment.
FLOCK = "hhqqi0q"


def lock_range(descriptor: int, start: int, length: int) -> None:
    """Lock a range for writing without waiting. Raises :class:`SlotLocked` when another writer has a part of it.

    An open-file-description lock (fcntl(2), Linux 3.15) belongs to the open file, not to the process: it excludes two
    requests of one process as well as two processes, and the kernel drops it when the file is closed, also by SIGKILL.
    """
    request = struct.pack(FLOCK, fcntl.F_WRLCK, os.SEEK_SET, start, length, 0)
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, request)
    except BlockingIOError as error:
        raise SlotLocked("another writer holds the slot") from error


class LocalSlotWriter:
    """See :class:`storage.blobs.base.SlotWriter`. A thread writes one batch while the next one arrives."""

    stores_on_threads = True

    def __init__(self, pool: ThreadPoolExecutor, descriptor: int, offset: int, size: int) -> None:
        self._pool = pool
        self._descriptor = descriptor
        self._offset = offset
        self._size = size
        self._hash = ChunkHash()
        self._pending: asyncio.Future[None] | None = None
        self.written = 0

    def store(self, part: Buffer) -> None:
        """See :class:`storage.blobs.base.SlotWriter`."""
        position = self._advance(len(part))
        with CPU_SEMAPHORE, translate_errors():
            self._store([part], position)

    async def write(self, parts: Sequence[Buffer]) -> None:
        """See :class:`storage.blobs.base.SlotWriter`."""
        position = self._advance(sum(map(len, parts)))
        await self._wait_for_pending()
        loop = asyncio.get_running_loop()
        self._pending = loop.run_in_executor(self._pool, self._store, list(parts), position)

    async def finish(self, accept: Accept = accept_all) -> Digests:
        """See :class:`storage.blobs.base.SlotWriter`."""
        await self._wait_for_pending()
        digests = self._hash.digests()
        accept(digests)
        return digests

    async def close(self) -> None:
        """Wait for the last batch, however it ends, and free the slot."""
        try:
            with suppress(OSError, StorageError):
                await self._wait_for_pending()
        finally:
            self._release()

    def _release(self) -> None:
        """Close the file, which releases the lock, but not while a thread still writes to it."""
        if self._pending and not self._pending.done():
            self._pending.add_done_callback(self._close)
        else:
            self._close(self._pending)

    def _close(self, last: asyncio.Future[None] | None) -> None:
        os.close(self._descriptor)
        if last and not last.cancelled():
            last.exception()

    def _advance(self, length: int) -> int:
        """Count ``length`` more bytes and return their position in the file."""
        if self.written + length > self._size:
            raise SlotOverflow(f"the slot holds {self._size} bytes")
        position = self._offset + self.written
        self.written += length
        return position

    async def _wait_for_pending(self) -> None:
        if self._pending:
            with translate_errors():
                await asyncio.shield(self._pending)

    def _store(self, parts: Sequence[Buffer], position: int) -> None:
        for part in parts:
            self._hash.update(part)
        for part in parts:
            view = memoryview(part)
            while view:
                count = os.pwrite(self._descriptor, view, position)
                view, position = view[count:], position + count
