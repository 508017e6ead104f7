"""Writes one slot to S3: hashes it, and streams it block by block as the body of an UploadPart request."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from storage.blobs.base import Accept, Buffer, Digests, accept_all
from storage.blobs.hashing import CPU_SEMAPHORE, ChunkHash
from storage.blobs.s3.requests import UploadRequest
from storage.cancellation import run_to_end
from storage.errors import SlotOverflow, StorageError, StoreUnavailable

#: Seconds between two interruptions of a thread.
INTERRUPT_SECONDS = 0.1


class PartWriter:
    """See :class:`storage.blobs.base.SlotWriter`.

    The last block is held back until the whole chunk was accepted. S3 stores a part only once it has the last byte, so
    a chunk that is refused, or ends early, changes nothing.
    """

    stores_on_threads = True

    def __init__(self, pool: ThreadPoolExecutor, request: UploadRequest, size: int) -> None:
        self._pool = pool
        self._request = request
        self._size = size
        self._hash = ChunkHash()
        self._sent = 0
        self._last = b""
        self._failure: StorageError | None = None
        self._pending: asyncio.Future[object] | None = None
        self.written = 0

    def store(self, part: Buffer) -> None:
        """See :class:`storage.blobs.base.SlotWriter`."""
        self._advance(len(part))
        self._store([part])

    async def write(self, parts: Sequence[Buffer]) -> None:
        """See :class:`storage.blobs.base.SlotWriter`."""
        self._advance(sum(map(len, parts)))
        await self._wait_for_pending()
        batch = list(parts)
        self._pending = self._submit(lambda: self._store(batch))

    async def finish(self, accept: Accept = accept_all) -> Digests:
        """See :class:`storage.blobs.base.SlotWriter`."""
        await self._wait_for_pending()
        digests = self._hash.digests()
        accept(digests)
        if self._sent + len(self._last) != self._size:
            raise StoreUnavailable("a part must fill its slot")
        self._pending = finishing = self._submit(self._finish)
        await self._wait_for_pending()
        return Digests(digests.sha256, digests.xxh3, str(finishing.result()))

    async def close(self) -> None:
        """Interrupt the request unless it was finished. S3 then stores nothing of it.

        Returns once no thread sends any more, because the slot is free for another sender then.
        """
        await run_to_end(self._interrupt())
        self._request.close()

    async def _interrupt(self) -> None:
        pending = self._pending
        while pending and not pending.done():
            # Again and again: a call that waits for a thread has no connection yet.
            self._request.interrupt()
            await asyncio.wait({pending}, timeout=INTERRUPT_SECONDS)
        if pending and not pending.cancelled():
            pending.exception()  # retrieved, so that asyncio does not log it

    def _submit(self, call: Callable[[], object]) -> "asyncio.Future[object]":
        return asyncio.get_running_loop().run_in_executor(self._pool, call)

    def _advance(self, length: int) -> None:
        if self.written + length > self._size:
            raise SlotOverflow(f"the slot holds {self._size} bytes")
        self.written += length

    async def _wait_for_pending(self) -> None:
        if self._pending:
            await asyncio.shield(self._pending)

    def _store(self, parts: Sequence[Buffer]) -> None:
        for part in parts:
            with CPU_SEMAPHORE:
                self._hash.update(part)
            self._send(part)

    def _send(self, part: Buffer) -> None:
        if self._failure:
            raise self._failure
        if self._sent + len(part) == self._size:
            self._last = bytes(part)
            return
        try:
            self._request.send(part)
        except StorageError as error:
            self._failure = error
            raise
        self._sent += len(part)

    def _finish(self) -> str:
        if self._failure:
            raise self._failure
        self._request.send(self._last)
        return self._request.finish()
