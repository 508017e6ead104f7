"""Tells the server of chunks that went past it, straight to its store, and so gets receipts for them."""

import asyncio

from cloudkeep.client.api.graphql import Json
from cloudkeep.client.errors import Refused, TryAgain
from cloudkeep.client.uploads.uploads import Uploads

CLOSED = "UPLOAD_CLOSED"
#: Somebody else's bytes are in the slot, which are compared with those of the whole in the end.
TAKEN = "SLOT_CONFLICT"
#: The store has something else by now, or has lost it.
NOT_THERE = "CHECKSUM_MISMATCH"


class UploadClosed(Exception):
    """The upload takes no more chunks: it is complete, or at its end."""


class Reports:
    """Reports of one upload: whatever waits while one of them is on its way goes together with the next."""

    def __init__(self, uploads: Uploads, upload_id: str) -> None:
        self._uploads = uploads
        self._upload_id = upload_id
        self._waiting: list[tuple[Json, asyncio.Future[Exception | None]]] = []
        self._lock = asyncio.Lock()

    async def tell(self, index: int, etag: str, sha256: str) -> None:
        """Return when there is a receipt.

        Raises :class:`TryAgain` when the chunk has to be sent again, :class:`UploadClosed`, and like
        :class:`cloudkeep.client.uploads.uploads.Uploads`.
        """
        told: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(({"index": index, "etag": etag, "sha256": sha256}, told))
        async with self._lock:
            if not told.done():
                await self._tell_all()
        if error := await told:
            raise error

    async def _tell_all(self) -> None:
        batch, self._waiting = self._waiting, []
        try:
            error = await self._told([report for report, _ in batch])
            for report, told in batch:
                # Which of several was refused only shows when each is told alone; telling twice is harmless.
                outcome = await self._told([report]) if error and len(batch) > 1 else error
                if not told.done():
                    told.set_result(outcome)
        finally:
            self._waiting += [(report, told) for report, told in batch if not told.done()]

    async def _told(self, reports: list[Json]) -> Exception | None:
        try:
            await self._uploads.report(self._upload_id, reports)
        except Refused as error:
            if error.code == NOT_THERE:
                return TryAgain("a chunk did not arrive in the store as it was sent")
            if error.code == CLOSED:
                return UploadClosed()
            return None if error.code == TAKEN else error
        return None
