"""Receives chunks: checks the right to fill a slot, and stores and announces receipts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from services.access.signed_urls import SlotAuthorization
from services.budgets.budgets import Budgets, Payer, Reservation
from services.core.clock import now
from services.core.errors import NotFound, StorageUnavailable
from services.core.log_context import bind_log_context
from services.uploads.active_senders import ActiveSenders, Silence, never_silent
from services.uploads.adoption import adopt_later
from services.uploads.chunk_sinks import ChunkSink, FirstChunk, Receipt, RepeatedChunk
from services.uploads.errors import SlotBusy, UploadClosed
from services.uploads.progress.frame import ProgressFrame, receiving_frame
from services.uploads.progress.progress import Progress
from storage.blobs import BlobStore, Digests
from storage.errors import BlobNotFound, SlotLocked, StagingLost, StateChanged
from storage.jobs.job_notifications import JobNotifications
from storage.jobs.models import JobKind
from storage.uploads import expiry, receipts
from storage.uploads import uploads as rows
from storage.uploads.models import Sliced, Upload, UploadStatus
from storage.uploads.receipts import Accepted, SlotState

#: The price of a chunk in points, in addition to its bytes.
CHUNK_POINTS = 1

DEAD = frozenset({UploadStatus.FAILED, UploadStatus.ABORTED, UploadStatus.EXPIRED})


class Ingest:
    """Receives chunks into slots."""

    def __init__(
        self,
        store: BlobStore,
        progress: Progress,
        notifications: JobNotifications,
        budgets: Budgets,
        lifetime: timedelta,
    ) -> None:
        self._store = store
        self._progress = progress
        self._notifications = notifications
        self._budgets = budgets
        self._lifetime = lifetime
        #: Other ways to fill slots respect these senders.
        self.senders = ActiveSenders()

    @asynccontextmanager
    async def open(
        self, authorization: SlotAuthorization, address: str, silence: Silence = never_silent
    ) -> AsyncIterator[ChunkSink]:
        """Open a slot for a sender with this authorization. Without a commit, the slot stays unchanged.

        The owner of the upload pays for the whole chunk first; bytes that did not arrive are refunded. ``address`` is
        that of the sender, ``silence`` the seconds for which it has been silent. Raises :class:`NotFound`,
        :class:`UploadClosed`, :class:`services.budgets.errors.RateLimited`, and :class:`SlotBusy` and
        :class:`services.uploads.errors.SlotTakenOver` like :mod:`services.uploads.active_senders`.
        """
        slot = await self._find_slot(authorization)
        bind_log_context(upload_id=slot.id, account_id=slot.account_id)
        _require_alive(slot)
        if not slot.sha256:
            require_receiving(slot)
        payer = Payer(address, slot.account_id)
        reservation = await self._budgets.reserve(payer, CHUNK_POINTS, authorization.size)
        sink: ChunkSink | None = None
        try:
            if slot.sha256:
                sink = RepeatedChunk(slot, authorization.index)
                yield sink
            else:
                async with self._lock_slot(slot, authorization, silence) as sink:
                    yield sink
        finally:
            self._refund_unused(reservation, sink)

    def _refund_unused(self, reservation: Reservation, sink: ChunkSink | None) -> None:
        """Refund the bytes that did not arrive. Refused bytes are not refunded: they were received and hashed."""
        unused = reservation.ingest_bytes - (sink.received_bytes if sink else 0)
        if unused > 0:
            self._budgets.refund(reservation, 0, unused)

    @asynccontextmanager
    async def _lock_slot(
        self, slot: SlotState, authorization: SlotAuthorization, silence: Silence
    ) -> AsyncIterator[ChunkSink]:
        index = authorization.index
        try:
            async with (
                self.senders.hold((slot.id, index), silence),
                self._store.slot(slot.staging_area, slot.slot_offset(index), authorization.size) as writer,
            ):
                # Read again now that the slot is locked: the bytes of a slot with a receipt must not change.
                slot = await self._find_slot(authorization)
                await self._prolong(slot)
                yield RepeatedChunk(slot, index) if slot.sha256 else FirstChunk(slot, index, writer, self.add_receipt)
        except SlotLocked as error:
            raise SlotBusy("Another request is filling this slot. Try again in a moment.") from error
        except StagingLost as error:
            if not await self.reopen_all_slots(slot):
                raise StorageUnavailable("The store did not accept the chunk. Send it again.") from error
            raise StorageUnavailable(
                "The store has lost the chunks of this upload. Send all of them again, this one first."
            ) from error
        except BlobNotFound as error:
            await self._require_unpublished(slot)
            raise UploadClosed("The upload has just ended.") from error

    async def _prolong(self, slot: SlotState) -> None:
        """Keep an upload from expiring while one of its chunks arrives, above all the first one."""
        if slot.expires_at < now() + self._lifetime / 2:
            await expiry.prolong(slot.id, now() + self._lifetime)

    async def reopen_all_slots(self, slot: Sliced) -> bool:
        """Reopen every slot of an upload whose bytes the store has lost. False if the store still has them.

        Raises :class:`UploadClosed`.
        """
        await self._require_unpublished(slot)
        reopened = await self._store.reopen(slot.staging_area, [])
        if reopened.staging == slot.staging_area:
            # The second response lists all chunks: a single response to the contrary must not discard a terabyte.
            return False
        if await rows.reopen_all_slots(slot, reopened):
            await self._progress.publish_snapshot(slot.id)
            return True
        await self._store.discard(reopened.staging)
        current = await receipts.slot(slot.id, 0)
        if not current or current.staging == slot.staging:
            raise UploadClosed("The upload has just ended.")
        return True

    async def _require_unpublished(self, slot: Sliced) -> None:
        """Let a worker adopt an upload whose bytes were published, and raise :class:`UploadClosed` for it."""
        upload = await rows.find(slot.id)
        if upload and await adopt_later(upload, self._store):
            await self._progress.publish_snapshot(upload.id)
            await self._notifications.send(JobKind.REASSEMBLE)
            raise UploadClosed("All bytes of this upload are stored already, and are being verified.")

    async def publish_receipts(self, upload: Sliced, accepted: Accepted) -> None:
        """Notify the watchers of new receipts, and the workers if the upload is complete."""
        if accepted.complete:
            frame = ProgressFrame(upload.id, UploadStatus.REASSEMBLING, 0.0, 0, upload.size)
            await self._progress.publish(frame, upload.account_id)
            await self._notifications.send(JobKind.REASSEMBLE)
        else:
            frame = receiving_frame(upload.id, accepted.received.bytes, upload.size)
            await self._progress.publish(frame, upload.account_id)

    @property
    def lifetime(self) -> timedelta:
        """The time for which an upload waits for its next chunk."""
        return self._lifetime

    async def add_receipt(self, slot: SlotState, index: int, digests: Digests) -> Receipt:
        """Store a receipt for bytes that are in their slot, and notify the watchers; the last one queues reassembly.

        Raises :class:`UploadClosed` if the upload has ended meanwhile.
        """
        try:
            accepted = await receipts.add(slot, index, digests, now(), now() + self._lifetime)
        except StateChanged as error:
            raise UploadClosed("The upload has ended meanwhile.") from error
        await self.publish_receipts(slot, accepted)
        return Receipt.of(slot, index, digests.sha256, accepted.received)

    async def _find_slot(self, authorization: SlotAuthorization) -> SlotState:
        index = authorization.index
        slot = await receipts.slot(authorization.upload_id, index)
        if not slot or not 0 <= index < slot.chunk_count or slot.slot_size(index) != authorization.size:
            raise NotFound("There is no such slot.")
        return slot


def _require_alive(slot: SlotState) -> None:
    # The bytes of a dead upload are deleted, so even a received chunk is not confirmed.
    if slot.status in DEAD:
        raise UploadClosed(f"The upload accepts no more chunks: it is {slot.status.value}.")


def require_receiving(slot: SlotState) -> None:
    """Raise :class:`UploadClosed` unless the upload accepts chunks."""
    if slot.status is not UploadStatus.RECEIVING:
        raise UploadClosed(f"The upload accepts no more chunks: it is {slot.status.value}.")
    if slot.expires_at < now():
        raise UploadClosed("The upload has expired.")


def slot_authorization(upload: Upload, index: int) -> SlotAuthorization:
    """The authorization in a slot's URL."""
    return SlotAuthorization(upload.id, index, upload.slot_size(index))
