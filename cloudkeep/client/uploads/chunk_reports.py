"""Reports chunks that were sent straight to the server's store, so that the server gives receipts for them."""

import asyncio

from cloudkeep.client.api.graphql import Json
from cloudkeep.client.errors import RequestRefused, RetryableError
from cloudkeep.client.uploads.uploads import Uploads

UPLOAD_CLOSED = "UPLOAD_CLOSED"
#: The slot holds bytes of another sender. They are verified with the whole file in the end.
SLOT_CONFLICT = "SLOT_CONFLICT"
#: The store holds other bytes, or none.
CHECKSUM_MISMATCH = "CHECKSUM_MISMATCH"


class UploadClosed(Exception):
    """The upload takes no more chunks: it is complete, aborted or expired."""


class ChunkReports:
    """Reports of one upload, in batches: those that come while a batch is under way are the next batch."""

    def __init__(self, uploads: Uploads, upload_id: str) -> None:
        self._uploads = uploads
        self._upload_id = upload_id
        self._queue: list[tuple[Json, asyncio.Future[Exception | None]]] = []
        self._lock = asyncio.Lock()

    async def report(self, index: int, etag: str, sha256: str) -> None:
        """Return when there is a receipt.

        Raises :class:`RetryableError` when the chunk has to be sent again, :class:`UploadClosed`, and as
        :class:`cloudkeep.client.uploads.uploads.Uploads` does.
        """
        outcome: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        self._queue.append(({"index": index, "etag": etag, "sha256": sha256}, outcome))
        async with self._lock:
            if not outcome.done():
                await self._send_queue()
        if error := await outcome:
            raise error

    async def _send_queue(self) -> None:
        batch, self._queue = self._queue, []
        try:
            batch_error = await self._send([report for report, _ in batch])
            for report, outcome in batch:
                # A batch does not say which report was refused, and it is harmless to report a chunk twice.
                error = await self._send([report]) if batch_error and len(batch) > 1 else batch_error
                if not outcome.done():
                    outcome.set_result(error)
        finally:
            self._queue += [(report, outcome) for report, outcome in batch if not outcome.done()]

    async def _send(self, reports: list[Json]) -> Exception | None:
        try:
            await self._uploads.report_chunks(self._upload_id, reports)
        except RequestRefused as error:
            if error.code == CHECKSUM_MISMATCH:
                return RetryableError("a chunk did not arrive in the store as it was sent")
            if error.code == UPLOAD_CLOSED:
                return UploadClosed()
            return None if error.code == SLOT_CONFLICT else error
        return None
