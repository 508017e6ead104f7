"""Blob stores, chosen by URL."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from storage.blobs.base import BLOCK, Accept, BlobStore, Buffer, Digests, Part, Reopened, SlotWriter, StoredObject
from storage.blobs.local import LocalBlobStore
from storage.blobs.room import demand_room

__all__ = [
    "BLOCK",
    "Accept",
    "BlobStore",
    "Buffer",
    "Digests",
    "LocalBlobStore",
    "Part",
    "Reopened",
    "SlotWriter",
    "StoredObject",
    "demand_room",
    "open_blob_store",
]


def open_blob_store(url: str, reserve: int | None = None) -> BlobStore:
    """The store behind ``file:///absolute/folder``. ``reserve`` bytes stay free of new uploads; None leaves it to it.

    Raises :class:`ValueError` for another scheme.
    """
    parts = urlsplit(url)
    if parts.scheme != "file":
        raise ValueError(f"no blob store for scheme {parts.scheme!r}")
    return LocalBlobStore(Path(unquote(parts.path)), reserve)
