"""Begins an upload, or finds what makes it unnecessary: the same upload, the same file, or some of its chunks.

Files and chunks are looked for only among the same account's: anything else would reveal who has which bytes.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from services.core.clock import now
from services.core.counters import Counters
from services.core.errors import ExpectedError, StorageFull
from services.media.types import Compression
from services.uploads.errors import IdempotencyConflict, QuotaExceeded, UploadClosed
from services.uploads.lifecycle import expire
from services.uploads.new_upload import UploadPolicy, build_upload
from services.uploads.progress import Progress
from services.uploads.types import NewUpload
from storage.blobs import BlobStore
from storage.drive import files
from storage.drive.models import File
from storage.errors import BlobNotFound, Duplicate, NoSpace, OverQuota, StorageError
from storage.jobs.job_notifications import JobNotifications
from storage.uploads import known_chunks, usage
from storage.uploads import uploads as rows
from storage.uploads.known_chunks import KnownChunk
from storage.uploads.models import JOB_OF_STATUS, Upload, UploadStatus


class UploadInitializer:
    """Begins uploads."""

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

    async def init(self, account_id: UUID, request: NewUpload) -> Upload:
        """See :meth:`services.uploads.uploads.Uploads.init`."""
        upload, hashes = build_upload(account_id, request, self._policy, self._store)
        if known := await self._find_known(upload, request):
            return known
        if file := await self._find_file(upload):
            return await self._insert_owned(upload, file)
        try:
            await self._reserve(upload, await _find_chunks(upload, hashes))
        except (Duplicate, OverQuota, NoSpace) as error:
            return await self._find_winner(upload, error)
        self._counters.uploads_begun += 1
        await self._notify_workers(upload)
        return upload

    async def _find_known(self, upload: Upload, request: NewUpload) -> Upload | None:
        if upload.idempotency_key:
            known = await rows.find_by_key(upload.account_id, upload.idempotency_key)
            return _require_same_file(known, upload) if known else None
        if upload.sha256 is None:
            return None
        for known in await rows.open_alike(upload.account_id, upload.file_name, upload.size, upload.sha256):
            if known.status is UploadStatus.RECEIVING and known.expires_at < now():
                await expire(known, self._store, self._progress)
            elif _matches(known, chunk_size=request.chunk_size, compress=request.compress):
                return known
        return None

    async def _find_file(self, upload: Upload) -> File | None:
        if upload.sha256 is None:
            return None
        known = await files.find_same(upload.account_id, upload.size, upload.sha256)
        return known if known and await self._has_bytes(known.blob.key) else None

    async def _has_bytes(self, key: str) -> bool:
        # When the disk has lost a blob, its bytes are accepted again.
        try:
            return bool([block async for block in self._store.read(key, 0, 1)])
        except BlobNotFound:
            return False

    async def _insert_owned(self, upload: Upload, file: File) -> Upload:
        try:
            await rows.insert_owned(upload, file, now())
        except Duplicate as error:
            return await self._find_winner(upload, error)
        self._counters.uploads_begun += 1
        if upload.status.is_final:
            self._counters.uploads_finished[upload.status.value] += 1
        await self._notify_workers(upload)
        return upload

    async def _notify_workers(self, upload: Upload) -> None:
        """Notify the workers of the job that the upload's status has queued, if it has one."""
        if kind := JOB_OF_STATUS.get(upload.status):
            await self._notifications.send(kind)

    async def _reserve(self, upload: Upload, chunks: Mapping[int, KnownChunk]) -> None:
        # The quota comes before the disk, so that no account fills the disk for a moment with what exceeds its quota.
        await usage.require_space(upload.account_id, upload.size, self._policy.quota)
        # Reserved before the row exists, so that every upload that can be seen has its bytes reserved.
        upload.staging = await self._store.stage(str(upload.id), upload.size, upload.chunk_size)
        try:
            await rows.insert(upload, now(), quota=self._policy.quota, known_chunks=chunks)
        except (Duplicate, OverQuota, NoSpace):
            await self._store.discard(upload.staging)
            raise

    async def _find_winner(self, upload: Upload, error: StorageError) -> Upload:
        """The same upload, begun by a faster request at the same moment. If there is none, the error is a refusal."""
        known = None
        if upload.idempotency_key:
            known = await rows.find_by_key(upload.account_id, upload.idempotency_key)
        elif upload.fingerprint:
            known = await rows.find_by_fingerprint(upload.fingerprint)
        if not known:
            raise _refusal(error) from error
        return _require_same_file(known, upload)


def _matches(known: Upload, *, chunk_size: int | None, compress: Compression | None) -> bool:
    """Whether an upload of the same file has the requested chunk size and compression, where they are requested."""
    same_slots = chunk_size in {None, known.chunk_size}
    return same_slots and (compress is None or known.compress == compress.to_json())


def _require_same_file(known: Upload, upload: Upload) -> Upload:
    """The known upload, unless its key is used for another file now. Raises :class:`IdempotencyConflict`."""
    if (known.file_name, known.size, known.sha256) != (upload.file_name, upload.size, upload.sha256):
        raise IdempotencyConflict("This idempotency key belongs to another file.", field="idempotencyKey")
    return known


async def _find_chunks(upload: Upload, hashes: Sequence[str]) -> dict[int, KnownChunk]:
    """The chunks that need not be sent, by the index of their slot: they are copied on the server."""
    known = await known_chunks.find(upload.account_id, hashes)
    by_slot = {index: known.get((sha256, upload.slot_size(index))) for index, sha256 in enumerate(hashes)}
    return {index: chunk for index, chunk in by_slot.items() if chunk}


def _refusal(error: StorageError) -> ExpectedError:
    if isinstance(error, OverQuota):
        return QuotaExceeded("There is no room for this file within your quota.", field="size")
    if isinstance(error, NoSpace):
        return StorageFull("There is no room for this file on the server.", field="size")
    return UploadClosed("The upload that was begun before has just ended. Try again.")
