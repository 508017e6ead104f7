"""Operations on uploads: start, read, complete, abort, retry."""

from collections.abc import Collection, Sequence
from uuid import UUID

from services.core.clock import now
from services.core.counters import Counters
from services.core.errors import ExpectedError, NotFound
from services.drive.item_allowance import ItemAllowance
from services.uploads.adoption import adopt_later
from services.uploads.errors import ChunksMissing, UploadClosed
from services.uploads.init.init_upload import UploadInitializer
from services.uploads.init.new_upload import UploadPolicy
from services.uploads.lifecycle import BYTES_GONE, can_be_retried, expire
from services.uploads.progress.progress import Progress
from services.uploads.slots import FindOpen, slot_at, slots_in
from services.uploads.types import NewUpload, Slot
from storage.blobs import BlobStore
from storage.database.pages import Window
from storage.jobs import jobs
from storage.jobs.job_notifications import JobNotifications
from storage.jobs.models import JobKind
from storage.uploads import consistency, expiry, open_slots, usage
from storage.uploads import uploads as rows
from storage.uploads.models import Upload, UploadStatus
from storage.uploads.open_slots import SlotRange
from storage.uploads.uploads import UploadFilter
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
        allowance: ItemAllowance | None = None,
    ) -> None:
        self._store = store
        self._progress = progress
        self._notifications = notifications
        self._policy = policy
        self._initializer = UploadInitializer(
            store, progress, notifications, policy, allowance or ItemAllowance(), counters or Counters()
        )

    async def init(self, account_id: UUID, request: NewUpload) -> Upload:
        """Start an upload, or return the earlier one with the same idempotency key.

        Without a key, an open upload of the same file by the same account is returned: name, size and SHA-256 are
        equal, and also chunk size and compression, if requested. If the account has a file with this size and SHA-256,
        the upload gets a file of its own over the same bytes at once, and accepts no chunks. Slots whose chunk hash is
        in the account's files are filled from there. Raises :class:`InvalidInput`, :class:`TooLarge`,
        :class:`IdempotencyConflict`, :class:`services.uploads.errors.QuotaExceeded` and :class:`StorageFull`.
        """
        upload = await self._initializer.init(account_id, request)
        self._progress.announce(upload)
        return upload

    async def init_all(self, account_id: UUID, requests: Sequence[NewUpload]) -> list[Upload | ExpectedError]:
        """Like :meth:`init` for several files, in one transaction: the upload of each, or why it was refused."""
        outcomes = await self._initializer.init_all(account_id, requests)
        for outcome in outcomes:
            if isinstance(outcome, Upload):
                self._progress.announce(outcome)
        return outcomes

    async def space(self, account_id: UUID) -> Space:
        """The storage that an account uses, and its quota."""
        return await usage.measure(account_id, await self._policy.quota_of(account_id))

    async def find(self, upload_id: UUID) -> Upload | None:
        """The upload with this key, of any account."""
        return await rows.find(upload_id)

    async def find_many(self, upload_ids: Collection[UUID]) -> dict[UUID, Upload]:
        """The uploads with these keys, of any account."""
        return await consistency.find_uploads(upload_ids)

    async def page(self, account_id: UUID, only: UploadFilter, window: Window[UUID]) -> Sequence[Upload]:
        """A window of those of the account's uploads that meet the conditions, the newest one first."""
        return await rows.page(account_id, only, window)

    async def count(self, account_id: UUID, only: UploadFilter) -> int:
        """The number of those of the account's uploads that meet the conditions."""
        return await rows.count(account_id, only)

    async def waiting_of(self, upload_ids: Collection[UUID]) -> dict[UUID, str]:
        """The code of the resource that each upload waits for, by key. The caller has checked the owner."""
        return await jobs.waiting_of(upload_ids)

    async def slots(
        self, upload: Upload, window: Window[int], *, missing: bool, find_open: FindOpen | None = None
    ) -> list[Slot]:
        """A window of the slots, by index; only open ones if ``missing``.

        ``find_open`` may combine several calls of :meth:`open_slots`.
        """
        return await slots_in(upload, window, find_open or self._find_open, missing=missing)

    def count_slots(self, upload: Upload, *, missing: bool) -> int:
        """The number of the upload's slots; only the open ones if ``missing``."""
        if not missing:
            return upload.chunk_count
        return 0 if upload.is_full else upload.chunk_count - upload.received_chunks

    async def slot(self, upload: Upload, index: int, find_open: FindOpen | None = None) -> Slot | None:
        """The slot with this index, if there is one. ``find_open`` may combine several calls of :meth:`open_slots`."""
        return await slot_at(upload, index, find_open or self._find_open)

    async def open_slots(self, parts: Sequence[SlotRange]) -> list[list[range]]:
        """The open slots of parts of uploads, in one query: see :func:`storage.uploads.open_slots.find`."""
        return await open_slots.find(parts)

    async def _find_open(self, part: SlotRange) -> Sequence[range]:
        (gaps,) = await self.open_slots([part])
        return gaps

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
            await self._notifications.send(JobKind.REASSEMBLE)
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
        expired = await expiry.expired(now(), limit)
        for upload in expired:
            await expire(upload, self._store, self._progress)
        return len(expired)

    async def reload(self, upload: Upload) -> Upload:
        """The current state of the upload. Raises :class:`NotFound` if it was deleted meanwhile."""
        current = await rows.find(upload.id)
        if not current:
            raise NotFound("There is no such upload.")
        return current
