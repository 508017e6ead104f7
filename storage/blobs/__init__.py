"""Blob stores, chosen by URL."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from storage.blobs.base import (
    BLOCK,
    Accept,
    BlobStore,
    Buffer,
    Digests,
    Part,
    ReopenedStaging,
    SlotWriter,
    StoredObject,
)
from storage.blobs.disk_space import require_free_space
from storage.blobs.local.store import LocalBlobStore
from storage.blobs.slot_locks import SlotLocks

__all__ = [
    "BLOCK",
    "NO_OPTIONS",
    "Accept",
    "BlobStore",
    "Buffer",
    "Digests",
    "LocalBlobStore",
    "Part",
    "ReopenedStaging",
    "S3Options",
    "SlotLocks",
    "SlotWriter",
    "StoredObject",
    "open_blob_store",
    "require_free_space",
]


@dataclass(frozen=True)
class S3Options:
    """What an S3 store needs beside its URL; a local one needs none of it.

    Without an access key, the usual chain of AWS is asked. ``public_endpoint`` is where clients reach S3, where that is
    another address than ours. ``scratch`` is a folder for blobs that a program needs as a file. ``slot_locks`` are
    shared by all processes; without them, slots are locked in this process alone.
    """

    access_key: str | None = None
    secret_key: str | None = None
    public_endpoint: str | None = None
    scratch: Path | None = None
    slot_locks: SlotLocks | None = None


NO_OPTIONS = S3Options()


async def open_blob_store(url: str, reserve: int | None = None, options: S3Options = NO_OPTIONS) -> BlobStore:
    """The store behind ``file:///absolute/folder`` or an ``s3:`` URL (:mod:`storage.blobs.s3.url`).

    ``reserve`` bytes of its disk stay free of new uploads; None leaves it to it. Raises :class:`ValueError` for another
    scheme or a URL that cannot be used.
    """
    parts = urlsplit(url)
    if parts.scheme == "file":
        return LocalBlobStore(Path(unquote(parts.path)), reserve)
    if parts.scheme != "s3":
        raise ValueError(f"no blob store for scheme {parts.scheme!r}")
    # The client of S3 takes a second to load.
    from storage.blobs.s3.factory import S3Keys, open_s3

    keys = S3Keys(options.access_key, options.secret_key, options.public_endpoint)
    return await open_s3(url, keys, options.scratch, reserve, options.slot_locks)
