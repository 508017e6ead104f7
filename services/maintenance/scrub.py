"""Reads every stored blob again and compares it with its digest, because disks lose bytes without an error."""

import asyncio
import hashlib
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from services.maintenance.doctor import used_by
from services.maintenance.pages import pages
from storage.blobs import BlobStore
from storage.drive.models import Blob
from storage.errors import BlobNotFound
from storage.uploads import consistency

#: Seconds of reading that may be made up in a burst after a slow disk or a sleep of the machine.
MAX_BURST_SECONDS = 1.0


class Damage(StrEnum):
    """The kinds of damage to stored bytes."""

    MISSING = "BLOB_MISSING"
    UNREADABLE = "BLOB_UNREADABLE"
    SIZE = "BLOB_SIZE"
    CHANGED = "BLOB_CHANGED"


@dataclass(frozen=True)
class Verdict:
    """The result for one blob, of which ``size`` bytes were read. ``damage`` is None if they are intact."""

    blob_id: UUID
    key: str
    size: int
    damage: Damage | None = None
    text: str = ""


class ReadThrottle:
    """Limits reading to ``rate`` bytes per second, on average."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._free_at = time.monotonic()

    async def take(self, count: int) -> None:
        """Wait until this many bytes may have been read."""
        moment = time.monotonic()
        self._free_at = max(self._free_at, moment - MAX_BURST_SECONDS) + count / self._rate
        await asyncio.sleep(max(0.0, self._free_at - moment))


class Scrubber:
    """Verifies blobs one after another. Changes nothing; safe beside a running server."""

    def __init__(self, store: BlobStore, rate: float) -> None:
        self._store = store
        self._throttle = ReadThrottle(rate)

    async def scrub(self, after: UUID | None = None) -> AsyncGenerator[Verdict, None]:
        """A verdict on every blob stored after ``after``, the oldest first."""
        async for page in pages(consistency.blobs, after):
            for blob in page:
                yield await self._verified(blob)

    async def _verified(self, blob: Blob) -> Verdict:
        digest, size = hashlib.sha256(), 0
        try:
            # One byte more than expected: a blob that has grown is damaged.
            async for block in self._store.read(blob.key, 0, blob.size + 1):
                await asyncio.to_thread(digest.update, block)
                size += len(block)
                await self._throttle.take(len(block))
        except BlobNotFound:
            return await _damaged(blob, size, Damage.MISSING, "is missing")
        except OSError as error:
            return await _damaged(blob, size, Damage.UNREADABLE, f"cannot be read: {error.strerror}")
        if size != blob.size:
            return await _damaged(blob, size, Damage.SIZE, f"does not have its {blob.size} bytes")
        if digest.hexdigest() != blob.sha256:
            return await _damaged(blob, size, Damage.CHANGED, "has bytes other than those that were stored")
        return Verdict(blob.id, blob.key, size)


async def _damaged(blob: Blob, size: int, damage: Damage, description: str) -> Verdict:
    return Verdict(blob.id, blob.key, size, damage, f"{await used_by(blob)} {description}")
