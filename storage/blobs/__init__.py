"""Blob stores, chosen by URL."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from storage.blobs.base import (
    BLOCK,
    Accept,
    BlobStore,
    BlockSize,
    Buffer,
    Digests,
    Part,
    ReopenedStaging,
    SlotWriter,
    StoredObject,
    largest_block,
)
from storage.blobs.disk_space import require_free_space
from storage.blobs.hashing import ContentHash
from storage.blobs.local.store import LocalBlobStore
from storage.blobs.s3.url import NO_OPTIONS, S3Options
from storage.blobs.slot_locks import SlotLocks

__all__ = [
    "BLOCK",
    "NO_OPTIONS",
    "Accept",
    "BlobStore",
    "BlockSize",
    "Buffer",
    "ContentHash",
    "Digests",
    "LocalBlobStore",
    "Part",
    "ReopenedStaging",
    "S3Options",
    "SlotLocks",
    "SlotWriter",
    "StoredObject",
    "largest_block",
    "open_blob_store",
    "require_free_space",
]


async def open_blob_store(url: str, reserve: int | None = None, options: S3Options = NO_OPTIONS) -> BlobStore:
    """The store behind ``file:///absolute/folder`` or an ``s3:`` URL (:mod:`storage.blobs.s3.url`).

    New uploads leave ``reserve`` bytes of its disk free; None is a default that suits the disk. Raises
    :class:`ValueError` for another scheme or a URL that cannot be used.
    """
    parts = urlsplit(url)
    if parts.scheme == "file":
        return LocalBlobStore(Path(unquote(parts.path)), reserve)
    if parts.scheme != "s3":
        raise ValueError(f"no blob store for scheme {parts.scheme!r}")
    # The client of S3 takes a second to load.
    from storage.blobs.s3.factory import open_s3_store

    return await open_s3_store(url, options, reserve)
