"""Blobs on a local disk.

A staging area is one preallocated file; a slot is written in place at its offset; publishing is fsync and rename.
Nothing is copied. Blocking calls run in a small pool of threads of the store's own, so that a slow disk takes no
thread from anybody else.
"""

import asyncio
import mmap
import os
import shutil
import threading
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from io import FileIO
from itertools import islice
from pathlib import Path
from typing import TypeVar

from storage.blobs.base import BLOCK, MissingRule, Part, Reopened, StoredObject
from storage.blobs.disk_space import require_room
from storage.blobs.local.slot_writer import SlotFile, translated
from storage.blobs.locks import lock_range
from storage.errors import BlobNotFound, NoSpace

T = TypeVar("T")
Consume = Callable[[memoryview], None]

THREADS = 8
#: Bytes that one call in a thread reads, so that a cancellation does not wait for a whole chunk on a slow disk.
SCANNED_AT_ONCE = 16 * BLOCK
#: So many files are listed by one call in a thread.
LISTED_AT_ONCE = 500


class LocalBlobStore:
    """See :class:`storage.blobs.base.BlobStore`."""

    min_chunk_size = 64 * 1024
    reads_staging = True
    takes_direct = False
    listing_pause = 0.0

    def __init__(self, root: Path, reserve: int | None = None) -> None:
        """``reserve`` bytes of the file system stay free of new staging areas; None picks a share that suits it."""
        self._root = root
        self._reserve = reserve
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="blobs")
        self._local = threading.local()
        (root / "staging").mkdir(parents=True, exist_ok=True)

    async def stage(self, key: str, size: int, slot_size: int | None = None) -> str:
        """See :class:`storage.blobs.base.BlobStore`."""
        await self._run(self._stage, key, size)
        return key

    @asynccontextmanager
    async def slot(self, staging: str, offset: int, size: int) -> AsyncIterator[SlotFile]:
        """See :class:`storage.blobs.base.BlobStore`."""
        # Not in a thread: a cancelled call would lose the descriptor that the thread has just opened.
        with translated():
            descriptor = os.open(self._staging(staging), os.O_WRONLY | os.O_CLOEXEC)
        writer = SlotFile(self._pool, descriptor, offset, size)
        try:
            lock_range(descriptor, offset, size)
            yield writer
        finally:
            await writer.leave()

    async def scan(self, staging: str, offset: int, length: int, consume: Consume) -> None:
        """See :class:`storage.blobs.base.BlobStore`."""
        file = await self._run(_open_first, (self._staging(staging), self._blob(staging)))
        try:
            end = offset + length
            while offset < end:
                count = await self._run_to_end(self._scan, file, offset, min(SCANNED_AT_ONCE, end - offset), consume)
                if not count:
                    return
                offset += count
        finally:
            file.close()

    async def copy_in(self, staging: str, offset: int, size: int, source: str, source_offset: int) -> str | None:
        """See :class:`storage.blobs.base.BlobStore`."""
        with suppress(BlobNotFound):
            await self._run_to_end(self._copy_in, staging, offset, size, source, source_offset)
        return None

    async def write_back(self, staging: str, offset: int, length: int) -> None:
        """See :class:`storage.blobs.base.BlobStore`."""
        with suppress(BlobNotFound):
            await self._run(self._write_back, staging, offset, length)

    async def seal(self, staging: str, parts: Sequence[Part]) -> None:
        """See :class:`storage.blobs.base.BlobStore`. Nothing is to be done: the slots are in their place."""

    async def reopen(self, staging: str, parts: Sequence[Part]) -> Reopened:
        """See :class:`storage.blobs.base.BlobStore`. The file still takes bytes anywhere."""
        return Reopened(staging, {part.index: part.etag for part in parts})

    async def publish(self, staging: str) -> str:
        """See :class:`storage.blobs.base.BlobStore`."""
        await self._run(self._publish, staging)
        return staging

    async def discard(self, staging: str, *, sealed: bool = False) -> None:
        """See :class:`storage.blobs.base.BlobStore`."""
        await self._run(self._staging(staging).unlink, True)

    async def holds(self, staging: str) -> bool:
        """See :class:`storage.blobs.base.BlobStore`."""
        return await self._run(lambda: self._staging(staging).exists() or self._blob(staging).exists())

    async def put(self, key: str, source: Path) -> None:
        """See :class:`storage.blobs.base.BlobStore`."""
        await self._run(self._put, key, source)

    async def read(self, key: str, offset: int, length: int) -> AsyncIterator[bytes]:
        """See :class:`storage.blobs.base.BlobStore`."""
        file = await self._run(self._blob(key).open, "rb", 0)
        try:
            end = offset + length
            while offset < end:
                block = await self._run(os.pread, file.fileno(), min(BLOCK, end - offset), offset)
                if not block:
                    return
                yield block
                offset += len(block)
        finally:
            file.close()

    @asynccontextmanager
    async def local_path(self, key: str, ends: int | None = None) -> AsyncIterator[Path]:
        """See :class:`storage.blobs.base.BlobStore`."""
        path = self._blob(key)
        if not await self._run(path.is_file):
            raise BlobNotFound("no such blob")
        yield path

    async def link(self, key: str, seconds: int, mime_type: str, disposition: str) -> str | None:
        """See :class:`storage.blobs.base.BlobStore`. There is nobody else to ask."""
        return None

    async def slot_link(self, staging: str, offset: int, size: int, seconds: int) -> str:
        """See :class:`storage.blobs.base.BlobStore`."""
        raise NotImplementedError

    async def filled(self, staging: str, first: int, last: int) -> Mapping[int, Collection[tuple[str, int]]]:
        """See :class:`storage.blobs.base.BlobStore`."""
        raise NotImplementedError

    async def delete(self, key: str) -> None:
        """See :class:`storage.blobs.base.BlobStore`."""
        await self._run(self._blob(key).unlink, True)

    async def stat(self, key: str) -> StoredObject:
        """See :class:`storage.blobs.base.BlobStore`."""
        return await self._run(lambda: _described(key, self._blob(key).stat()))

    async def staged(self) -> AsyncIterator[StoredObject]:
        """See :class:`storage.blobs.base.BlobStore`."""
        async for found in self._listed(_files(self._root / "staging")):
            yield found

    async def blobs(self, begin: str = "") -> AsyncIterator[StoredObject]:
        """See :class:`storage.blobs.base.BlobStore`."""
        files = _files(self._root / "blobs", depth=2)
        async for found in self._listed(found for found in files if found.key.startswith(begin)):
            yield found

    async def missing_rules(self, days: int, origins: Sequence[str]) -> Sequence[MissingRule]:
        """See :class:`storage.blobs.base.BlobStore`. A disk takes no rules."""
        return ()

    async def check(self) -> None:
        """See :class:`storage.blobs.base.BlobStore`."""
        if not await self._run(os.access, self._root / "staging", os.W_OK | os.X_OK):
            raise OSError("the blob folder cannot be written to")

    async def close(self) -> None:
        """See :class:`storage.blobs.base.BlobStore`."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, call: Callable[..., T], *arguments: object) -> T:
        with translated():
            return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: call(*arguments))

    async def _run_to_end(self, call: Callable[..., T], *arguments: object) -> T:
        """The same for a call that uses what is closed afterwards: it has ended when this returns, or is cancelled."""
        running = asyncio.ensure_future(self._run(call, *arguments))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            await asyncio.wait({running})
            raise

    def _copy_in(self, key: str, offset: int, size: int, source: str, source_offset: int) -> None:
        with self._blob(source).open("rb", 0) as blob, self._staging(key).open("r+b", 0) as staging:
            while size:
                # Where the file system can, it shares the blocks, and nothing is copied.
                count = os.copy_file_range(blob.fileno(), staging.fileno(), size, source_offset, offset)
                if not count:
                    return
                offset, source_offset, size = offset + count, source_offset + count, size - count

    def _write_back(self, key: str, offset: int, length: int) -> None:
        # Not fsync: of an error that it reports, and nobody minds, the fsync in publish would no longer hear.
        with self._staging(key).open("rb", 0) as file:
            os.posix_fadvise(file.fileno(), offset, length, os.POSIX_FADV_DONTNEED)

    def _scan(self, file: FileIO, offset: int, length: int, consume: Consume) -> int:
        """Hand on up to ``length`` bytes. Returns how many there were."""
        if not hasattr(self._local, "buffer"):
            self._local.buffer = memoryview(mmap.mmap(-1, BLOCK))
        done = 0
        while done < length:
            block = self._local.buffer[: min(BLOCK, length - done)]
            count = os.preadv(file.fileno(), [block], offset + done)
            if not count:
                break
            consume(block[:count])
            done += count
        return done

    async def _listed(self, files: Iterator[StoredObject]) -> AsyncIterator[StoredObject]:
        while batch := await self._run(lambda: list(islice(files, LISTED_AT_ONCE))):
            for found in batch:
                yield found

    def _stage(self, key: str, size: int) -> None:
        path = self._staging(key)
        known = path.exists()
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if not known:
                require_room(self._root, size, self._reserve)
            os.posix_fallocate(descriptor, 0, size)
            # Once more: of two that both found room, the second sees what the first has taken.
            if not known:
                require_room(self._root, 0, self._reserve)
        except (OSError, NoSpace):
            if not known:
                path.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)
        # The bytes may be lost with the power and are sent again then, but not the place they are sent to.
        _sync(path.parent)

    def _publish(self, key: str) -> None:
        blob = self._blob(key)
        try:
            _move(self._staging(key), blob)
        except FileNotFoundError:
            # Somebody was faster, and may have been killed before the new name was durable.
            if not blob.exists():
                raise
        self._settle(blob)

    def _put(self, key: str, source: Path) -> None:
        landing = self._root / "staging" / f"{key}.put"
        try:
            shutil.move(source, landing)
            _move(landing, self._blob(key))
        finally:
            landing.unlink(missing_ok=True)
        self._settle(self._blob(key))

    def _settle(self, blob: Path) -> None:
        """A new name is durable once its folder is, and a new folder once the one that names it is, up to the root."""
        for folder in blob.parents:
            _sync(folder)
            if folder == self._root:
                return

    def _staging(self, key: str) -> Path:
        return self._root / "staging" / key

    def _blob(self, key: str) -> Path:
        # The end of a UUIDv7 is random, its start is the time: two folders of the end spread the blobs evenly.
        return self._root / "blobs" / key[-2:] / key[-4:-2] / key


def _open_first(paths: Sequence[Path]) -> FileIO:
    """The first file that is there. Asked by opening: one that is seen now may be renamed in the next moment."""
    for path in paths[:-1]:
        with suppress(FileNotFoundError):
            return path.open("rb", 0)
    return paths[-1].open("rb", 0)


def _files(folder: Path, depth: int = 0) -> Iterator[StoredObject]:
    """The files this many folders below ``folder``. One that goes meanwhile is left out."""
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if depth and entry.is_dir(follow_symlinks=False):
                yield from _files(Path(entry.path), depth - 1)
            elif not depth and entry.is_file(follow_symlinks=False):
                with suppress(FileNotFoundError):
                    yield _described(entry.name, entry.stat())


def _described(key: str, status: os.stat_result) -> StoredObject:
    return StoredObject(key, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC), key)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _move(source: Path, target: Path) -> None:
    _sync(source)
    target.parent.mkdir(parents=True, exist_ok=True)
    source.rename(target)
