"""Computes the CRC-32 of blobs that an older version stored without one.

The bytes are compared with their SHA-256 in the same pass: a zip file must not vouch for bytes that have changed.
"""

import asyncio

from services.drive.zips.errors import ContentLost
from services.maintenance.scrub import ReadThrottle
from storage.blobs import BlobStore, ContentHash
from storage.drive.models import Blob
from storage.errors import BlobNotFound


async def crc32_of(blob: Blob, store: BlobStore, throttle: ReadThrottle) -> int:
    """The CRC-32 of a blob's bytes.

    Raises :class:`ContentLost` if they are missing or have changed, and ``OSError`` if they cannot be read.
    """
    content, size = ContentHash(), 0
    try:
        # One byte more than expected: a blob that has grown is damaged.
        async for block in store.read(blob.key, 0, blob.size + 1):
            await asyncio.to_thread(content.update, block)
            size += len(block)
            await throttle.take(len(block))
    except BlobNotFound as error:
        raise ContentLost(f"The bytes of blob {blob.key} are missing.") from error
    if (size, content.sha256) != (blob.size, blob.sha256):
        raise ContentLost(f"The bytes of blob {blob.key} have changed since they were stored.")
    return content.crc32
