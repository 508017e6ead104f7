"""Deletes the bytes of expired and aborted uploads, and what crashes left behind, within an hour."""

import logging
import time
from collections.abc import Awaitable
from datetime import timedelta

from services.core.clock import now
from services.core.pacing import paced
from services.maintenance.garbage import dead_staging, derived_orphans
from services.uploads.lifecycle import BYTES_GONE
from services.uploads.uploads import Uploads
from storage.blobs import BlobStore, StoredObject
from storage.errors import StorageError
from storage.uploads import purge
from storage.uploads.models import Upload

#: The time for which the row of a dead upload is kept.
RETENTION = timedelta(days=30)
BATCH = 100

logger = logging.getLogger("cloudkeep.sweeper")


class Sweeper:
    """Closes expired uploads and frees the space of dead ones. Any number of sweepers may run at the same time.

    A dead upload's bytes and receipts are deleted at once. Its row stays for ``RETENTION`` after the time of its
    expiry, to show its owner the result.
    """

    def __init__(self, store: BlobStore, uploads: Uploads) -> None:
        self._store = store
        self._uploads = uploads
        self._list_again = 0.0

    async def sweep(self) -> int:
        """Sweep once. Returns the number of deleted staging areas.

        These are listed only as often as the store allows.
        """
        while await self._uploads.expire():
            pass
        swept = 0
        if time.monotonic() >= self._list_again:
            async for staging in dead_staging(self._store):
                swept += await self._remove(self._store.discard(staging.staging), staging)
            self._list_again = time.monotonic() + self._store.listing_pause
        await self._sweep_rows()
        return swept

    async def sweep_derived(self) -> int:
        """Delete the blobs that interrupted compressions left, after an hour. Returns their number.

        Lists every derived blob, so call it once an hour. An original is never deleted, whatever the database says.
        """
        swept = 0
        async for blob in derived_orphans(self._store):
            swept += await self._remove(self._store.delete(blob.key), blob)
        return swept

    async def _sweep_rows(self) -> None:
        while uploads := await purge.dead_with_receipts(BYTES_GONE, BATCH):
            purged = [upload for upload in uploads if await self._delete_bytes(upload)]
            for upload in purged:
                await paced(purge.receipts(upload))
            if not purged:
                break
        while await paced(purge.uploads(BYTES_GONE, now() - RETENTION, BATCH)):
            pass

    async def _delete_bytes(self, upload: Upload) -> bool:
        """Delete bytes that a crashed process left when it ended the upload. They may already be sealed."""
        leftover = StoredObject(str(upload.id), 0, upload.expires_at)
        return await self._remove(self._store.discard(upload.staging_area, sealed=True), leftover, quiet=True)

    async def _remove(self, removal: Awaitable[None], item: StoredObject, *, quiet: bool = False) -> bool:
        try:
            await removal
        except (OSError, StorageError) as error:
            # The other deletions continue.
            logger.warning("the bytes of %s cannot be deleted: %s", item.key, error)
            return False
        if not quiet:
            logger.info("deleted abandoned bytes of %s: %d bytes", item.key, item.size)
        return True
