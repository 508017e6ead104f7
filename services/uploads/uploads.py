"""Uploads: begin, look at, finish, abort."""

import mimetypes
from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

from services.core import validation
from services.core.clock import now
from services.core.counters import Counters
from services.core.errors import ExpectedError, InvalidInput, NotFound, StorageFull
from services.media.media import Compression
from services.uploads import idempotency, known_chunks
from services.uploads.chunk_sizes import MAX_CHUNK_SIZE, MAX_CHUNKS, default_chunk_size
from services.uploads.errors import ChunksMissing, QuotaExceeded, TooLarge, UploadClosed
from services.uploads.lifecycle import BYTES_GONE, can_be_retried
from services.uploads.progress import Progress
from storage.blobs import BlobStore
from storage.drive import files
from storage.drive.models import File
from storage.errors import BlobNotFound, Duplicate, NoSpace, OverQuota, StorageError
from storage.jobs import jobs
from storage.jobs.job_notifications import JobNotifications
from storage.uploads import receipts, usage
from storage.uploads import uploads as rows
from storage.uploads.known_chunks import KnownChunk
from storage.uploads.models import JOB_OF_STATUS, Upload, UploadStatus
from storage.uploads.usage import Space

UNKNOWN_TYPE = "application/octet-stream"


@dataclass(frozen=True)
class NewUpload:
    """What a client says about the file it wants to send. Sizes in bytes; SHA-256 of the file and its chunks in hex."""

    file_name: str
    size: int
    mime_type: str | None = None
    sha256: str | None = None
    chunk_size: int | None = None
    chunk_hashes: Sequence[str] | None = None
    compress: Compression | None = None
    idempotency_key: str | None = None
    direct: bool | None = None


@dataclass(frozen=True)
class Slot:
    """A place for one chunk: ``size`` bytes from ``offset`` on."""

    index: int
    offset: int
    size: int
    received: bool


@dataclass(frozen=True)
class UploadPolicy:
    """The server's limits: bytes per file, how long an upload waits for its next chunk, and bytes per account."""

    max_file_size: int
    lifetime: timedelta
    quota: int | None = None
    #: Whether chunks go to the store past us, where a client does not say.
    direct: bool = False


class Uploads:
    """What an owner does with uploads. Somebody else's upload is always :class:`NotFound`."""

    def __init__(
        self,
        store: BlobStore,
        progress: Progress,
        notifications: JobNotifications,
        policy: UploadPolicy,
        counts: Counters | None = None,
    ) -> None:
        self._counts = counts or Counters()
        self._store = store
        self._progress = progress
        self._notifications = notifications
        self._policy = policy

    async def init(self, account_id: UUID, request: NewUpload) -> Upload:
        """Begin an upload, or return the one made before with the same idempotency key.

        Without a key, an open upload of the same file by the same account is returned: name, size and SHA-256 are
        equal, and so are chunk size and compression, where they are given. When the account has a file with this
        size and SHA-256, the upload has a file of its own over the same bytes at once, and takes no chunks. Slots
        whose chunk hash the account's files have are filled from there.
        Raises :class:`InvalidInput`, :class:`TooLarge`, :class:`IdempotencyConflict`, :class:`QuotaExceeded` and
        :class:`StorageFull`.
        """
        upload = self._validated(account_id, request)
        hashes = known_chunks.checked(request.chunk_hashes, upload)
        if known := await self._known(upload, request):
            return known
        if mine := await self._mine(upload):
            return await self._insert_owned(upload, mine)
        try:
            await self._reserve(upload, await known_chunks.by_slot(upload, hashes))
        except (Duplicate, OverQuota, NoSpace) as error:
            return await self._winner(upload, error)
        self._counts.uploads_begun += 1
        await self._notify_workers(upload)
        return upload

    async def space(self, account_id: UUID) -> Space:
        """How much room an account takes, and its quota."""
        return await usage.of(account_id, self._policy.quota)

    async def find(self, account_id: UUID, upload_id: UUID) -> Upload | None:
        """An upload of this account."""
        return await rows.find_owned(upload_id, account_id)

    async def page(
        self, account_id: UUID, status: UploadStatus | None, before: UUID | None, limit: int
    ) -> Sequence[Upload]:
        """The account's newest uploads, older than ``before``."""
        return await rows.page(account_id, status, before, limit)

    async def count(self, account_id: UUID, status: UploadStatus | None) -> int:
        """How many uploads the account has."""
        return await rows.count(account_id, status)

    async def waiting_of(self, upload_ids: Collection[UUID]) -> dict[UUID, str]:
        """The code of what the work on uploads waits for, for an owner who was checked before."""
        return await jobs.waiting_of(upload_ids)

    async def slots(self, upload: Upload, start: int, limit: int, *, missing: bool) -> list[Slot]:
        """Up to ``limit`` slots from index ``start`` on; only the open ones when ``missing``."""
        filled = await self._filled(upload, start)
        found: list[Slot] = []
        for index in range(start, upload.chunk_count):
            if len(found) == limit:
                break
            if not (missing and index in filled):
                found.append(_slot(upload, index, received=index in filled))
        return found

    async def slot(self, upload: Upload, index: int) -> Slot | None:
        """The slot with this index, if there is one."""
        if not 0 <= index < upload.chunk_count:
            return None
        received = upload.is_full or any(chunk.index == index for chunk in await receipts.of(upload.id, index, limit=1))
        return _slot(upload, index, received=received)

    async def _filled(self, upload: Upload, start: int) -> Container[int]:
        if upload.is_full:
            return range(upload.chunk_count)
        return set(await receipts.indexes(upload.id, start))

    async def complete(self, account_id: UUID, upload_id: UUID) -> Upload:
        """Confirm that everything was sent. The last chunk has started the reassembly already, so this only answers.

        Raises :class:`NotFound`, :class:`ChunksMissing`, and :class:`UploadClosed` on an aborted or expired upload.
        """
        upload = await self.owned(account_id, upload_id)
        if upload.status is UploadStatus.RECEIVING:
            missing = upload.chunk_count - upload.received_chunks
            # The last receipt may have come in between: then the upload has moved on, and is looked at again.
            if missing:
                raise ChunksMissing(f"{missing} of {upload.chunk_count} chunks are still missing.")
            return await self.owned(account_id, upload_id)
        if upload.status in {UploadStatus.ABORTED, UploadStatus.EXPIRED}:
            raise UploadClosed(f"The upload is {upload.status.value.lower()}.")
        return upload

    async def abort(self, account_id: UUID, upload_id: UUID) -> Upload:
        """Give an upload up and free its space; doing it twice is harmless.

        That may be one that failed by a fault of ours, whose bytes are kept for another try. Raises :class:`NotFound`,
        and :class:`UploadClosed` once all chunks are there.
        """
        upload = await self.owned(account_id, upload_id)
        if await rows.abort(upload_id) or await rows.abort_failed(upload_id, BYTES_GONE):
            await self._store.discard(upload.staging_area, sealed=True)
            await self._progress.publish_snapshot(upload_id)
        upload = await self.owned(account_id, upload_id)
        if upload.status is not UploadStatus.ABORTED:
            raise UploadClosed(f"The upload is {upload.status.value.lower()} and can no longer be aborted.")
        return upload

    async def retry(self, account_id: UUID, upload_id: UUID) -> Upload:
        """Try what failed again, by a fault of ours or of the encoder's; doing it twice is harmless.

        Raises :class:`NotFound`, :class:`QuotaExceeded`, and what
        :func:`services.uploads.lifecycle.can_be_retried` raises.
        """
        upload = await self.owned(account_id, upload_id)
        if not can_be_retried(upload):
            return upload
        try:
            kind = await rows.retry(upload, self._policy.quota, now())
        except OverQuota as error:
            raise QuotaExceeded("There is no room for this file within your quota.") from error
        if kind:
            await self._progress.publish_snapshot(upload_id)
            await self._notifications.send(kind)
        return await self.owned(account_id, upload_id)

    async def expire(self, limit: int = 100) -> int:
        """Close uploads whose time is over and free their space. Returns how many there were."""
        late = await rows.expired(now(), limit)
        for upload in late:
            await self._expire(upload)
        return len(late)

    async def _expire(self, upload: Upload) -> None:
        if await rows.expire(upload.id, now()):
            # A worker that had lost its job may have sealed it all the same.
            await self._store.discard(upload.staging_area, sealed=True)
            await self._progress.publish_snapshot(upload.id)

    async def _known(self, upload: Upload, request: NewUpload) -> Upload | None:
        if upload.idempotency_key:
            known = await rows.find_by_key(upload.account_id, upload.idempotency_key)
            return idempotency.same(known, upload) if known else None
        if upload.sha256 is None:
            return None
        for known in await rows.open_alike(upload.account_id, upload.file_name, upload.size, upload.sha256):
            if known.status is UploadStatus.RECEIVING and known.expires_at < now():
                await self._expire(known)
            elif idempotency.is_wanted(known, chunk_size=request.chunk_size, compress=request.compress):
                return known
        return None

    async def owned(self, account_id: UUID, upload_id: UUID) -> Upload:
        """An upload of this account. Raises :class:`NotFound`."""
        upload = await rows.find_owned(upload_id, account_id)
        if not upload:
            raise NotFound("There is no such upload.")
        return upload

    async def _reserve(self, upload: Upload, mine: Mapping[int, KnownChunk]) -> None:
        # Asked before the disk is, so that nobody can fill it for a moment with what they may not store.
        await usage.require_space(upload.account_id, upload.size, self._policy.quota)
        # Reserved before the row exists, so that no upload without its place is ever seen.
        upload.staging = await self._store.stage(str(upload.id), upload.size, upload.chunk_size)
        try:
            await rows.insert(upload, now(), quota=self._policy.quota, held=mine)
        except (Duplicate, OverQuota, NoSpace):
            await self._store.discard(upload.staging)
            raise

    async def _insert_owned(self, upload: Upload, mine: File) -> Upload:
        try:
            await rows.insert_owned(upload, mine, now())
        except Duplicate as error:
            return await self._winner(upload, error)
        self._counts.uploads_begun += 1
        if upload.status.is_final:
            self._counts.uploads_finished[upload.status.value] += 1
        await self._notify_workers(upload)
        return upload

    async def _notify_workers(self, upload: Upload) -> None:
        """Notify the workers of the job that the upload's status has queued, if it has one."""
        if kind := JOB_OF_STATUS.get(upload.status):
            await self._notifications.send(kind)

    async def _mine(self, upload: Upload) -> File | None:
        if upload.sha256 is None:
            return None
        # Never anybody else's: the answer would tell who has which file.
        known = await files.find_same(upload.account_id, upload.size, upload.sha256)
        return known if known and await self._is_there(known.blob.key) else None

    async def _is_there(self, key: str) -> bool:
        # A blob that the disk has lost is welcome again.
        try:
            return bool([block async for block in self._store.read(key, 0, 1)])
        except BlobNotFound:
            return False

    async def _winner(self, upload: Upload, error: StorageError) -> Upload:
        """The same upload, begun at the same moment by somebody faster. Without one, the error is a refusal."""
        known = None
        if upload.idempotency_key:
            known = await rows.find_by_key(upload.account_id, upload.idempotency_key)
        elif upload.fingerprint:
            known = await rows.find_by_fingerprint(upload.fingerprint)
        if not known:
            raise _refusal(error) from error
        return idempotency.same(known, upload)

    def _validated(self, account_id: UUID, request: NewUpload) -> Upload:
        name = validation.file_name(request.file_name)
        size = self._checked_size(request.size)
        key = request.idempotency_key
        upload = Upload(
            id=uuid7(),
            account_id=account_id,
            file_name=name,
            mime_type=_mime_type(request.mime_type, name),
            size=size,
            chunk_size=self._chunk_size(request.chunk_size, size),
            sha256=None if request.sha256 is None else validation.sha256(request.sha256),
            compress=request.compress.to_json() if request.compress else None,
            idempotency_key=None if key is None else validation.idempotency_key(key),
            direct=self._direct(request.direct),
            status=UploadStatus.RECEIVING,
            expires_at=now() + self._policy.lifetime,
        )
        upload.fingerprint = idempotency.fingerprint(upload)
        return upload

    def _direct(self, wanted: bool | None) -> bool:
        return self._store.supports_direct_uploads and (self._policy.direct if wanted is None else wanted)

    def _checked_size(self, size: int) -> int:
        if size < 1:
            raise InvalidInput("A file has at least one byte.", field="size")
        limit = min(self._policy.max_file_size, MAX_CHUNK_SIZE * MAX_CHUNKS)
        if size > limit:
            raise TooLarge(f"A file may have at most {limit} bytes.", field="size")
        return size

    def _chunk_size(self, wanted: int | None, size: int) -> int:
        if wanted is None:
            return default_chunk_size(size)
        smallest = self._store.min_chunk_size
        if not smallest <= wanted <= MAX_CHUNK_SIZE:
            raise InvalidInput(f"A chunk has {smallest} to {MAX_CHUNK_SIZE} bytes.", field="chunkSize")
        if size > wanted * MAX_CHUNKS:
            raise InvalidInput(f"With this chunk size the file has more than {MAX_CHUNKS} chunks.", field="chunkSize")
        return wanted


def _slot(upload: Upload, index: int, *, received: bool) -> Slot:
    return Slot(index, upload.slot_offset(index), upload.slot_size(index), received)


def _mime_type(wanted: str | None, file_name: str) -> str:
    if wanted is not None:
        return validation.mime_type(wanted)
    return mimetypes.guess_type(file_name)[0] or UNKNOWN_TYPE


def _refusal(error: StorageError) -> ExpectedError:
    if isinstance(error, OverQuota):
        return QuotaExceeded("There is no room for this file within your quota.", field="size")
    if isinstance(error, NoSpace):
        return StorageFull("There is no room for this file on the server.", field="size")
    return UploadClosed("The upload that was begun before has just ended. Try again.")
