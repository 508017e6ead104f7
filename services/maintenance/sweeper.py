"""The one that owns cleaning up: whatever a crash left of a dead upload is gone within the hour."""

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

#: An upload that died is remembered for so long.
KEPT = timedelta(days=30)
BATCH = 100

logger = logging.getLogger("cloudkeep.sweeper")


class Sweeper:
    """Closes uploads whose time is over and frees the space of dead ones. Any number of them may run at once.

    A dead upload's bytes and receipts go at once. Its own row stays for ``KEPT`` after the time at which it would have
    expired: it tells its owner what became of it.
    """

    def __init__(self, store: BlobStore, uploads: Uploads) -> None:
        self._store = store
        self._uploads = uploads
        self._list_again = 0.0

    async def sweep(self) -> int:
        """Sweep once. Returns how many staging areas were removed that should not have been there any more.

        They are listed no more often than the store wants.
        """
        while await self._uploads.expire():
            pass
        swept = 0
        if time.monotonic() >= self._list_again:
            async for found in dead_staging(self._store):
                swept += await self._remove(self._store.discard(found.staging), found)
            self._list_again = time.monotonic() + self._store.listing_pause
        await self._sweep_rows()
        return swept

    async def sweep_derived(self) -> int:
        """Remove what cut-off compressions left among the blobs, an hour after. Returns how many blobs that were.

        Looks at every derived blob, so this is for once an hour. An original is never removed, whatever the database
        says.
        """
        swept = 0
        async for found in orphans(self._store, DERIVED):
            if is_derived(found):
                swept += await self._remove(self._store.delete(found.key), found)
        return swept

    async def _sweep_rows(self) -> None:
        while found := await purge.dead_with_receipts(BYTES_GONE, BATCH):
            purged = [upload for upload in found if await self._forget_bytes(upload)]
            for upload in purged:
                await purge.receipts(upload)
            if not purged:
                break
        while await purge.uploads(BYTES_GONE, now() - KEPT, BATCH):
            pass

    async def _forget_bytes(self, upload: Upload) -> bool:
        """Whoever ended it may have been killed before he came to its bytes, which may be one object already."""
        left = StoredObject(str(upload.id), 0, upload.expires_at)
        return await self._remove(self._store.discard(upload.staging_area, sealed=True), left, quiet=True)

    async def _remove(self, removal: Awaitable[None], found: StoredObject, *, quiet: bool = False) -> bool:
        try:
            await removal
        except (OSError, StorageError) as error:
            # The others are not to wait for it.
            logger.warning("what is left of %s cannot be removed: %s", found.key, error)
            return False
        if not quiet:
            logger.info("removed what was left of %s: %d bytes", found.key, found.size)
        return True
