"""Computes the CRC-32s that blobs of older versions lack, slowly and one after another.

Every result is stored at once, so that a worker that starts again continues with the next blob.
"""

import logging
from collections.abc import Sequence
from uuid import UUID

from services.core.counters import Counters
from services.drive.zips.errors import ContentLost
from services.maintenance.checksums import crc32_of
from services.maintenance.scrub import ReadThrottle
from storage.blobs import BlobStore
from storage.drive import checksums
from storage.drive.models import Blob
from workers.periodic import PeriodicTask
from workers.worker_membership import WorkerMembership

logger = logging.getLogger("cloudkeep.worker")

#: Between two passes. Only an older version that still runs beside this one stores blobs without a CRC-32.
PASS_SECONDS = 3600.0
#: Bytes read per second: a fifth of what a hard disk can, so that uploads and downloads do not notice.
RATE = 32 * 2**20
PAGE = 100


class ChecksumBackfill:
    """The first of the live workers does it for all of them."""

    def __init__(self, store: BlobStore, membership: WorkerMembership, counters: Counters, rate: float = RATE) -> None:
        self._store = store
        self._membership = membership
        self._counters = counters
        self._throttle = ReadThrottle(rate)
        self._position: UUID | None = None

    def tasks(self) -> Sequence[PeriodicTask]:
        """The periodic task of a worker."""
        return [PeriodicTask(PASS_SECONDS, self.backfill_checksums)]

    async def backfill_checksums(self) -> None:
        """Compute all CRC-32s that are missing, until another worker is the first one."""
        while self._membership.is_first:
            page = await checksums.without_crc32(self._position, PAGE)
            if not page:
                # Blobs that failed are read again in the next pass: an operator may have restored their bytes.
                self._position = None
                return
            for blob in page:
                # A page of large blobs takes hours.
                if not self._membership.is_first:
                    return
                await self._fill_in(blob)
                self._position = blob.id

    async def _fill_in(self, blob: Blob) -> None:
        try:
            await checksums.fill_in(blob.id, await crc32_of(blob, self._store, self._throttle))
            self._counters.checksums_computed += 1
        except (ContentLost, OSError) as error:
            logger.error("no CRC-32 of blob %s: %s", blob.key, error)
