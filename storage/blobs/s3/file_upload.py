"""Taking a finished local file over as an object, in parts that can be sent again."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from storage.blobs.base import BLOCK, Part
from storage.blobs.s3.bucket import Bucket
from storage.blobs.s3.connection_pool import Sending, Wire
from storage.blobs.s3.errors import translated
from storage.blobs.s3.staging_handle import MAX_PARTS, Handle
from storage.blobs.s3.threads import to_end
from storage.errors import StagingLost, StoreUnavailable

#: Bytes of a part, unless there would be too many.
PART = 64 * 1024 * 1024
#: Seconds before each further try of a part.
PAUSES = (0.5, 1.0, 2.0, 4.0)


async def put_file(bucket: Bucket, wire: Wire, pool: ThreadPoolExecutor, key: str, source: Path) -> None:
    """Make an object of the file. What is cut off leaves a multipart upload of this key."""
    size = (await asyncio.to_thread(source.stat)).st_size
    step = max(PART, -(-size // MAX_PARTS))
    handle = await bucket.begin(key, step)
    try:
        parts = [
            await _put_part(bucket, wire, pool, handle, source, Part(index, offset, min(step, size - offset), None))
            for index, offset in enumerate(range(0, max(size, 1), step))
        ]
        await _complete(bucket, handle, parts, size)
    except BaseException:
        await asyncio.shield(bucket.abort(handle))
        raise


async def _complete(bucket: Bucket, handle: Handle, parts: Sequence[Part], size: int) -> None:
    try:
        with translated():
            await bucket.complete(handle, parts)
    except StagingLost:
        # It was done, and the answer was lost: the client has asked once more.
        if (await bucket.head(handle.key)).size != size:
            raise


async def _put_part(
    bucket: Bucket, wire: Wire, pool: ThreadPoolExecutor, handle: Handle, source: Path, part: Part
) -> Part:
    for pause in (*PAUSES, None):
        url = await bucket.signed_part(handle, part.index + 1)
        sending = Sending(wire, url, part.size)
        try:
            etag = await to_end(pool, partial(_send, sending, source, part), sending.interrupt)
        except StoreUnavailable:
            if pause is None:
                raise
            await asyncio.sleep(pause)
        else:
            return Part(part.index, part.offset, part.size, etag)
    raise AssertionError


def _send(sending: Sending, source: Path, part: Part) -> str:
    try:
        with source.open("rb", 0) as file:
            file.seek(part.offset)
            left = part.size
            while block := file.read(min(BLOCK, left)):
                sending.send(block)
                left -= len(block)
        return sending.finish()
    finally:
        sending.close()
