"""Reading objects block by block on threads, and going on where a connection broke."""

import asyncio
import mmap
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar

from storage.blobs.base import BLOCK
from storage.blobs.s3.bucket import Bucket
from storage.blobs.s3.connection_pool import Broken, Reading, Wire
from storage.blobs.s3.threads import to_end
from storage.errors import StoreUnavailable

T = TypeVar("T")
Consume = Callable[[memoryview], None]

#: Seconds before each further try; a byte that comes begins the count afresh.
PAUSES = (0.2, 0.5, 1.0, 2.0)
SCANNED_AT_ONCE = 16 * BLOCK
#: Objects of which the next part is expected to be asked for, and whose connection is kept for it.
AHEAD = 4
#: No object is larger.
LARGEST = 2**53


class Readings:
    """What is being read from a bucket."""

    def __init__(self, bucket: Bucket, wire: Wire, pool: ThreadPoolExecutor) -> None:
        self._bucket = bucket
        self._wire = wire
        self._pool = pool
        self._local = threading.local()
        self._ahead: dict[tuple[str, int], Reading] = {}

    async def blocks(self, key: str, offset: int, length: int) -> AsyncIterator[bytes]:
        """A part of an object. Raises :class:`storage.errors.BlobNotFound` at the first block."""
        async with self._closing(Reading(self._wire, key, offset, offset + length)) as reading:
            while block := await self._trying(reading, lambda: _block(reading, self._buffer())):
                yield block

    async def scan(self, key: str, offset: int, length: int, consume: Consume) -> None:
        """Hand a part of an object on; whoever goes on with the next one reads from the same connection."""
        reading = self._ahead.pop((key, offset), None) or Reading(self._wire, key, offset, LARGEST)
        end = offset + length
        try:
            while reading.position < end and await self._trying(reading, lambda: self._scan(reading, end, consume)):
                pass
        except BaseException:
            reading.close()
            raise
        self._keep(reading)

    def close(self) -> None:
        """Close what is kept."""
        for reading in self._ahead.values():
            reading.close()
        self._ahead.clear()

    def _keep(self, reading: Reading) -> None:
        if reading.position < reading.end:
            self._ahead[reading.key, reading.position] = reading
        while len(self._ahead) > AHEAD:
            self._ahead.pop(next(iter(self._ahead))).close()

    @asynccontextmanager
    async def _closing(self, reading: Reading) -> AsyncIterator[Reading]:
        try:
            yield reading
        finally:
            reading.close()

    async def _trying(self, reading: Reading, call: Callable[[], T]) -> T:
        """What ``call`` returns, over as many connections as it takes."""
        position, pauses = reading.position, iter(PAUSES)
        while True:
            try:
                if not reading.is_open:
                    url = await self._bucket.signed_object(reading.key)
                    await to_end(self._pool, partial(reading.open, url), reading.interrupt)
                return await to_end(self._pool, call, reading.interrupt)
            except Broken as error:
                if reading.position > position:
                    position, pauses = reading.position, iter(PAUSES)
                pause = next(pauses, None)
                if pause is None:
                    raise StoreUnavailable(f"S3 cannot be read: {error}") from None
                await asyncio.sleep(pause)

    def _scan(self, reading: Reading, end: int, consume: Consume) -> bool:
        """Hand some of it on. Returns whether there may be more."""
        buffer, stop = self._buffer(), min(end, reading.position + SCANNED_AT_ONCE)
        while reading.position < stop:
            count = reading.into(buffer[: min(BLOCK, stop - reading.position)])
            if not count:
                return False
            consume(buffer[:count])
        return True

    def _buffer(self) -> memoryview:
        """This thread's own."""
        if not hasattr(self._local, "buffer"):
            self._local.buffer = memoryview(mmap.mmap(-1, BLOCK))
        buffer: memoryview = self._local.buffer
        return buffer


def _block(reading: Reading, buffer: memoryview) -> bytes:
    count = reading.into(buffer)
    return bytes(buffer[:count])
