"""Starts an upload, or finds the same upload, the same file, or some of its chunks.

It searches only files and chunks of the same account. A wider search would reveal which accounts have which bytes.
"""

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from uuid import UUID

from services.core.clock import now
from services.core.counters import Counters
from services.core.errors import ExpectedError, StorageFull
from services.media.content_types.media_types import EXAMINED, examine, media_type
from services.media.types import Compression, MediaFacts
from services.uploads.errors import (
    IdempotencyConflict,
    QuotaExceeded,
    ReservationTooLarge,
    TooManyUploads,
    UploadClosed,
)
from services.uploads.lifecycle import expire
from services.uploads.new_upload import UploadPolicy, build_upload
from services.uploads.progress.progress import Progress
from services.uploads.published_record import PublishedRecord, write_record
from services.uploads.reservations import Reservations
from services.uploads.types import NewUpload
from storage.blobs import BlobStore
from storage.drive import versions
from storage.drive.models import FileVersion
from storage.errors import BlobNotFound, Duplicate, NoSpace, OverQuota, StateChanged, StorageError
from storage.jobs.job_notifications import JobNotifications
from storage.uploads import known_chunks, usage
from storage.uploads import uploads as rows
from storage.uploads.known_chunks import KnownChunk
from storage.uploads.models import JOB_OF_STATUS, Upload, UploadStatus

logger = logging.getLogger("cloudkeep.uploads")

#: Errors for an upload that is certainly not stored.
REFUSALS = (Duplicate, OverQuota, NoSpace, ReservationTooLarge, TooManyUploads)


class UploadInitializer:
    """Starts uploads, or finds the uploads that requests ask for."""

    def __init__(
        self,
        store: BlobStore,
        progress: Progress,
        notifications: JobNotifications,
        policy: UploadPolicy,
        counters: Counters,
    ) -> None:
        self._store = store
        self._progress = progress
        self._notifications = notifications
        self._policy = policy
        self._counters = counters
        self._reservations = Reservations(store, policy)

    async def init(self, account_id: UUID, request: NewUpload) -> Upload:
        """See :meth:`services.uploads.uploads.Uploads.init`."""
        upload, hashes = build_upload(account_id, request, self._policy, self._store)
        if existing := await self._find_known(upload, request):
            return existing
        version = await self._find_version(upload)
        if version and (owned := await self._insert_owned(upload, version)):
            return owned
        try:
            chunks = await _find_chunks(upload, hashes)
            async with self._reservations.one_at_a_time(account_id):
                await self._reserve(upload, chunks)
        except REFUSALS as error:
            return await self._find_winner(upload, error)
        self._counters.uploads_begun += 1
        await self._notify_workers(upload)
        return upload

    async def _find_known(self, upload: Upload, request: NewUpload) -> Upload | None:
        if upload.idempotency_key:
            existing = await rows.find_by_key(upload.account_id, upload.idempotency_key)
            return _require_same_file(existing, upload) if existing else None
        if upload.sha256 is None:
            return None
        for existing in await rows.open_alike(upload.account_id, upload.file_name, upload.size, upload.sha256):
            if existing.status is UploadStatus.RECEIVING and existing.expires_at < now():
                await expire(existing, self._store, self._progress)
            elif _matches(existing, chunk_size=request.chunk_size, compress=request.compress):
                return existing
        return None

    async def _find_version(self, upload: Upload) -> FileVersion | None:
        if upload.sha256 is None:
            return None
        version = await versions.find_same(upload.account_id, upload.size, upload.sha256)
        start = await self._first_bytes(version.blob.key) if version else b""
        if not version or not start:
            return None
        # The type of the other file may come from its name.
        media = MediaFacts.from_json(version.media) if version.media else None
        examined = examine(start, is_whole=upload.size <= EXAMINED)
        upload.mime_type = media_type(examined, upload.file_name, upload.mime_type, media)
        return version

    async def _first_bytes(self, key: str) -> bytes:
        # If the disk has lost a blob, its bytes are accepted again.
        try:
            return b"".join([block async for block in self._store.read(key, 0, EXAMINED)])
        except BlobNotFound:
            return b""

    async def _insert_owned(self, upload: Upload, version: FileVersion) -> Upload | None:
        """The upload, READY at once; None if the bytes were deleted meanwhile, so that they have to be sent."""
        try:
            await rows.insert_owned(upload, version, now())
        except StateChanged:
            return None
        except Duplicate as error:
            return await self._find_winner(upload, error)
        await self._write_record(upload, version)
        self._counters.uploads_begun += 1
        if upload.status.is_final:
            self._counters.uploads_finished[upload.status.value] += 1
        await self._notify_workers(upload)
        return upload

    async def _write_record(self, upload: Upload, version: FileVersion) -> None:
        """Let an older copy of the database get this file back. An error is only logged: the bytes are safe anyway."""
        record = PublishedRecord.of(
            upload, version.blob.sha256, version.media, crc32=version.blob.crc32, is_shared=True
        )
        try:
            await write_record(self._store, str(upload.id), record)
        except (OSError, StorageError) as error:
            logger.warning("the record of a file that shares the bytes of another one was not written: %s", error)

    async def _notify_workers(self, upload: Upload) -> None:
        """Notify the workers of the job that the upload's status has queued, if it has one."""
        if kind := JOB_OF_STATUS.get(upload.status):
            await self._notifications.send(kind)

    async def _reserve(self, upload: Upload, chunks: Mapping[int, KnownChunk]) -> None:
        # The bounds are checked before the disk, so that no account can fill the disk for a moment with bytes beyond
        # them, and once more in the transaction.
        quota = await self._policy.quota_of(upload.account_id)
        await usage.require_space(upload.account_id, upload.size, quota)
        await self._reservations.require(upload, is_staged=False)
        # Reserved before the row exists, so that every upload that can be seen has its bytes reserved.
        upload.staging = await self._store.stage(str(upload.id), upload.size, upload.chunk_size)
        admit = partial(self._reservations.require, upload, is_staged=True)
        try:
            await rows.insert(upload, now(), quota=quota, known_chunks=chunks, admit=admit)
        except REFUSALS:
            await self._store.discard(upload.staging)
            raise

    async def _find_winner(self, upload: Upload, error: StorageError | ExpectedError) -> Upload:
        """The same upload, started by a faster request at the same moment. Raises the error if there is none."""
        existing = None
        if upload.idempotency_key:
            existing = await rows.find_by_key(upload.account_id, upload.idempotency_key)
        elif upload.fingerprint:
            existing = await rows.find_by_fingerprint(upload.fingerprint)
        if not existing:
            refusal = _refusal(error)
            self._counters.uploads_refused[refusal.code.value] += 1
            raise refusal from (None if refusal is error else error)
        return _require_same_file(existing, upload)


def _matches(existing: Upload, *, chunk_size: int | None, compress: Compression | None) -> bool:
    """Whether an upload of the same file has the requested chunk size and compression, if any are requested."""
    same_slots = chunk_size in {None, existing.chunk_size}
    return same_slots and (compress is None or existing.compress == compress.to_json())


def _require_same_file(existing: Upload, upload: Upload) -> Upload:
    """The existing upload, unless the key is now used for another file. Raises :class:`IdempotencyConflict`."""
    if (existing.file_name, existing.size, existing.sha256) != (upload.file_name, upload.size, upload.sha256):
        raise IdempotencyConflict("This idempotency key belongs to another file.", field="idempotencyKey")
    return existing


async def _find_chunks(upload: Upload, hashes: Sequence[str]) -> dict[int, KnownChunk]:
    """The chunks that need not be sent, by the index of their slot: they are copied on the server."""
    chunks = await known_chunks.find(upload.account_id, hashes)
    by_slot = {index: chunks.get((sha256, upload.slot_size(index))) for index, sha256 in enumerate(hashes)}
    return {index: chunk for index, chunk in by_slot.items() if chunk}


def _refusal(error: StorageError | ExpectedError) -> ExpectedError:
    if isinstance(error, ExpectedError):
        return error
    if isinstance(error, OverQuota):
        return QuotaExceeded(f"This file does not fit into your quota: {error}.", field="size")
    if isinstance(error, NoSpace):
        return StorageFull("The server has no space for this file. Try again later.", field="size")
    return UploadClosed("The earlier upload of this file has just ended. Try again.")
