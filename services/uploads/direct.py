"""Slots that clients fill past us: signed URLs of the store, and receipts for what they report.

A report is believed only as far as the store has a part with this ETag and the slot's size. The SHA-256 it declares is
stored with the receipt and compared when the bytes are read back, before a file appears.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.core import validation
from services.core.clock import now
from services.core.errors import ExpectedError, InvalidInput
from services.uploads.errors import ChecksumMismatch, SlotConflict, UploadClosed
from services.uploads.ingest import Ingest
from services.uploads.uploads import Uploads
from storage.blobs import BlobStore
from storage.errors import StagingLost, StateChanged, StoreUnavailable
from storage.uploads import receipts
from storage.uploads.models import Upload, UploadStatus
from storage.uploads.receipts import Reported

#: Long enough for a chunk on a slow line, and for the others of its page before it.
URL_LIFETIME = timedelta(hours=1)
MOST_REPORTED = 1_000

There = Mapping[int, Collection[tuple[str, int]]]


@dataclass(frozen=True)
class Report:
    """What a client says that it has put into a slot."""

    index: int
    etag: str
    sha256: str


class DirectSlots:
    """Slots of uploads that are ``direct``."""

    def __init__(self, store: BlobStore, uploads: Uploads, ingest: Ingest) -> None:
        self._store = store
        self._uploads = uploads
        self._ingest = ingest

    async def url(self, upload: Upload, index: int) -> str:
        """Where the slot's bytes go, by PUT; until :func:`expires_at`."""
        seconds = int(URL_LIFETIME.total_seconds())
        return await self._store.slot_upload_url(
            upload.staging_area, upload.slot_offset(index), upload.slot_size(index), seconds
        )

    async def report(self, upload: Upload, reports: Sequence[Report]) -> tuple[Upload, list[ExpectedError]]:
        """Give receipts for what is there, and say of the rest what is wrong with it; doing it twice is harmless.

        Raises :class:`InvalidInput` and :class:`UploadClosed`.
        """
        if not upload.direct:
            raise InvalidInput("This upload takes its chunks by the URLs of its slots, which give a receipt at once.")
        if not 1 <= len(reports) <= MOST_REPORTED:
            raise InvalidInput(f"Report 1 to {MOST_REPORTED} chunks at once.")
        if upload.is_full:
            return upload, []
        if upload.status is not UploadStatus.RECEIVING or upload.expires_at < now():
            raise UploadClosed(f"The upload takes no more chunks: it is {upload.status.value}.")
        good, refused = await self._compared(upload, reports)
        if good:
            refused += await self._accept(upload, good)
        return await self._uploads.reload(upload), refused

    async def _compared(
        self, upload: Upload, reports: Sequence[Report]
    ) -> tuple[dict[int, Reported], list[ExpectedError]]:
        """What the store has as it was reported, by its place in the report."""
        indexes = [report.index for report in reports if 0 <= report.index < upload.chunk_count]
        there = await self._there(upload, indexes) if indexes else {}
        good: dict[int, Reported] = {}
        refused: list[ExpectedError] = []
        for place, report in enumerate(reports):
            try:
                good[place] = _checked(upload, report, there, f"chunks.{place}")
            except ExpectedError as error:
                refused.append(error)
        return good, refused

    async def _there(self, upload: Upload, indexes: Collection[int]) -> There:
        try:
            return await self._store.filled_slots(upload.staging_area, min(indexes), max(indexes))
        except StagingLost as error:
            if not await self._ingest.reopen_all_slots(upload):
                raise StoreUnavailable("the store contradicts itself") from error
            raise UploadClosed(
                "Its chunks are gone from the store: every slot is open again. Send them once more."
            ) from error

    async def _accept(self, upload: Upload, good: Mapping[int, Reported]) -> list[ExpectedError]:
        try:
            accepted, known = await receipts.add_reported(
                upload, list(good.values()), now(), now() + self._ingest.lifetime
            )
        except StateChanged as error:
            raise UploadClosed("The upload has ended meanwhile.") from error
        await self._ingest.publish_receipts(upload, accepted)
        return [
            SlotConflict("This slot already holds a chunk with other bytes.", field=f"chunks.{place}")
            for place, one in good.items()
            if known.get(one.index, one.etag) != one.etag
        ]


def expires_at() -> datetime:
    """Until when a URL holds that is signed now."""
    return now() + URL_LIFETIME


def _checked(upload: Upload, report: Report, there: There, field: str) -> Reported:
    if not 0 <= report.index < upload.chunk_count:
        raise InvalidInput(f"There is no slot {report.index}.", field=f"{field}.index")
    sha256 = validation.sha256(report.sha256, field=f"{field}.sha256")
    size, etag = upload.slot_size(report.index), report.etag.strip().strip('"')
    if (etag, size) not in there.get(report.index, ()):
        raise ChecksumMismatch("The store has no such bytes in this slot. Send the chunk again.", field=field)
    return Reported(report.index, size, sha256, etag)
