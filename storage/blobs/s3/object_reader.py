"""Reads objects block by block on threads, and continues where a connection broke."""

import asyncio
import mmap
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from storage.blobs.base import BLOCK, BlockSize
from storage.blobs.s3.bucket import Bucket
from storage.blobs.s3.connection_pool import ConnectionPool
from storage.blobs.s3.requests import ConnectionBroken, DownloadRequest, run_on_thread
from storage.errors import BlobNotFound, StoreUnavailable

T = TypeVar("T")
Consume = Callable[[memoryview], None]

#: Seconds before each retry; a byte that arrives starts the sequence again.
PAUSES = (0.2, 0.5, 1.0, 2.0)
SCANNED_AT_ONCE = 16 * BLOCK
#: Open requests that are kept, because the next part of their object is likely to be read next.
MAX_KEPT = 4
#: The maximum size of an object.
LARGEST = 2**53


class ObjectReader:
    """Reads objects of a bucket."""

    def __init__(self, bucket: Bucket, connections: ConnectionPool, pool: ThreadPoolExecutor) -> None:
        self._bucket = bucket
        self._connections = connections
        self._pool = pool
        self._local = threading.local()
        self._kept: dict[tuple[str, int], DownloadRequest] = {}

    async def blocks(self, key: str, offset: int, length: int, block_size: BlockSize) -> AsyncIterator[bytes]:
        """A part of an object. Raises :class:`storage.errors.BlobNotFound` at the first block."""
        request = DownloadRequest(self._connections, key, offset, offset + length)
        try:
            while block := await self._retry(request, lambda: _read_block(request, self._buffer()[: block_size()])):
                yield block
        finally:
            request.close()

    async def scan(self, key: str, offset: int, length: int, consume: Consume) -> None:
        """Pass a part of an object to ``consume``; a scan of the next part reuses the connection."""
        request = self._kept.pop((key, offset), None) or DownloadRequest(self._connections, key, offset, LARGEST)
        end = offset + length
        try:
            while request.position < end and await self._retry(request, lambda: self._scan(request, end, consume)):
                pass
        except BaseException:
            request.close()
            raise
        self._keep(request)

    async def download(self, key: str, pieces: Sequence[tuple[int, int]], path: Path) -> None:
        """Write these ranges of an object into a new file, at their offsets. Raises :class:`BlobNotFound`."""
        with path.open("xb", 0) as file:
            for start, end in pieces:
                file.seek(start)
                await self.scan(key, start, end - start, lambda block: _write_all(file.write, block))
                if file.tell() != end:
                    raise BlobNotFound("the object ended early")

    def close(self) -> None:
        """Close the requests that are kept."""
        for request in self._kept.values():
            request.close()
        self._kept.clear()

    def _keep(self, request: DownloadRequest) -> None:
        if request.position < request.end:
            self._kept[request.key, request.position] = request
        while len(self._kept) > MAX_KEPT:
            self._kept.pop(next(iter(self._kept))).close()

    async def _retry(self, request: DownloadRequest, call: Callable[[], T]) -> T:
        """The result of ``call``, retried over new connections."""
        position, pauses = request.position, iter(PAUSES)
        while True:
            try:
                if not request.is_open:
                    url = await self._bucket.object_url(request.key)
                    await run_on_thread(self._pool, partial(request.open, url), request.interrupt)
                return await run_on_thread(self._pool, call, request.interrupt)
            except ConnectionBroken as error:
                if request.position > position:
                    position, pauses = request.position, iter(PAUSES)
                pause = next(pauses, None)
                if pause is None:
                    raise StoreUnavailable(f"S3 cannot be read: {error}") from None
                await asyncio.sleep(pause)

    def _scan(self, request: DownloadRequest, end: int, consume: Consume) -> bool:
        """Pass some blocks to ``consume``. Returns whether there may be more."""
        buffer, stop = self._buffer(), min(end, request.position + SCANNED_AT_ONCE)
        while request.position < stop:
            count = request.read_into(buffer[: min(BLOCK, stop - request.position)])
            if not count:
                return False
            consume(buffer[:count])
        return True

    def _buffer(self) -> memoryview:
        """The buffer of this thread."""
        if not hasattr(self._local, "buffer"):
            self._local.buffer = memoryview(mmap.mmap(-1, BLOCK))
        buffer: memoryview = self._local.buffer
        return buffer


def _read_block(request: DownloadRequest, buffer: memoryview) -> bytes:
    count = request.read_into(buffer)
    return bytes(buffer[:count])


def _write_all(write: Callable[[memoryview], int | None], block: memoryview) -> None:
    while block:
        block = block[write(block) or 0 :]
