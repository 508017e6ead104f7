"""One slot of a staging file, open for writing: hashed on the way, written in place."""

import asyncio
import errno
import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

from xxhash import xxh3_128

from storage.blobs.base import Accept, Buffer, Digests, anything
from storage.blobs.hashing import PROCESSORS
from storage.errors import BlobNotFound, NoSpace, SlotOverflow, StorageError

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def translated() -> Iterator[None]:
    """Turn the system's errors into the contract's."""
    try:
        yield
    except FileNotFoundError as error:
        raise BlobNotFound("no such blob") from error
    except OSError as error:
        if error.errno in FULL:
            raise NoSpace(os.strerror(error.errno or 0)) from error
        raise


class SlotFile:
    """See :class:`storage.blobs.base.SlotWriter`. One batch is written in a thread while the next one arrives."""

    stores_on_threads = True

    def __init__(self, pool: ThreadPoolExecutor, descriptor: int, offset: int, size: int) -> None:
        self._pool = pool
        self._descriptor = descriptor
        self._offset = offset
        self._size = size
        self._sha256 = hashlib.sha256()
        self._xxh3 = xxh3_128()
        self._pending: asyncio.Future[None] | None = None
        self.written = 0

    def store(self, part: Buffer) -> None:
        """See :class:`storage.blobs.base.SlotWriter`."""
        position = self._take_room(len(part))
        with PROCESSORS, translated():
            self._store([part], position)

    async def write(self, parts: Sequence[Buffer]) -> None:
        """See :class:`storage.blobs.base.SlotWriter`."""
        position = self._take_room(sum(map(len, parts)))
        await self._settle()
        loop = asyncio.get_running_loop()
        self._pending = loop.run_in_executor(self._pool, self._store, list(parts), position)

    async def finish(self, accept: Accept = anything) -> Digests:
        """See :class:`storage.blobs.base.SlotWriter`."""
        await self._settle()
        digests = Digests(self._sha256.hexdigest(), self._xxh3.hexdigest())
        accept(digests)
        return digests

    async def leave(self) -> None:
        """Wait for the last batch, whatever becomes of it, so that the slot is free when this returns."""
        try:
            with suppress(OSError, StorageError):
                await self._settle()
        finally:
            self._release()

    def _release(self) -> None:
        """Close the file and with it the lock, but not under a thread that still writes to it."""
        if self._pending and not self._pending.done():
            self._pending.add_done_callback(lambda done: self._close(done))
        else:
            self._close(self._pending)

    def _close(self, last: asyncio.Future[None] | None) -> None:
        os.close(self._descriptor)
        if last and not last.cancelled():
            last.exception()

    def _take_room(self, length: int) -> int:
        if self.written + length > self._size:
            raise SlotOverflow(f"the slot holds {self._size} bytes")
        position = self._offset + self.written
        self.written += length
        return position

    async def _settle(self) -> None:
        if self._pending:
            with translated():
                await asyncio.shield(self._pending)

    def _store(self, parts: Sequence[Buffer], position: int) -> None:
        for part in parts:
            self._sha256.update(part)
            self._xxh3.update(part)
        for part in parts:
            view = memoryview(part)
            while view:
                count = os.pwrite(self._descriptor, view, position)
                view, position = view[count:], position + count
