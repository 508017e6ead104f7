"""Blobs in a bucket: a staging area is a multipart upload, a slot is a part, and publishing copies nothing.

A thread streams a slot's bytes to S3; memory holds at most one block of a chunk. S3 cannot read a part before
CompleteMultipartUpload, so that comes first, with the ETags of the receipts. The object is then read and verified
before it is published.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from botocore.exceptions import ClientError

from storage.blobs.base import BlockSize, MissingRule, Part, ReopenedStaging, StoredObject, largest_block
from storage.blobs.disk_space import require_free_space
from storage.blobs.s3.bucket import Bucket
from storage.blobs.s3.connection_pool import ConnectionPool
from storage.blobs.s3.errors import REFUSED_PARTS, TOO_SMALL, code_of, translate_errors
from storage.blobs.s3.object_reader import ObjectReader
from storage.blobs.s3.object_writer import upload_file
from storage.blobs.s3.part_writer import PartWriter
from storage.blobs.s3.records import PREFIX as RECORDS
from storage.blobs.s3.records import S3Records
from storage.blobs.s3.requests import UploadRequest
from storage.blobs.s3.requests_at_once import at_once
from storage.blobs.s3.staging_handle import MAX_PARTS, MIN_PART, StagingHandle
from storage.blobs.slot_locks import SlotLocks
from storage.errors import BlobNotFound, NoSpace, PartsRefused, StagingLost, StoreUnavailable

T = TypeVar("T")

#: Bodies that are streamed at the same time, in addition to those on threads of their callers.
THREADS = 32


class S3BlobStore:
    """See :class:`storage.blobs.base.BlobStore`."""

    min_chunk_size = MIN_PART
    reads_staging = False
    supports_direct_uploads = True
    #: A listing takes a request for every thousand unfinished uploads.
    listing_pause = 900.0

    def __init__(
        self,
        bucket: Bucket,
        slot_locks: SlotLocks,
        scratch: Path | None,
        reserve: int | None,
        resources: AsyncExitStack,
    ) -> None:
        """``close`` closes ``resources``. ``reserve`` bytes of the scratch folder's disk stay free."""
        self.bucket = bucket
        self._slot_locks = slot_locks
        self._scratch = scratch or Path(tempfile.gettempdir())
        self._reserve = reserve
        self._resources = resources
        self._connections = ConnectionPool()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="s3")
        self.records = S3Records(bucket)
        self._reader = ObjectReader(bucket, self._connections, self._pool)

    async def stage(self, key: str, size: int, slot_size: int | None = None) -> str:
        """See :class:`storage.blobs.base.BlobStore`. Nothing is reserved: S3 has no request for it."""
        slot_size = slot_size or size
        if slot_size < min(MIN_PART, size) or -(-size // slot_size) > MAX_PARTS:
            raise ValueError("S3 accepts at most 10,000 parts; all but the last need at least 5 MiB")
        return str(await self.bucket.create_multipart(key, slot_size))

    async def stage_all(self, areas: Sequence[tuple[str, int, int]]) -> list[str | NoSpace]:
        """See :class:`storage.blobs.base.BlobStore`."""
        return await at_once([partial(self.stage, *area) for area in areas])

    async def free_space(self) -> None:
        """See :class:`storage.blobs.base.BlobStore`."""

    @asynccontextmanager
    async def slot(self, staging: str, offset: int, size: int) -> AsyncIterator[PartWriter]:
        """See :class:`storage.blobs.base.BlobStore`."""
        handle = StagingHandle.parse(staging)
        number = handle.number(offset)
        async with self._slot_locks.hold(f"{staging}:{number}"):
            url = await self.bucket.part_url(handle, number)
            writer = PartWriter(self._pool, UploadRequest(self._connections, url, size), size)
            try:
                yield writer
            finally:
                await writer.close()

    async def scan(self, staging: str, offset: int, length: int, consume: Callable[[memoryview], None]) -> None:
        """See :class:`storage.blobs.base.BlobStore`."""
        await self._reader.scan(StagingHandle.parse(staging).key, offset, length, consume)

    async def watch_errors(self, staging: str) -> object:
        """See :class:`storage.blobs.base.BlobStore`. S3 answers when a part is durable."""
        return None

    async def copy_in(self, staging: str, offset: int, size: int, source: str, source_offset: int) -> str | None:
        """See :class:`storage.blobs.base.BlobStore`."""
        handle = StagingHandle.parse(staging)
        with suppress(BlobNotFound):
            return await self.bucket.copy_part(handle, handle.number(offset), source, source_offset, size)
        return None

    async def write_back(self, staging: str, offset: int, length: int) -> None:
        """See :class:`storage.blobs.base.BlobStore`. S3 does so itself."""

    async def seal(self, staging: str, parts: Sequence[Part]) -> None:
        """See :class:`storage.blobs.base.BlobStore`."""
        handle = StagingHandle.parse(staging)
        try:
            await self._complete(handle, parts)
        except StagingLost:
            # Another attempt sealed it and was killed after that, or the bucket's lifecycle rule deleted the parts.
            if (await self.bucket.head(handle.key)).size != sum(part.size for part in parts):
                raise
            return
        if (await self.bucket.head(handle.key)).size != sum(part.size for part in parts):
            raise PartsRefused([part.index for part in parts])

    async def _complete(self, handle: StagingHandle, parts: Sequence[Part]) -> None:
        with translate_errors():
            try:
                await self.bucket.complete_multipart(handle, parts)
            except ClientError as error:
                if (code := code_of(error)) not in REFUSED_PARTS:
                    raise
            else:
                return
        stored = await self.bucket.parts(handle)
        differing = [part.index for part in parts if (part.etag, part.size) not in stored.get(part.index, set())]
        if not differing and code != TOO_SMALL:
            raise StoreUnavailable(f"S3 lists every part as recorded, but answered {code}")
        raise PartsRefused(differing or [part.index for part in parts])

    async def reopen(self, staging: str, parts: Sequence[Part]) -> ReopenedStaging:
        """See :class:`storage.blobs.base.BlobStore`."""
        handle = StagingHandle.parse(staging)
        if await self._is_open(handle):
            return ReopenedStaging(staging, {part.index: part.etag for part in parts})
        fresh = await self.bucket.create_multipart(handle.next_key(), handle.slot_size)
        try:
            etags = await self.bucket.copy_parts(fresh, handle.key, parts)
        except BaseException:
            await asyncio.shield(self.bucket.abort_multipart(fresh))
            raise
        return ReopenedStaging(str(fresh), etags)

    async def reread_after_failed_sync(self, staging: str) -> bool:
        """See :class:`storage.blobs.base.BlobStore`. S3 answers when a part is durable."""
        return False

    async def prepare(self, staging: str) -> str:
        """See :class:`storage.blobs.base.BlobStore`. The sealed object is durable."""
        handle = StagingHandle.parse(staging)
        await self.bucket.head(handle.key)
        await self._delete_predecessors(handle)
        return handle.key

    async def prepare_all(self, stagings: Sequence[str]) -> list[str]:
        """See :class:`storage.blobs.base.BlobStore`."""
        return await at_once([partial(self.prepare, staging) for staging in stagings])

    async def publish_all(self, stagings: Sequence[str]) -> None:
        """See :class:`storage.blobs.base.BlobStore`. The sealed objects are the blobs."""

    async def publish(self, staging: str) -> str:
        """See :class:`storage.blobs.base.BlobStore`. The sealed object is the blob."""
        return StagingHandle.parse(staging).key

    async def make_durable(self, key: str) -> None:
        """See :class:`storage.blobs.base.BlobStore`. S3 answers when an object is durable."""

    async def unpublish(self, staging: str) -> None:
        """See :class:`storage.blobs.base.BlobStore`. ``reopen`` copies the parts of the object instead."""

    async def discard(self, staging: str, *, sealed: bool = False) -> None:
        """See :class:`storage.blobs.base.BlobStore`."""
        with suppress(BlobNotFound):
            handle = StagingHandle.parse(staging)
            await self.bucket.abort_multipart(handle)
            if sealed:
                await self._delete_unpublished(handle.key)
                await self._delete_predecessors(handle)

    async def holds(self, staging: str) -> bool:
        """See :class:`storage.blobs.base.BlobStore`."""
        try:
            handle = StagingHandle.parse(staging)
            if not await self._is_open(handle):
                await self.bucket.head(handle.key)
        except BlobNotFound:
            return False
        return True

    async def put(self, key: str, source: Path) -> None:
        """See :class:`storage.blobs.base.BlobStore`."""
        await upload_file(self.bucket, self._connections, self._pool, key, source)
        await self._run(source.unlink)

    def read(self, key: str, offset: int, length: int, block_size: BlockSize = largest_block) -> AsyncIterator[bytes]:
        """See :class:`storage.blobs.base.BlobStore`."""
        return self._reader.blocks(key, offset, length, block_size)

    @asynccontextmanager
    async def local_path(self, key: str, ends: int | None = None) -> AsyncIterator[Path]:
        """See :class:`storage.blobs.base.BlobStore`. Downloads the bytes into the scratch folder for the block."""
        size = (await self.bucket.head(key)).size
        pieces = [(0, size)] if ends is None or size <= 2 * ends else [(0, ends), (size - ends, size)]
        await self._run(require_free_space, self._scratch, sum(end - start for start, end in pieces), self._reserve)
        path = self._scratch / f"{key}.{uuid4().hex}"
        try:
            await self._reader.download(key, pieces, path)
            yield path
        finally:
            await self._run(path.unlink, True)

    async def download_url(self, key: str, seconds: int, mime_type: str, disposition: str) -> str | None:
        """See :class:`storage.blobs.base.BlobStore`."""
        return await self.bucket.public_object_url(key, seconds, mime_type, disposition)

    async def slot_upload_url(self, staging: str, offset: int, size: int, seconds: int) -> str:
        """See :class:`storage.blobs.base.BlobStore`."""
        handle = StagingHandle.parse(staging)
        return await self.bucket.public_part_url(handle, handle.number(offset), size, seconds)

    async def filled_slots(self, staging: str, first: int, last: int) -> Mapping[int, Collection[tuple[str, int]]]:
        """See :class:`storage.blobs.base.BlobStore`."""
        return await self.bucket.parts(StagingHandle.parse(staging), first, last - first + 1)

    async def delete(self, key: str) -> None:
        """See :class:`storage.blobs.base.BlobStore`."""
        await self.bucket.delete(key)
        await self.records.delete(key)

    async def stat(self, key: str) -> StoredObject:
        """See :class:`storage.blobs.base.BlobStore`."""
        return await self.bucket.head(key)

    def staging_areas(self) -> AsyncIterator[StoredObject]:
        """See :class:`storage.blobs.base.BlobStore`."""
        return self.bucket.multipart_uploads()

    async def blobs(self, prefix: str = "") -> AsyncIterator[StoredObject]:
        """See :class:`storage.blobs.base.BlobStore`."""
        async for item in self.bucket.objects(prefix):
            if not item.key.startswith(RECORDS):
                yield item

    async def was_published(self, key: str) -> bool:
        """See :class:`storage.blobs.base.BlobStore`."""
        return not await self.bucket.awaits_record(key) or await self.records.read(key) is not None

    async def missing_rules(self, days: int, origins: Sequence[str]) -> Sequence[MissingRule]:
        """See :class:`storage.blobs.base.BlobStore`."""
        return await self.bucket.rules.missing(days, origins)

    async def check(self) -> None:
        """See :class:`storage.blobs.base.BlobStore`."""
        await self.bucket.check()

    async def close(self) -> None:
        """See :class:`storage.blobs.base.BlobStore`."""
        self._reader.close()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._connections.close()
        await self._resources.aclose()

    async def _delete_predecessors(self, handle: StagingHandle) -> None:
        """Delete objects that were sealed before their slots were reopened, left by a crashed worker."""
        if handle.key == handle.original:
            return
        async for item in self.bucket.objects(handle.original):
            if handle.follows(item.key):
                await self._delete_unpublished(item.key)

    async def _delete_unpublished(self, key: str) -> None:
        """Delete an object, unless it is missing or may have been published."""
        with suppress(BlobNotFound):
            if not await self.was_published(key):
                await self.bucket.delete(key)

    async def _is_open(self, handle: StagingHandle) -> bool:
        try:
            await self.bucket.parts(handle, limit=1)
        except StagingLost:
            return False
        return True

    async def _run(self, call: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: call(*arguments))
