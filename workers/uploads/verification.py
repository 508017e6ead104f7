"""Reads an upload's bytes again: compares each chunk with its receipt, and hashes the whole.

Bytes were hashed before they were written; this detects damage by the disk, its cache or a power cut.
"""

import hashlib
from typing import Protocol

from xxhash import xxh3_128

from storage.blobs import BlobStore, ContentHash
from storage.uploads import receipts
from storage.uploads.models import Chunk, Upload


class Hasher(Protocol):
    """The common interface of hashlib and xxhash."""

    def update(self, data: memoryview, /) -> object:
        """Add the next bytes."""
        ...

    def hexdigest(self) -> str:
        """The digest of all bytes, in hex."""
        ...


class Verification:
    """The verification of an upload, from its first slot on. A cancelled call leaves it unchanged."""

    def __init__(self, upload: Upload, store: BlobStore) -> None:
        self._upload = upload
        self._store = store
        self._whole = ContentHash()
        # Identifies the used receipts in one digest, because an upload has up to ten thousand of them.
        self._receipts = _receipts_digest(upload)
        self._error_watch: object | None = None
        self.index = 0
        self.damaged: list[int] = []

    @property
    def done(self) -> int:
        """Bytes verified so far."""
        return min(self._upload.slot_offset(self.index), int(self._upload.size))

    @property
    def sha256(self) -> str:
        """The SHA-256 of the bytes verified so far, in hex. Meaningless if a slot was damaged."""
        return self._whole.sha256

    @property
    def crc32(self) -> int:
        """The CRC-32 of the same bytes."""
        return self._whole.crc32

    async def advance(self, receipt: Chunk | None) -> None:
        """Verify slot ``index`` by its receipt; without one it counts as damaged.

        Raises :class:`storage.errors.BlobNotFound`.
        """
        if self._error_watch is None:
            # What is read may be in memory only: an error of the device must not be forgotten before it is synced.
            self._error_watch = await self._store.watch_errors(self._upload.staging_area)
        whole = self._whole.copy()
        if not receipt or not await self._is_intact(receipt, whole):
            self.damaged.append(self.index)
        self._whole = whole
        if receipt:
            self._receipts.update(_entry(receipt.id, receipt.sha256))
        self.index += 1

    async def holds(self, upload: Upload) -> bool:
        """Whether the verification is still valid: each slot has the same receipt, and its bytes have not moved."""
        current = _receipts_digest(upload)
        for receipt_id, sha256 in await receipts.identities(upload.id, self.index):
            current.update(_entry(receipt_id, sha256))
        return current.digest() == self._receipts.digest()

    async def _is_intact(self, receipt: Chunk, whole: ContentHash) -> bool:
        expected, hasher = _expected(receipt)

        def consume(block: memoryview) -> None:
            hasher.update(block)
            whole.update(block)

        area, offset = self._upload.staging_area, self._upload.slot_offset(receipt.index)
        # Other stores copied the chunk before the whole was sealed.
        if receipt.source and receipt.source_offset is not None and self._store.reads_staging:
            await self._store.copy_in(area, offset, receipt.size, receipt.source, receipt.source_offset)
        await self._store.scan(area, offset, receipt.size, consume)
        await self._store.write_back(area, offset, receipt.size)
        return hasher.hexdigest() == expected


def _receipts_digest(upload: Upload) -> "hashlib._Hash":
    return hashlib.sha256(upload.staging_area.encode())


def _entry(receipt_id: int, sha256: str) -> bytes:
    return f"\n{receipt_id} {sha256}".encode()


def _expected(receipt: Chunk) -> tuple[str, Hasher]:
    """The expected digest of a receipt's bytes, by the fastest algorithm that the receipt has."""
    if receipt.xxh3:
        return receipt.xxh3, xxh3_128()
    return receipt.sha256, hashlib.sha256()
