"""Uploads a local file as an object, in parts that can be sent again."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from storage.blobs.base import BLOCK, Part
from storage.blobs.s3.bucket import Bucket
from storage.blobs.s3.connection_pool import ConnectionPool
from storage.blobs.s3.errors import translate_errors
from storage.blobs.s3.requests import UploadRequest, run_on_thread
from storage.blobs.s3.staging_handle import MAX_PARTS, StagingHandle
from storage.errors import StagingLost, StoreUnavailable

#: Bytes of a part, unless there would be too many parts.
PART_SIZE = 64 * 1024 * 1024
#: Seconds before each retry of a part.
PAUSES = (0.5, 1.0, 2.0, 4.0)


async def upload_file(
    bucket: Bucket, connections: ConnectionPool, pool: ThreadPoolExecutor, key: str, source: Path
) -> None:
    """Upload the file as an object. An interrupted upload leaves a multipart upload with this key."""
    size = (await asyncio.to_thread(source.stat)).st_size
    step = max(PART_SIZE, -(-size // MAX_PARTS))
    handle = await bucket.create_multipart(key, step, is_blob=True)
    try:
        parts = [
            await _upload_part(
                bucket, connections, pool, handle, source, Part(index, offset, min(step, size - offset), None)
            )
            for index, offset in enumerate(range(0, max(size, 1), step))
        ]
        await _complete(bucket, handle, parts, size)
    except BaseException:
        await asyncio.shield(bucket.abort_multipart(handle))
        raise


async def _complete(bucket: Bucket, handle: StagingHandle, parts: Sequence[Part], size: int) -> None:
    try:
        with translate_errors():
            await bucket.complete_multipart(handle, parts)
    except StagingLost:
        # The upload is complete, but the response was lost and the client repeated its request.
        if (await bucket.head(handle.key)).size != size:
            raise


async def _upload_part(
    bucket: Bucket,
    connections: ConnectionPool,
    pool: ThreadPoolExecutor,
    handle: StagingHandle,
    source: Path,
    part: Part,
) -> Part:
    for pause in (*PAUSES, None):
        url = await bucket.part_url(handle, part.index + 1)
        request = UploadRequest(connections, url, part.size)
        try:
            etag = await run_on_thread(pool, partial(_send, request, source, part), request.interrupt)
        except StoreUnavailable:
            if pause is None:
                raise
            await asyncio.sleep(pause)
        else:
            return Part(part.index, part.offset, part.size, etag)
    raise AssertionError


def _send(request: UploadRequest, source: Path, part: Part) -> str:
    try:
        with source.open("rb", 0) as file:
            file.seek(part.offset)
            remaining = part.size
            while block := file.read(min(BLOCK, remaining)):
                request.send(block)
                remaining -= len(block)
        return request.finish()
    finally:
        request.close()
