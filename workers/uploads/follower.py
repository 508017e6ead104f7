"""Verifies uploads while they arrive, so that little work remains after their last chunk.

The position is only in memory and may be lost: reassembly then starts at the first slot. A worker follows the uploads
that it owns (:mod:`workers.worker_membership`) and whose chunks the event log announces; a missed event only costs
time.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from services.core.ids import Prefix, encode
from services.uploads.progress.progress import ChunkArrival, Progress
from storage.blobs import BlobStore
from storage.errors import BlobNotFound
from storage.uploads import receipts
from storage.uploads import uploads as rows
from storage.uploads.models import Upload, UploadStatus
from workers.uploads.verification import Verification
from workers.worker_membership import WorkerMembership

logger = logging.getLogger("cloudkeep.follower")

#: Uploads followed at the same time; of more, the one without a chunk for the longest time is dropped.
MAX_FOLLOWED = 256
#: Uploads read at the same time. Hashing keeps a processor busy, and other processes need processors as well.
CONCURRENT_READS = 2
#: Slots of one upload verified in a row while others wait.
SLOTS_PER_TURN = 8


@dataclass
class _Followed:
    verification: Verification
    task: asyncio.Task[None] | None = None
    has_new_chunks: bool = True


class Follower:
    """Follows the uploads of this worker while their chunks arrive."""

    def __init__(self, store: BlobStore, progress: Progress, membership: WorkerMembership) -> None:
        self._store = store
        self._progress = progress
        self._membership = membership
        self._followed: OrderedDict[UUID, _Followed] = OrderedDict()
        self._reading = asyncio.Semaphore(CONCURRENT_READS)

    async def run(self, on_last: Callable[[], None]) -> None:
        """Follow until cancelled, and call ``on_last`` when the last chunk of an upload has arrived.

        Returns at once if the store cannot read chunks before the last one has arrived. A cancellation stops all
        reading.
        """
        if not self._store.reads_staging:
            return
        try:
            async for arrival in self._progress.arrivals():
                try:
                    await self._on_arrival(arrival, on_last)
                except Exception:
                    logger.exception("%s cannot be followed", encode(Prefix.UPLOAD, arrival.upload_id))
        finally:
            for upload_id in list(self._followed):
                await self._forget(upload_id)

    async def take(self, upload: Upload) -> Verification:
        """Hand over the verification of an upload; an empty one if the upload was not followed.

        It is also empty if another worker has reopened one of its slots: the new bytes are not verified. And it is
        empty if the bytes could not be synced, in any worker: they are then read from the device.
        """
        followed = await self._forget(upload.id)
        reread = await self._store.reread_after_failed_sync(upload.staging_area)
        if followed and not reread and await followed.verification.holds(upload):
            return followed.verification
        return Verification(upload, self._store)

    async def _on_arrival(self, arrival: ChunkArrival, on_last: Callable[[], None]) -> None:
        upload_id = arrival.upload_id
        if not self._membership.owns(upload_id):
            await self._forget(upload_id)
        elif arrival.last:
            on_last()
        else:
            await self._continue(upload_id)

    async def _continue(self, upload_id: UUID) -> None:
        followed = self._followed.get(upload_id) or await self._begin(upload_id)
        if not followed:
            return
        self._followed.move_to_end(upload_id)
        followed.has_new_chunks = True
        if not followed.task or followed.task.done():
            followed.task = asyncio.create_task(self._follow(upload_id, followed))

    async def _begin(self, upload_id: UUID) -> _Followed | None:
        upload = await rows.find(upload_id)
        if not upload or upload.status is not UploadStatus.RECEIVING:
            return None
        if len(self._followed) >= MAX_FOLLOWED:
            await self._forget(next(iter(self._followed)))
        self._followed[upload_id] = followed = _Followed(Verification(upload, self._store))
        return followed

    async def _follow(self, upload_id: UUID, followed: _Followed) -> None:
        try:
            while followed.has_new_chunks:
                followed.has_new_chunks = False
                async with self._reading:
                    more = await self._take_turn(upload_id, followed.verification)
                followed.has_new_chunks = followed.has_new_chunks or more
        except BlobNotFound:
            # The upload was aborted, expired or published meanwhile.
            self._followed.pop(upload_id, None)
        except Exception:
            logger.exception("%s is no longer followed", encode(Prefix.UPLOAD, upload_id))
            self._followed.pop(upload_id, None)

    async def _take_turn(self, upload_id: UUID, verification: Verification) -> bool:
        """Verify up to ``SLOTS_PER_TURN`` slots. Returns whether there may be more."""
        batch = await receipts.find_all(upload_id, verification.index, SLOTS_PER_TURN)
        for receipt in batch:
            if receipt.index != verification.index:
                return False
            await verification.advance(receipt)
        return len(batch) == SLOTS_PER_TURN

    async def _forget(self, upload_id: UUID) -> _Followed | None:
        followed = self._followed.pop(upload_id, None)
        if followed and followed.task:
            followed.task.cancel()
            await asyncio.wait({followed.task})
        return followed
