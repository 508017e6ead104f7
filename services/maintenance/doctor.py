"""Finds inconsistencies between the database and the store, and repairs what can be repaired without a loss.

Safe beside a running server: it distinguishes the bytes and rows of running work from abandoned ones. Missing bytes
cannot be repaired; their rows stay, so that an operator can inform the owners. Missing rows of published bytes can.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from datetime import timedelta
from functools import partial

from services.core.clock import TOLERATED, difference, now
from services.core.ids import Prefix, encode
from services.maintenance.drive_rows import DriveRows
from services.maintenance.findings import Code, Finding, Findings
from services.maintenance.garbage import dead_staging, is_old, owner_of
from services.maintenance.pages import pages
from services.maintenance.record_backfill import RecordBackfill
from services.maintenance.shared_files import SharedFiles
from services.maintenance.unclaimed import QUARANTINE_TTL, UnclaimedBlobs
from storage.blobs import BlobStore
from storage.drive.models import Blob
from storage.errors import BlobNotFound, StorageError, StoreRefused, StoreUnavailable
from storage.search.index import search_index
from storage.uploads import consistency
from storage.uploads.models import JOB_OF_STATUS, Upload, UploadStatus

QUEUED = "queued again"


class Doctor:
    """Examines everything; with ``mend`` it also repairs it."""

    def __init__(
        self,
        store: BlobStore,
        *,
        mend: bool = False,
        upload_days: int = 7,
        origins: Sequence[str] = (),
        quarantine_ttl: timedelta = QUARANTINE_TTL,
    ) -> None:
        """``upload_days`` is the longest life of an upload; pages of ``origins`` send chunks straight to the store.

        Published bytes that no row needs are deleted ``quarantine_ttl`` after they were first found so.
        """
        self._unclaimed = UnclaimedBlobs(store, mend=mend, quarantine_ttl=quarantine_ttl)
        self._shared = SharedFiles(store, mend=mend)
        self._backfill = RecordBackfill(store, mend=mend)
        self._drive_rows = DriveRows(mend=mend)
        self._store = store
        self._upload_days = upload_days
        self._origins = origins
        self._mend = mend

    async def examine(self) -> Findings:
        """Every finding, one after another, in constant memory."""
        for part in (
            self._wrong_clock,
            self._missing_search_index,
            self._missing_rules,
            self._drive_rows.examine,
            self._blobs_without_bytes,
            self._unclaimed.examine,
            self._shared.examine,
            self._backfill.examine,
            self._dead_staging,
            self._foreign_staging,
            self._uploads_without_bytes,
            self._uploads_without_job,
            self._full_uploads,
        ):
            async with aclosing(part()) as findings:
                async for finding in findings:
                    yield finding

    async def _wrong_clock(self) -> Findings:
        if abs(ahead := difference()) > TOLERATED:
            text = f"its clock differs by {ahead.total_seconds():+.0f} s from the database's: set it right"
            yield Finding(Code.CLOCK, "this host", text)

    async def _missing_search_index(self) -> Findings:
        # Every start makes it, also that of this command, if the database can have one.
        if problem := await search_index().problem():
            yield Finding(Code.SEARCH_INDEX, "the database", f"searches are slow: {problem}")

    async def _missing_rules(self) -> Findings:
        try:
            rules = await self._store.missing_rules(self._upload_days, self._origins)
        except StorageError as error:
            if isinstance(error, StoreUnavailable) and not isinstance(error, StoreRefused):
                raise
            # Missing permissions, or a server without rules, do not affect the bytes.
            yield Finding(Code.BUCKET_RULES, "the bucket", f"its rules cannot be read ({error})")
            return
        for rule in rules:
            mended = text = None
            if self._mend and rule.add:
                try:
                    await rule.add()
                    mended = "added"
                except StorageError as error:
                    text = f"{rule.text}, and it does not accept one ({error}): an operator must add one"
            yield Finding(Code(rule.code), "the bucket", text or rule.text, mended)

    async def _blobs_without_bytes(self) -> Findings:
        async for page in pages(consistency.blobs):
            for blob in page:
                if finding := await self._compare(blob):
                    yield finding

    async def _compare(self, blob: Blob) -> Finding | None:
        try:
            size = (await self._store.stat(blob.key)).size
        except BlobNotFound:
            return Finding(Code.BLOB_MISSING, blob.key, f"the bytes of {await used_by(blob)} are missing")
        if size == blob.size:
            return None
        text = f"{await used_by(blob)} has {size} bytes in the store instead of {blob.size}"
        return Finding(Code.BLOB_SIZE, blob.key, text)

    async def _dead_staging(self) -> Findings:
        async for staging in dead_staging(self._store):
            mended = await self._remove(self._store.discard, staging.staging)
            yield Finding(Code.STAGING_DEAD, staging.key, f"{staging.size} bytes of a dead upload", mended)

    async def _foreign_staging(self) -> Findings:
        async for staging in self._store.staging_areas():
            if owner_of(staging) is None and is_old(staging):
                yield Finding(Code.STAGING_UNKNOWN, staging.key, f"{staging.size} bytes that CloudKeep did not create")

    async def _uploads_without_bytes(self) -> Findings:
        for status in (UploadStatus.RECEIVING, UploadStatus.REASSEMBLING):
            async for page in pages(partial(consistency.uploads_with, status)):
                for upload in page:
                    if not await self._store.holds(upload.staging_area) and await consistency.is_unchanged(upload):
                        yield _finding(Code.STAGING_MISSING, upload, "its bytes are missing")

    async def _uploads_without_job(self) -> Findings:
        for status in JOB_OF_STATUS:
            async for page in pages(partial(consistency.uploads_without_job, status)):
                for upload in page:
                    if not self._mend:
                        yield _finding(Code.JOB_MISSING, upload, "no job works on it")
                    elif await consistency.queue_again(upload, now()):
                        yield _finding(Code.JOB_MISSING, upload, "no job worked on it", QUEUED)

    async def _full_uploads(self) -> Findings:
        async for page in pages(partial(consistency.uploads_with, UploadStatus.RECEIVING)):
            received = await consistency.receipt_counts([upload.id for upload in page])
            for upload in page:
                if received.get(upload.id, 0) < upload.chunk_count:
                    continue
                if not self._mend:
                    if await consistency.is_unchanged(upload):
                        yield _finding(Code.UPLOAD_FULL, upload, "every chunk has arrived, but it still waits for one")
                elif await consistency.end_receiving(upload, now()):
                    yield _finding(
                        Code.UPLOAD_FULL, upload, "every chunk had arrived, but it still waited for one", QUEUED
                    )

    async def _remove(self, remove: Callable[[str], Awaitable[None]], key: str) -> str | None:
        if not self._mend:
            return None
        try:
            await remove(key)
        except (OSError, StorageError):
            return None
        return "removed"


async def used_by(blob: Blob) -> str:
    """The files that use a blob: the names for their owner, and the IDs for an operator."""
    versions, renditions = await consistency.users_of(blob.id)
    names = [f"{row.item.name!r} (version {encode(Prefix.VERSION, row.id)})" for row in versions]
    names += [
        f"the compressed {row.version.item.name!r} (rendition {encode(Prefix.RENDITION, row.id)})" for row in renditions
    ]
    return ", ".join(names) or "a blob that no file uses"


def _finding(code: Code, upload: Upload, text: str, mended: str | None = None) -> Finding:
    return Finding(
        code, encode(Prefix.UPLOAD, upload.id), f"{upload.status.value} {upload.file_name!r}: {text}", mended
    )
