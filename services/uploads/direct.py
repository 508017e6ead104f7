"""Direct uploads: clients send chunks straight to the store by signed URLs, and report them to get receipts.

A report is accepted only if the store has a part with this ETag and the slot's size. Its SHA-256 is stored with the
receipt, and compared when the bytes are read, before a file appears.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from services.core import validation
from services.core.clock import host_now, now
from services.core.errors import ExpectedError, InvalidInput
from services.uploads.errors import ChecksumMismatch, SlotConflict, UploadClosed
from services.uploads.ingest import Ingest
from services.uploads.types import Report
from services.uploads.uploads import Uploads
from storage.blobs import BlobStore
from storage.errors import StagingLost, StateChanged, StoreUnavailable
from storage.uploads import receipts
from storage.uploads.models import Upload, UploadStatus
from storage.uploads.receipts import ReportedChunk

#: Long enough to send all chunks of a page of slots over a slow connection.
URL_LIFETIME = timedelta(hours=1)
MAX_REPORTS = 1_000

StoredParts = Mapping[int, Collection[tuple[str, int]]]


class DirectSlots:
    """URLs and reports for uploads that are ``direct``."""

    def __init__(self, store: BlobStore, uploads: Uploads, ingest: Ingest) -> None:
        self._store = store
        self._uploads = uploads
        self._ingest = ingest

    async def url(self, upload: Upload, index: int) -> str:
        """The URL for a PUT of the slot's bytes, valid until :func:`expires_at`."""
        seconds = int(URL_LIFETIME.total_seconds())
        return await self._store.slot_upload_url(
            upload.staging_area, upload.slot_offset(index), upload.slot_size(index), seconds
        )

    async def report(self, upload: Upload, reports: Sequence[Report]) -> tuple[Upload, list[ExpectedError]]:
        """Store receipts for the chunks that the store has, and return errors for the others. Can be repeated.

        Raises :class:`InvalidInput` and :class:`UploadClosed`.
        """
        if not upload.direct:
            raise InvalidInput(
                "This upload is not direct: send its chunks to the URLs of its slots, which return a receipt at once."
            )
        if not 1 <= len(reports) <= MAX_REPORTS:
            raise InvalidInput(f"Report 1 to {MAX_REPORTS} chunks at a time.")
        if upload.is_full:
            return upload, []
        if upload.status is not UploadStatus.RECEIVING or upload.expires_at < now():
            raise UploadClosed(f"The upload accepts no more chunks: it is {upload.status.value}.")
        confirmed, errors = await self._compare(upload, reports)
        if confirmed:
            errors += await self._accept(upload, confirmed)
        return await self._uploads.reload(upload), errors

    async def _compare(
        self, upload: Upload, reports: Sequence[Report]
    ) -> tuple[dict[int, ReportedChunk], list[ExpectedError]]:
        """The reports that the store confirms, by their position, and errors for the others."""
        indexes = [report.index for report in reports if 0 <= report.index < upload.chunk_count]
        parts = await self._stored_parts(upload, indexes) if indexes else {}
        confirmed: dict[int, ReportedChunk] = {}
        errors: list[ExpectedError] = []
        for position, report in enumerate(reports):
            try:
                confirmed[position] = _confirm(upload, report, parts, f"chunks.{position}")
            except ExpectedError as error:
                errors.append(error)
        return confirmed, errors

    async def _stored_parts(self, upload: Upload, indexes: Collection[int]) -> StoredParts:
        try:
            return await self._store.filled_slots(upload.staging_area, min(indexes), max(indexes))
        except StagingLost as error:
            if not await self._ingest.reopen_all_slots(upload):
                raise StoreUnavailable("the store contradicts itself about which parts it has") from error
            raise UploadClosed(
                "The store has lost its chunks, and every slot is open again. Send all chunks again."
            ) from error

    async def _accept(self, upload: Upload, chunks: Mapping[int, ReportedChunk]) -> list[ExpectedError]:
        try:
            accepted, existing = await receipts.add_reported(
                upload, list(chunks.values()), now(), now() + self._ingest.lifetime
            )
        except StateChanged as error:
            raise UploadClosed("The upload has ended in the meantime.") from error
        await self._ingest.publish_receipts(upload, accepted)
        return [
            SlotConflict("This slot already holds a chunk with other bytes.", field=f"chunks.{position}")
            for position, chunk in chunks.items()
            if existing.get(chunk.index, chunk.etag) != chunk.etag
        ]


def expires_at() -> datetime:
    """The expiry of a URL that is signed now."""
    return host_now() + URL_LIFETIME


def _confirm(upload: Upload, report: Report, parts: StoredParts, field: str) -> ReportedChunk:
    if not 0 <= report.index < upload.chunk_count:
        raise InvalidInput(f"There is no slot {report.index}.", field=f"{field}.index")
    sha256 = validation.sha256(report.sha256, field=f"{field}.sha256")
    size, etag = upload.slot_size(report.index), report.etag.strip().strip('"')
    if (etag, size) not in parts.get(report.index, ()):
        raise ChecksumMismatch("The store has no such bytes in this slot. Send the chunk again.", field=field)
    return ReportedChunk(report.index, size, sha256, etag)
