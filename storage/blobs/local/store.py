"""Blobs on a local disk.

A staging area is one preallocated file; a slot is written in place at its offset; preparing is fsync, publishing is
rename. Nothing is copied. Blocking calls run in a small thread pool of the store, so that a slow disk does not block
the threads of other work.
"""

import asyncio
import mmap
import os
import threading
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from io import FileIO
from itertools import islice
from pathlib import Path
from typing import TypeVar, cast

from storage.blobs.base import (
    BLOCK,
    BlockSize,
    MissingRule,
    Part,
    ReopenedStaging,
    StoredObject,
    largest_block,
)
from storage.blobs.local.folder import BlobFolder, translate_errors
from storage.blobs.local.records import LocalRecords
from storage.blobs.local.slot_writer import LocalSlotWriter, lock_range
from storage.cancellation import run_to_end
from storage.durable_files import sync
from storage.errors import BlobNotFound, NoSpace

T = TypeVar("T")
Item = TypeVar("Item")
Consume = Callable[[memoryview], None]

THREADS = 8
#: Bytes that one call in a thread reads, so that a cancellation does not wait for a whole chunk on a slow disk.
SCANNED_AT_ONCE = 16 * BLOCK
#: Files that one call in a thread lists.
LISTED_AT_ONCE = 500


class LocalBlobStore:
    """See :class:`storage.blobs.base.BlobStore`."""

    min_chunk_size = 64 * 1024
    reads_staging = True
    supports_direct_uploads = False
    listing_pause = 0.0

    def __init__(self, root: Path, reserve: int | None = None) -> None:
        """New staging areas leave ``reserve`` bytes of the file system free; None is a default that suits its size."""
        self._folder = BlobFolder(root, reserve)
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="blobs")
        self._local = threading.local()
        self.records = LocalRecords(self._folder, self._run, self._each)

    async def stage(self, key: str, size: int, slot_size: int | None = None) -> str:
        """See :class:`storage.blobs.base.BlobStore`."""
        (area,) = await self.stage_all([(key, size, slot_size or size)])
        if isinstance(area, NoSpace):
            raise area
        return area

    async def stage_all(self, areas: Sequence[tuple[str, int, int]]) -> list[str | NoSpace]:
        """See :class:`storage.blobs.base.BlobStore`."""
        results = await self._each(self._stage_or_refuse, [(key, size) for key, size, _ in areas])
        await self._run(self._folder.sync_staging)
        return results

    def _stage_or_refuse(self, area: tuple[str, int]) -> str | NoSpace:
        try:
            with translate_errors():
                self._folder.stage(*area)
        except NoSpace as error:
            return error
        return area[0]

    async def free_space(self) -> int:
        """See :class:`storage.blobs.base.BlobStore`."""
        # Not in the store's own threads, which may all wait for a slow disk: a transaction waits for this answer.
        return await asyncio.to_thread(self._folder.free_space)

    @asynccontextmanager
    async def slot(self, staging: str, offset: int, size: int) -> AsyncIterator[LocalSlotWriter]:
        """See :class:`storage.blobs.base.BlobStore`."""
        # Not in a thread: a cancelled call would lose the descriptor that the thread has just opened.
        with translate_errors():
            descriptor = os.open(self._folder.staging_path(staging), os.O_WRONLY | os.O_CLOEXEC)
        writer = LocalSlotWriter(self._pool, descriptor, offset, size)
        try:
            lock_range(descriptor, offset, size)
            yield writer
        finally:
            await writer.close()

    async def scan(self, staging: str, offset: int, length: int, consume: Consume) -> None:
        """See :class:`storage.blobs.base.BlobStore`."""
        file = await self._run(self._folder.open_bytes, staging)
        try:
            end = offset + length
            while offset < end:
                count = await self._run_to_end(self._scan, file, offset, min(SCANNED_AT_ONCE, end - offset), consume)
                if not count:
                    return
                offset += count
        finally:
            file.close()

    async def watch_errors(self, staging: str) -> object:
        """See :class:`storage.blobs.base.BlobStore`."""
        return await self._run(self._folder.watch_errors, staging)

    async def copy_in(self, staging: str, offset: int, size: int, source: str, source_offset: int) -> str | None:
        """See :class:`storage.blobs.base.BlobStore`."""
        with suppress(BlobNotFound):
            await self._run_to_end(self._folder.copy_in, staging, offset, size, source, source_offset)
        return None

    async def write_back(self, staging: str, offset: int, length: int) -> None:
        """See :class:`storage.blobs.base.BlobStore`."""
        with suppress(BlobNotFound):
            await self._run(self._folder.write_back, staging, offset, length)

    async def seal(self, staging: str, parts: Sequence[Part]) -> None:
        """See :class:`storage.blobs.base.BlobStore`. Does nothing: the slots are already in their place."""

    async def reopen(self, staging: str, parts: Sequence[Part]) -> ReopenedStaging:
        """See :class:`storage.blobs.base.BlobStore`. The file still accepts bytes at any offset."""
        return ReopenedStaging(staging, {part.index: part.etag for part in parts})

    async def prepare(self, staging: str) -> str:
        """See :class:`storage.blobs.base.BlobStore`."""
        await self._run(self._folder.prepare, staging)
        return staging

    async def prepare_all(self, stagings: Sequence[str]) -> list[str]:
        """See :class:`storage.blobs.base.BlobStore`. Many files are in the same folders, which are synced once."""
        await self._each(self._folder.sync_bytes, stagings)
        paths = [self._folder.blob_path(staging) for staging in stagings]
        await self._each(sync, {folder for path in paths for folder in self._folder.folders_of(path)})
        return list(stagings)

    async def reread_after_failed_sync(self, staging: str) -> bool:
        """See :class:`storage.blobs.base.BlobStore`."""
        return await self._run_to_end(self._folder.reread_after_failed_sync, staging)

    async def publish(self, staging: str) -> str:
        """See :class:`storage.blobs.base.BlobStore`."""
        # The job's lease covers it: another worker must not begin while a thread of this one still syncs.
        await self._run_to_end(self._folder.publish, staging)
        return staging

    async def publish_all(self, stagings: Sequence[str]) -> None:
        """See :class:`storage.blobs.base.BlobStore`."""

        async def publish() -> None:
            await self._each(self._folder.rename_to_blob, stagings)
            await self._each(sync, {self._folder.blob_path(staging).parent for staging in stagings})
            await self._each(self._folder.forget_sync, stagings)

        await run_to_end(publish())

    async def make_durable(self, key: str) -> None:
        """See :class:`storage.blobs.base.BlobStore`."""
        await self._run_to_end(self._folder.make_durable, key)

    async def unpublish(self, staging: str) -> None:
        """See :class:`storage.blobs.base.BlobStore`."""
        await self._run(self._folder.unpublish, staging)

    async def discard(self, staging: str, *, sealed: bool = False) -> None:
        """See :class:`storage.blobs.base.BlobStore`."""
        await self._run(self._folder.discard, staging)

    async def holds(self, staging: str) -> bool:
        """See :class:`storage.blobs.base.BlobStore`."""
        return await self._run(self._folder.has_bytes, staging)

    async def put(self, key: str, source: Path) -> None:
        """See :class:`storage.blobs.base.BlobStore`."""
        await self._run_to_end(self._folder.put, key, source)

    async def read(
        self, key: str, offset: int, length: int, block_size: BlockSize = largest_block
    ) -> AsyncIterator[bytes]:
        """See :class:`storage.blobs.base.BlobStore`."""
        file = await self._run(self._folder.blob_path(key).open, "rb", 0)
        try:
            end = offset + length
            while offset < end:
                block = await self._run(os.pread, file.fileno(), min(block_size(), end - offset), offset)
                if not block:
                    return
                yield block
                offset += len(block)
        finally:
            file.close()

    @asynccontextmanager
    async def local_path(self, key: str, ends: int | None = None) -> AsyncIterator[Path]:
        """See :class:`storage.blobs.base.BlobStore`."""
        yield await self._run(self._folder.find_bytes, key)

    async def download_url(self, key: str, seconds: int, mime_type: str, disposition: str) -> str | None:
        """See :class:`storage.blobs.base.BlobStore`. A disk has no URLs."""
        return None

    async def slot_upload_url(self, staging: str, offset: int, size: int, seconds: int) -> str:
        """See :class:`storage.blobs.base.BlobStore`."""
        raise NotImplementedError

    async def filled_slots(self, staging: str, first: int, last: int) -> Mapping[int, Collection[tuple[str, int]]]:
        """See :class:`storage.blobs.base.BlobStore`."""
        raise NotImplementedError

    async def delete(self, key: str) -> None:
        """See :class:`storage.blobs.base.BlobStore`."""
        await self._run(self._folder.delete, key)

    async def stat(self, key: str) -> StoredObject:
        """See :class:`storage.blobs.base.BlobStore`."""
        return await self._run(self._folder.stat, key)

    async def staging_areas(self) -> AsyncIterator[StoredObject]:
        """See :class:`storage.blobs.base.BlobStore`."""
        async for staging in self._list(self._folder.staging_areas()):
            yield staging

    async def blobs(self, prefix: str = "") -> AsyncIterator[StoredObject]:
        """See :class:`storage.blobs.base.BlobStore`."""
        async for blob in self._list(self._folder.blobs(prefix)):
            yield blob

    async def was_published(self, key: str) -> bool:
        """See :class:`storage.blobs.base.BlobStore`. A sealed object is not a blob here."""
        await self.stat(key)
        return True

    async def missing_rules(self, days: int, origins: Sequence[str]) -> Sequence[MissingRule]:
        """See :class:`storage.blobs.base.BlobStore`. A disk has no rules."""
        return ()

    async def check(self) -> None:
        """See :class:`storage.blobs.base.BlobStore`."""
        if not await self._run(self._folder.is_writable):
            raise OSError("the blob folder cannot be written to")

    async def close(self) -> None:
        """See :class:`storage.blobs.base.BlobStore`."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, call: Callable[..., T], *arguments: object) -> T:
        with translate_errors():
            return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: call(*arguments))

    async def _each(self, call: Callable[[Item], T], items: Collection[Item]) -> list[T]:
        """Run a call for each item, on all threads of the store. All have ended when this raises the first error."""

        async def attempt(item: Item) -> tuple[T]:
            # In a tuple, because an error that is returned is a result.
            return (await self._run(call, item),)

        results = await asyncio.gather(*map(attempt, items), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return [result for (result,) in cast(list[tuple[T]], results)]

    async def _run_to_end(self, call: Callable[..., T], *arguments: object) -> T:
        """Run a call whose files or locks are released afterwards: it has ended when this returns or is cancelled."""
        return await run_to_end(self._run(call, *arguments))

    def _scan(self, file: FileIO, offset: int, length: int, consume: Consume) -> int:
        """Pass up to ``length`` bytes to ``consume``. Returns their number."""
        if not hasattr(self._local, "buffer"):
            self._local.buffer = memoryview(mmap.mmap(-1, BLOCK))
        position = 0
        while position < length:
            block = self._local.buffer[: min(BLOCK, length - position)]
            count = os.preadv(file.fileno(), [block], offset + position)
            if not count:
                break
            consume(block[:count])
            position += count
        return position

    async def _list(self, files: Iterator[StoredObject]) -> AsyncIterator[StoredObject]:
        while batch := await self._run(lambda: list(islice(files, LISTED_AT_ONCE))):
            for item in batch:
                yield item
