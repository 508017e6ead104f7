"""Operations on uploads: start, read, complete, abort, retry."""

from collections.abc import Collection, Container, Iterable, Sequence
from itertools import islice
from uuid import UUID

from services.core.clock import now
from services.core.counters import Counters
from services.core.errors import NotFound
from services.uploads.adoption import adopt_later
from services.uploads.errors import ChunksMissing, UploadClosed
from services.uploads.init_upload import UploadInitializer
from services.uploads.lifecycle import BYTES_GONE, can_be_retried, expire
from services.uploads.new_upload import UploadPolicy
from services.uploads.progress import Progress
from services.uploads.types import NewUpload, Slot
from storage.blobs import BlobStore
from storage.database.pages import Window
from storage.jobs import jobs
from storage.jobs.job_notifications import JobNotifications
from storage.uploads import receipts, usage
from storage.uploads import uploads as rows
from storage.uploads.models import Upload, UploadStatus
from storage.uploads.usage import Space


class Uploads:
    """Operations on uploads. Callers have checked the viewer's permission."""

    def __init__(
        self,
        store: BlobStore,
        progress: Progress,
        notifications: JobNotifications,
        policy: UploadPolicy,
        counters: Counters | None = None,
    ) -> None:
        self._store = store
        self._progress = progress
        self._notifications = notifications
        self._policy = policy
        self._initializer = UploadInitializer(store, progress, notifications, policy, counters or Counters())

    async def init(self, account_id: UUID, request: NewUpload) -> Upload:
        """Start an upload, or return the earlier one with the same idempotency key.

        Without a key, an open upload of the same file by the same account is returned: name, size and SHA-256 are
        equal, and also chunk size and compression, if requested. If the account has a file with this size and SHA-256,
        the upload gets a file of its own over the same bytes at once, and accepts no chunks. Slots whose chunk hash is
        in the account's files are filled from there. Raises :class:`InvalidInput`, :class:`TooLarge`,
        :class:`IdempotencyConflict`, :class:`services.uploads.errors.QuotaExceeded` and :class:`StorageFull`.
        """
        return await self._initializer.init(account_id, request)

    async def space(self, account_id: UUID) -> Space:
        """The storage that an account uses, and its quota."""
        return await usage.measure(account_id, await self._policy.quota_of(account_id))

    async def find(self, upload_id: UUID) -> Upload | None:
        """The upload with this key, of any account."""
        return await rows.find(upload_id)

    async def page(self, account_id: UUID, status: UploadStatus | None, window: Window[UUID]) -> Sequence[Upload]:
        """A window of the account's uploads, the newest one first; only those with this status, if one is given."""
        return await rows.page(account_id, status, window)

    async def count(self, account_id: UUID, status: UploadStatus | None) -> int:
        """The number of the account's uploads; only those with this status, if one is given."""
        return await rows.count(account_id, status)

    async def waiting_of(self, upload_ids: Collection[UUID]) -> dict[UUID, str]:
        """The code of the resource that each upload waits for, by key. The caller has checked the owner."""
        return await jobs.waiting_of(upload_ids)

    async def slots(self, upload: Upload, window: Window[int], *, missing: bool) -> list[Slot]:
        """A window of the slots, by index; only open ones if ``missing``."""
        start, end = _bounds(upload, window, missing=missing)
        filled = await self._filled(upload, start, end)
        indexes = (index for index in _range(start, end, window) if not (missing and index in filled))
        slots = [_slot(upload, index, received=index in filled) for index in islice(indexes, window.limit)]
        return slots[::-1] if window.backwards else slots

    async def count_slots(self, upload: Upload, *, missing: bool) -> int:
        """The number of the upload's slots; only the open ones if ``missing``."""
        if not missing:
            return upload.chunk_count
        return 0 if upload.is_full else upload.chunk_count - len(await receipts.filled_indexes(upload.id))

    async def slot(self, upload: Upload, index: int) -> Slot | None:
        """The slot with this index, if there is one."""
        if not 0 <= index < upload.chunk_count:
            return None
        received = upload.is_full or any(
            chunk.index == index for chunk in await receipts.find_all(upload.id, index, limit=1)
        )
        return _slot(upload, index, received=received)

    async def _filled(self, upload: Upload, start: int, end: int) -> Container[int]:
        if upload.is_full or start >= end:
            return range(upload.chunk_count)
        return set(await receipts.filled_indexes(upload.id, start, end))

    async def complete(self, upload: Upload) -> Upload:
        """Confirm that all chunks were sent. The last chunk has already started the reassembly.

        Raises :class:`ChunksMissing`, and :class:`UploadClosed` on an aborted or expired upload.
        """
        if upload.status is UploadStatus.RECEIVING:
            missing = upload.chunk_count - upload.received_chunks
            # The last receipt may have arrived in between: then the status has changed, and the row is read again.
            if missing:
                raise ChunksMissing(f"{missing} of {upload.chunk_count} chunks are still missing.")
            return await self.reload(upload)
        if upload.status in {UploadStatus.ABORTED, UploadStatus.EXPIRED}:
            raise UploadClosed(f"The upload is {upload.status.value.lower()}.")
        return upload

    async def abort(self, upload: Upload) -> Upload:
        """Abort an upload and free its space. Can be repeated.

        This also works for one that failed by an internal error, whose bytes are kept for a retry. Raises
        :class:`UploadClosed` once all chunks have arrived. In an older copy of the database, the published bytes of an
        upload are the proof that they have.
        """
        if await adopt_later(upload, self._store):
            await self._progress.publish_snapshot(upload.id)
        elif await rows.abort(upload.id) or await rows.abort_failed(upload.id, BYTES_GONE):
            await self._store.discard(upload.staging_area, sealed=True)
            await self._progress.publish_snapshot(upload.id)
        upload = await self.reload(upload)
        if upload.status is not UploadStatus.ABORTED:
            raise UploadClosed(f"The upload is {upload.status.value.lower()} and can no longer be aborted.")
        return upload

    async def retry(self, upload: Upload) -> Upload:
        """Retry a step that failed by an internal error or in the encoder. Can be repeated.

        Raises the errors of :func:`services.uploads.lifecycle.can_be_retried`.
        """
        if not can_be_retried(upload):
            return upload
        if kind := await rows.retry(upload, now()):
            await self._progress.publish_snapshot(upload.id)
            await self._notifications.send(kind)
        return await self.reload(upload)

    async def expire(self, limit: int = 100) -> int:
        """Close expired uploads and free their space. Returns their number."""
        expired = await rows.expired(now(), limit)
        for upload in expired:
            await expire(upload, self._store, self._progress)
        return len(expired)

    async def reload(self, upload: Upload) -> Upload:
        """The current state of the upload. Raises :class:`NotFound` if it was deleted meanwhile."""
        current = await rows.find(upload.id)
        if not current:
            raise NotFound("There is no such upload.")
        return current


def _bounds(upload: Upload, window: Window[int], *, missing: bool) -> tuple[int, int]:
    """The slots to look at for a window: those of the window itself, unless only open ones belong to it."""
    start = 0 if window.after is None else window.after + 1
    end = upload.chunk_count if window.before is None else min(window.before, upload.chunk_count)
    if missing:
        return start, end
    if window.backwards:
        return max(start, end - window.limit), end
    return start, min(end, start + window.limit)


def _range(start: int, end: int, window: Window[int]) -> Iterable[int]:
    return range(end - 1, start - 1, -1) if window.backwards else range(start, end)


def _slot(upload: Upload, index: int, *, received: bool) -> Slot:
    return Slot(index, upload.slot_offset(index), upload.slot_size(index), received)
