"""Reports chunks that were sent directly to the server's store, so that the server records them."""

import asyncio

from cloudkeep.client.api.graphql import Json
from cloudkeep.client.errors import RequestRefused, RetryableError
from cloudkeep.client.uploads.uploads import Uploads

UPLOAD_CLOSED = "UPLOAD_CLOSED"
#: The slot has bytes of another sender. The server verifies them with the whole file.
SLOT_CONFLICT = "SLOT_CONFLICT"
#: The store holds other bytes, or none.
CHECKSUM_MISMATCH = "CHECKSUM_MISMATCH"


class UploadClosed(Exception):
    """The upload accepts no more chunks: it is complete, aborted or expired."""


class ChunkReports:
    """Reports of one upload, in batches. Reports made during a batch form the next one."""

    def __init__(self, uploads: Uploads, upload_id: str) -> None:
        self._uploads = uploads
        self._upload_id = upload_id
        self._queue: list[tuple[Json, asyncio.Future[Exception | None]]] = []
        self._lock = asyncio.Lock()

    async def report(self, index: int, etag: str, sha256: str) -> None:
        """Return when the server has recorded the chunk.

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
                # The error of a batch does not name the refused report, and reporting a chunk twice is harmless.
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
                return RetryableError("a chunk was damaged on its way to the store")
            if error.code == UPLOAD_CLOSED:
                return UploadClosed()
            return None if error.code == SLOT_CONFLICT else error
        return None
