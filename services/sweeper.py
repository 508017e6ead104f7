"""The one that owns cleaning up: whatever a crash left of a dead upload is gone within the hour."""

import logging

from services.leftovers import dead_staging
from services.uploads import Uploads
from storage.blobs import BlobStore, StoredObject
from storage.errors import StorageError

logger = logging.getLogger("cloudkeep.sweeper")


class Sweeper:
    """Closes uploads whose time is over and frees the space of dead ones. Any number of them may run at once.

    An upload's row stays: it tells its owner what became of it.
    """

    def __init__(self, store: BlobStore, uploads: Uploads) -> None:
        self._store = store
        self._uploads = uploads

    async def sweep(self) -> int:
        """Sweep once. Returns how many staging areas were removed that should not have been there any more."""
        while await self._uploads.expire():
            pass
        swept = 0
        async for found in dead_staging(self._store):
            swept += await self._remove(found)
        return swept

    async def _remove(self, found: StoredObject) -> bool:
        try:
            await self._store.discard(found.key)
        except (OSError, StorageError) as error:
            # The others are not to wait for it.
            logger.warning("what is left of %s cannot be removed: %s", found.key, error)
            return False
        logger.info("removed what was left of %s: %d bytes", found.key, found.size)
        return True
