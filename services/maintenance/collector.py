"""Deletes the bytes of released blobs, and the records of deleted files that shared the bytes of another one.

A blob is released when the last version or rendition that named it is deleted. Its bytes stay for the *grace*: until
then they may be used again, downloads and zip files of it go on, and a database that is restored from a copy made
within that time is whole.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from uuid import UUID

from services.core.clock import now
from services.core.counters import Counters
from services.core.pacing import paced
from services.maintenance.garbage import GRACE as UNTIL_ROWS
from storage.blobs import BlobStore
from storage.deletion import collection
from storage.deletion.collection import Position
from storage.drive.models import Blob
from storage.errors import BlobNotFound, StorageError

logger = logging.getLogger("cloudkeep.collector")

#: Blobs of one query. Those of one account are claimed in one transaction.
BATCH = 50
#: Blobs that the store deletes at the same time.
AT_ONCE = 4
RECORDS = 100


class Collector:
    """Deletes what is garbage for longer than the grace. Any number of collectors may run at the same time."""

    def __init__(self, store: BlobStore, grace: timedelta, counters: Counters | None = None) -> None:
        self._store = store
        self._grace = grace
        self._counters = counters or Counters()

    async def collect(self) -> int:
        """Delete everything that is due now. Returns the number of deleted blobs.

        What the store cannot delete at the moment is left for the next call.
        """
        count, position, before = 0, None, now() - self._grace
        while blobs := await collection.released(before, position, BATCH):
            last = blobs[-1]
            assert last.released_at
            position = Position(last.released_at, last.id)
            by_account = sorted(blobs, key=lambda blob: str(blob.account_id))
            for account_id, group in groupby(by_account, key=lambda blob: blob.account_id):
                count += await paced(self._collect(account_id, [blob.id for blob in group], before))
        await self._delete_records()
        return count

    async def _collect(self, account_id: UUID | None, blob_ids: Sequence[UUID], before: datetime) -> int:
        """Delete those of an account's blobs that are still due: bytes and records, then rows. Returns their number."""
        claimed = await collection.claim(account_id, blob_ids, before)
        slots = asyncio.Semaphore(AT_ONCE)

        async def delete(blob: Blob) -> bool:
            async with slots:
                return await self._delete_key(blob.key)

        results = await asyncio.gather(*(delete(blob) for blob in claimed))
        gone = [blob for blob, is_gone in zip(claimed, results, strict=True) if is_gone]
        self._counters.deletion.collected_blobs += len(gone)
        self._counters.deletion.collected_bytes += sum(blob.size for blob in gone)
        return await collection.forget(gone)

    async def _delete_key(self, key: str) -> bool:
        try:
            await self._store.delete(key)
        except (OSError, StorageError) as error:
            # The other deletions continue.
            logger.warning("the bytes of the deleted %s cannot be deleted: %s", key, error)
            return False
        return True

    async def _delete_records(self) -> None:
        """Delete obsolete records, when no process can be about to write one of them any more."""
        while keys := await collection.obsolete_records(now() - UNTIL_ROWS, RECORDS):
            deleted = [key for key in keys if await self._delete_record(key)]
            await collection.forget_records(deleted)
            if len(deleted) < len(keys):
                break

    async def _delete_record(self, key: str) -> bool:
        """Delete a record that has no blob of its own. Bytes that an operator has put there stay, with the record."""
        try:
            await self._store.stat(key)
        except BlobNotFound:
            return await self._delete_key(key)
        except (OSError, StorageError) as error:
            logger.warning("the record of the deleted %s cannot be deleted: %s", key, error)
            return False
        return True
