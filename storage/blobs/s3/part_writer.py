"""One slot on its way to S3: hashed, and passed on block by block to a request that makes it a part."""

import asyncio
import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from xxhash import xxh3_128

from storage.blobs.base import Accept, Buffer, Digests, accept_all
from storage.blobs.hashing import CPU_SEMAPHORE
from storage.blobs.s3.connection_pool import Sending
from storage.errors import SlotOverflow, StorageError, StoreUnavailable


class PartWriter:
    """See :class:`storage.blobs.base.SlotWriter`.

    The last block is held back until the whole was accepted. S3 has no part before it has the last byte of it, so a
    chunk that is refused, or ends early, has changed nothing.
    """

    stores_on_threads = True

    def __init__(self, pool: ThreadPoolExecutor, sending: Sending, size: int) -> None:
        self._pool = pool
        self._sending = sending
        self._size = size
        self._sha256 = hashlib.sha256()
        self._xxh3 = xxh3_128()
        self._sent = 0
        self._last = b""
        self._failure: StorageError | None = None
        self._pending: asyncio.Future[object] | None = None
        self.written = 0

    def store(self, part: Buffer) -> None:
        """See :class:`storage.blobs.base.SlotWriter`."""
        self._take_room(len(part))
        self._store([part])

    async def write(self, parts: Sequence[Buffer]) -> None:
        """See :class:`storage.blobs.base.SlotWriter`."""
        self._take_room(sum(map(len, parts)))
        await self._settle()
        self._pending = self._begin(self._store, list(parts))

    async def finish(self, accept: Accept = accept_all) -> Digests:
        """See :class:`storage.blobs.base.SlotWriter`."""
        await self._settle()
        digests = Digests(self._sha256.hexdigest(), self._xxh3.hexdigest())
        accept(digests)
        if self._sent + len(self._last) != self._size:
            raise StoreUnavailable("a part has to fill its slot")
        self._pending = finishing = self._begin(self._finish)
        await self._settle()
        return Digests(digests.sha256, digests.xxh3, str(finishing.result()))

    async def leave(self) -> None:
        """Break off what was not finished, so that nothing of it counts."""
        pending = self._pending
        if pending and not pending.done():
            self._sending.interrupt()
            pending.add_done_callback(self._close)
        else:
            self._close(pending)

    def _close(self, last: "asyncio.Future[object] | None") -> None:
        self._sending.close()
        if last and not last.cancelled():
            last.exception()

    def _begin(self, call: object, *arguments: object) -> "asyncio.Future[object]":
        assert callable(call)
        return asyncio.get_running_loop().run_in_executor(self._pool, lambda: call(*arguments))

    def _take_room(self, length: int) -> None:
        if self.written + length > self._size:
            raise SlotOverflow(f"the slot holds {self._size} bytes")
        self.written += length

    async def _settle(self) -> None:
        if self._pending:
            await asyncio.shield(self._pending)

    def _store(self, parts: Sequence[Buffer]) -> None:
        for part in parts:
            with CPU_SEMAPHORE:
                self._sha256.update(part)
                self._xxh3.update(part)
            self._pass_on(part)

    def _pass_on(self, part: Buffer) -> None:
        if self._failure:
            raise self._failure
        if self._sent + len(part) == self._size:
            self._last = bytes(part)
            return
        try:
            self._sending.send(part)
        except StorageError as error:
            self._failure = error
            raise
        self._sent += len(part)

    def _finish(self) -> str:
        if self._failure:
            raise self._failure
        self._sending.send(self._last)
        return self._sending.finish()
