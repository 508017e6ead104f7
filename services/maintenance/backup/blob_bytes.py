"""Reads the bytes of a blob from a store or a file, and saves and compares them with the blob's SHA-256."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, suppress
from pathlib import Path
from typing import BinaryIO

from storage.blobs import BLOCK, BlobStore
from storage.cancellation import run_to_end
from storage.database.backup import BlobEntry
from storage.durable_files import open_private
from storage.errors import BlobNotFound

#: Called with the number of bytes after each block.
OnBytes = Callable[[int], None]


class BlobDamaged(Exception):
    """The bytes of a blob are missing, unreadable or not those that were stored. ``str(error)`` says which."""


async def from_store(store: BlobStore, entry: BlobEntry) -> AsyncIterator[bytes]:
    """The bytes in a store. Raises :class:`BlobDamaged`, and :class:`storage.errors.StoreUnavailable`."""
    try:
        # One byte more than expected: a blob that has grown is damaged.
        async for block in store.read(entry.key, 0, entry.size + 1):
            yield block
    except BlobNotFound:
        raise BlobDamaged("is missing") from None
    except OSError as error:
        raise BlobDamaged(f"cannot be read: {error.strerror}") from None


async def from_file(path: Path) -> AsyncIterator[bytes]:
    """The bytes in a file. Raises :class:`BlobDamaged`."""
    try:
        with await asyncio.to_thread(path.open, "rb", 0) as file:
            while block := await asyncio.to_thread(file.read, BLOCK):
                yield block
    except FileNotFoundError:
        raise BlobDamaged("is missing") from None
    except OSError as error:
        raise BlobDamaged(f"cannot be read: {error.strerror}") from None


async def verify(blocks: AsyncIterator[bytes], entry: BlobEntry, on_bytes: OnBytes) -> None:
    """Read all bytes and compare them. Raises :class:`BlobDamaged`."""
    digest = hashlib.sha256()
    await _consume(blocks, entry, digest.update, on_bytes)
    _compare(entry, digest.hexdigest())


async def save(blocks: AsyncIterator[bytes], entry: BlobEntry, draft: Path, on_bytes: OnBytes) -> None:
    """Write all bytes durably into a new file, and compare them. Without success the file is deleted.

    Raises :class:`BlobDamaged`, and OSError if the file cannot be written.
    """
    digest = hashlib.sha256()
    try:
        with open_private(draft) as file:
            await _consume(blocks, entry, lambda block: _append(file, digest.update, block), on_bytes)
            await asyncio.to_thread(_flush, file)
        _compare(entry, digest.hexdigest())
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(draft)
        raise


async def _consume(
    blocks: AsyncIterator[bytes], entry: BlobEntry, take: Callable[[bytes], object], on_bytes: OnBytes
) -> None:
    size = 0
    async with aclosing(blocks):  # type: ignore[type-var]
        async for block in blocks:
            # Finished before the file is closed, also when this is cancelled.
            await run_to_end(asyncio.to_thread(take, block))
            size += len(block)
            on_bytes(len(block))
    if size != entry.size:
        raise BlobDamaged(f"does not have its {entry.size} bytes")


def _append(file: BinaryIO, update: Callable[[bytes], None], block: bytes) -> None:
    update(block)
    file.write(block)


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _compare(entry: BlobEntry, sha256: str) -> None:
    if sha256 != entry.sha256:
        raise BlobDamaged("has bytes other than those that were stored")
