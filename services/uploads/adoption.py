"""Finds published bytes of uploads that the database does not know as published, because it is an older copy.

Such an upload is not closed: the bytes may be the only copy of its file. It is *adopted* instead: a worker, or
``cloudkeep doctor``, compares the bytes with their record and stores the file.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from services.core.clock import now
from services.core.ids import Prefix, encode
from services.uploads.published_record import PublishedRecord, read_record, write_record
from storage.blobs import BlobStore, ContentHash
from storage.errors import BlobNotFound
from storage.uploads import adoption as rows
from storage.uploads.models import Upload, UploadStatus

logger = logging.getLogger("cloudkeep.adoption")

#: The statuses of uploads whose published bytes are adopted. One that its owner has aborted stays aborted; the others
#: have a file, or a job that looks for the bytes itself.
ADOPTABLE = frozenset({UploadStatus.RECEIVING, UploadStatus.EXPIRED, UploadStatus.FAILED})

#: Called with the bytes that were read so far.
Report = Callable[[int], Awaitable[None]]


@dataclass(frozen=True)
class PublishedBlob:
    """A blob and its record."""

    key: str
    record: PublishedRecord


async def find_published(upload: Upload, store: BlobStore) -> PublishedBlob | None:
    """The blob that was published for this upload, if there is one of its size. Its bytes are not read."""
    for key in await store.records.keys(upload.staging_area):
        record = await read_record(store, key)
        if record and describes(record, upload) and await has_size(store, key, record.size):
            return PublishedBlob(key, record)
    return None


async def adopt_later(upload: Upload, store: BlobStore) -> bool:
    """Let a worker adopt the published bytes of an upload. False if there are none, or if the upload has changed.

    Call it before an upload is closed or its slots are opened again.
    """
    if upload.status not in ADOPTABLE or not await find_published(upload, store):
        return False
    if not await rows.queue(upload, now()):
        return False
    logger.warning(
        "the bytes of %s were published, although it was %s: the database is an older copy",
        encode(Prefix.UPLOAD, upload.id),
        upload.status.value,
    )
    return True


async def check_bytes(blob: PublishedBlob, store: BlobStore, report: Report | None = None) -> PublishedBlob | None:
    """Make a blob durable, read its bytes, and compare them with its record; damage is noted in the record.

    Returns the blob with the CRC-32 of its bytes, which an older record lacks, or None if they have changed. Raises
    :class:`BlobNotFound`, and ``OSError`` if they cannot be read.
    """
    await store.make_durable(blob.key)
    size, content = 0, ContentHash()
    async for block in store.read(blob.key, 0, blob.record.size + 1):
        await asyncio.to_thread(content.update, block)
        size += len(block)
        if report:
            await report(size)
    if size == blob.record.size and content.sha256 == blob.record.sha256:
        return replace(blob, record=replace(blob.record, crc32=content.crc32))
    logger.error("the published bytes of %s have changed; they are kept", blob.key)
    await write_record(store, blob.key, replace(blob.record, damaged=True))
    return None


def describes(record: PublishedRecord, upload: Upload) -> bool:
    """Whether this is the record of intact bytes of this upload, and of the file that its client declared."""
    is_same = (record.upload_id, record.account_id, record.size) == (upload.id, upload.account_id, upload.size)
    return is_same and not record.damaged and not record.is_shared and upload.sha256 in {None, record.sha256}


async def has_size(store: BlobStore, key: str, size: int) -> bool:
    """Whether there is a blob with this key and size."""
    try:
        return (await store.stat(key)).size == size
    except BlobNotFound:
        return False
