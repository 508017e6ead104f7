"""Deletes expired and aborted uploads, and what a crash left of them, within the hour."""

import logging
import time
from collections.abc import Awaitable
from datetime import timedelta

from services.core.clock import now
from services.maintenance.garbage import DERIVED, dead_staging, is_derived, orphans
from services.uploads.lifecycle import BYTES_GONE
from services.uploads.uploads import Uploads
from storage.blobs import BlobStore, StoredObject
from storage.errors import StorageError
from storage.uploads import purge
from storage.uploads.models import Upload

#: How long the row of a dead upload is kept.
RETENTION = timedelta(days=30)
BATCH = 100

logger = logging.getLogger("cloudkeep.sweeper")


class Sweeper:
    """Closes uploads whose time is over and frees the space of dead ones. Any number of them may run at once.

    A dead upload's bytes and receipts go at once. Its own row stays for ``RETENTION`` after the time at which it would
    have expired: it shows its owner the result.
    """

    def __init__(self, store: BlobStore, uploads: Uploads) -> None:
        self._store = store
        self._uploads = uploads
        self._list_again = 0.0

    async def sweep(self) -> int:
        """Sweep once. Returns how many abandoned staging areas were removed.

        They are listed no more often than the store allows.
        """
        while await self._uploads.expire():
            pass
        swept = 0
        if time.monotonic() >= self._list_again:
            async for stored in dead_staging(self._store):
                swept += await self._remove(self._store.discard(stored.staging), stored)
            self._list_again = time.monotonic() + self._store.listing_pause
        await self._sweep_rows()
        return swept

    async def sweep_derived(self) -> int:
        """Remove what interrupted compressions left among the blobs, after an hour. Returns how many blobs that were.

        Lists every derived blob, so call it once an hour. An original is never removed, whatever the database says.
        """
        swept = 0
        async for stored in orphans(self._store, DERIVED):
            if is_derived(stored):
                swept += await self._remove(self._store.delete(stored.key), stored)
        return swept

    async def _sweep_rows(self) -> None:
        while stored := await purge.dead_with_receipts(BYTES_GONE, BATCH):
            purged = [upload for upload in stored if await self._delete_bytes(upload)]
            for upload in purged:
                await purge.receipts(upload)
            if not purged:
                break
        while await purge.uploads(BYTES_GONE, now() - RETENTION, BATCH):
            pass

    async def _delete_bytes(self, upload: Upload) -> bool:
        """Delete bytes that a crashed process left when it ended the upload; they may be sealed already."""
        leftover = StoredObject(str(upload.id), 0, upload.expires_at)
        return await self._remove(self._store.discard(upload.staging_area, sealed=True), leftover, quiet=True)

    async def _remove(self, removal: Awaitable[None], stored: StoredObject, *, quiet: bool = False) -> bool:
        try:
            await removal
        except (OSError, StorageError) as error:
            # The other removals go on.
            logger.warning("what is left of %s cannot be removed: %s", stored.key, error)
            return False
        if not quiet:
            logger.info("removed what was left of %s: %d bytes", stored.key, stored.size)
        return True
