"""Taking one chunk in: who may fill a slot, what a receipt needs, and what a chunk that comes twice gets."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from services.budgets.budgets import Budgets, Payer, Reservation
from services.core.clock import now
from services.core.errors import NotFound, StorageFull, StorageUnavailable
from services.core.log_context import note
from services.core.signed_urls import SlotAuthorization
from services.uploads import progress
from services.uploads.active_senders import Silence, SlotHolders, never_silent
from services.uploads.errors import ChecksumMismatch, ChunkSizeMismatch, SlotBusy, SlotConflict, UploadClosed
from services.uploads.progress import Frame, Progress
from storage.blobs import BlobStore, Buffer, Digests, SlotWriter
from storage.blobs.hashing import CPU_SEMAPHORE
from storage.errors import BlobNotFound, Duplicate, NoSpace, SlotLocked, SlotOverflow, StagingLost, StateChanged
from storage.jobs.job_notifications import JobNotifications
from storage.uploads import receipts
from storage.uploads import uploads as rows
from storage.uploads.models import JOB_OF_STATUS, Sliced, Upload, UploadStatus
from storage.uploads.receipts import Accepted, Received, SlotState

#: What a chunk costs beside its bytes.
CHUNK_POINTS = 1

DEAD = frozenset({UploadStatus.FAILED, UploadStatus.ABORTED, UploadStatus.EXPIRED})


@dataclass(frozen=True)
class Receipt:
    """What the sender of a chunk gets: the server holds exactly these bytes."""

    index: int
    size: int
    sha256: str
    received_chunks: int
    chunk_count: int

    @property
    def complete(self) -> bool:
        """Whether every slot of the upload is filled."""
        return self.received_chunks == self.chunk_count


class ChunkSink(Protocol):
    """Where the bytes of one chunk go while they arrive."""

    @property
    def taken(self) -> int:
        """The bytes that have come so far."""
        ...

    @property
    def stores_on_threads(self) -> bool:
        """Whether :meth:`store` can be used."""
        ...

    def store(self, part: Buffer) -> None:
        """Take the next bytes, blocking, on a thread of the caller's. Raises like :meth:`write`."""
        ...

    async def write(self, parts: Sequence[Buffer]) -> None:
        """Take the next bytes. Raises :class:`ChunkSizeMismatch` past the slot's end, :class:`StorageFull`."""
        ...

    async def commit(self, declared_sha256: str | None) -> Receipt:
        """End the chunk and get its receipt.

        Raises :class:`ChunkSizeMismatch` on too few bytes, :class:`ChecksumMismatch` when they are not the declared
        ones, :class:`SlotConflict` when the slot holds other bytes, :class:`UploadClosed`. The slot is then unchanged.
        """
        ...


class Ingest:
    """Fills slots."""

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
        self._holders = SlotHolders()

    @asynccontextmanager
    async def open(
        self, right: SlotAuthorization, address: str, silence: Silence = never_silent
    ) -> AsyncIterator[ChunkSink]:
        """Open a slot for whoever holds this right. Leaving without a commit leaves the slot as it was.

        The owner of the upload pays, for the whole chunk at once; bytes that did not come are given back. ``address``
        is the sender's. ``silence`` says for how long the sender has kept us waiting. Raises :class:`NotFound`,
        :class:`UploadClosed`, :class:`services.budgets.errors.RateLimited`, and :class:`SlotBusy` and
        :class:`services.uploads.errors.SlotTakenOver` as :mod:`services.uploads.active_senders` says.
        """
        slot = await self._slot(right)
        note(upload_id=slot.id, account_id=slot.account_id)
        _require_alive(slot)
        if not slot.sha256:
            _require_receiving(slot)
        reservation = await self._budgets.reserve(Payer(address, slot.account_id), CHUNK_POINTS, right.size)
        with _Bill(self._budgets, reservation) as bill:
            if slot.sha256:
                yield bill.of(_Repeated(slot, right.index))
                return
            async with self._locked(slot, right, silence) as sink:
                yield bill.of(sink)

    @asynccontextmanager
    async def _locked(self, slot: SlotState, right: SlotAuthorization, silence: Silence) -> AsyncIterator[ChunkSink]:
        try:
            async with (
                self._holders.hold((slot.id, right.index), silence),
                self._store.slot(slot.staging_area, slot.slot_offset(right.index), right.size) as writer,
            ):
                # Asked again now that nobody else can write: a receipt makes the slot's bytes untouchable.
                slot = await self._slot(right)
                yield _Repeated(slot, right.index) if slot.sha256 else _Filling(self, slot, right.index, writer)
        except SlotLocked as error:
            raise SlotBusy("Another request is filling this slot. Try again in a moment.") from error
        except StagingLost as error:
            if not await self.begin_again(slot):
                raise StorageUnavailable("The store did not take the chunk. Send it again.") from error
            raise StorageUnavailable("Its chunks are gone from the store. Send them again, this one first.") from error
        except BlobNotFound as error:
            raise UploadClosed("The upload has just ended.") from error

    async def begin_again(self, slot: Sliced) -> bool:
        """Open every slot of an upload whose bytes the store has thrown away. False, and nothing, if it still has them.

        Raises :class:`UploadClosed`.
        """
        place = await self._store.reopen(slot.staging_area, [])
        if place.staging == slot.staging_area:
            # Asked again, it has them all. One answer to the contrary is no reason to send a terabyte once more.
            return False
        if await rows.begin_again(slot, place):
            await self._progress.changed(slot.id)
            return True
        await self._store.discard(place.staging)
        now_there = await receipts.slot(slot.id, 0)
        if not now_there or now_there.staging == slot.staging:
            raise UploadClosed("The upload has just ended.")
        return True

    async def publish_receipts(self, upload: Sliced, accepted: Accepted) -> None:
        """Publish the progress after new receipts, and notify the workers when the last one has queued a job."""
        if accepted.complete:
            status = UploadStatus.REASSEMBLING
            await self._progress.publish(Frame(upload.id, status, 0.0, 0, upload.size))
            await self._notifications.send(JOB_OF_STATUS[status])
        else:
            await self._progress.publish(progress.receiving(upload.id, accepted.received.bytes, upload.size))

    @property
    def lifetime(self) -> timedelta:
        """How long an upload waits for its next chunk."""
        return self._lifetime

    async def accept(self, slot: SlotState, index: int, digests: Digests) -> Receipt:
        """Store a receipt for bytes that are in their place, tell the watchers, and start the reassembly if complete.

        Raises :class:`UploadClosed` when the upload ended meanwhile.
        """
        try:
            accepted = await receipts.add(slot, index, digests, now(), now() + self._lifetime)
        except StateChanged as error:
            raise UploadClosed("The upload has ended meanwhile.") from error
        await self.publish_receipts(slot, accepted)
        return _receipt(slot, index, digests.sha256, accepted.received)

    async def _slot(self, right: SlotAuthorization) -> SlotState:
        slot = await receipts.slot(right.upload_id, right.index)
        if not slot or not 0 <= right.index < slot.chunk_count or slot.slot_size(right.index) != right.size:
            raise NotFound("There is no such slot.")
        return slot


class _Bill:
    """Gives back what was paid for bytes that did not come, however the block ends.

    What came is paid for even if it is refused then: it was received and hashed.
    """

    def __init__(self, budgets: Budgets, reservation: Reservation) -> None:
        self._budgets = budgets
        self._reservation = reservation
        self._sink: ChunkSink | None = None

    def of(self, sink: ChunkSink) -> ChunkSink:
        """Name the sink that knows what came."""
        self._sink = sink
        return sink

    def __enter__(self) -> "_Bill":
        return self

    def __exit__(self, *_: object) -> None:
        unused = self._reservation.ingest_bytes - (self._sink.taken if self._sink else 0)
        if unused > 0:
            self._budgets.refund(self._reservation, 0, unused)


def _require_alive(slot: SlotState) -> None:
    # The bytes of a dead upload are gone, so that not even a chunk that was received is confirmed.
    if slot.status in DEAD:
        raise UploadClosed(f"The upload takes no more chunks: it is {slot.status.value}.")


def _require_receiving(slot: SlotState) -> None:
    if slot.status is not UploadStatus.RECEIVING:
        raise UploadClosed(f"The upload takes no more chunks: it is {slot.status.value}.")
    if slot.expires_at < now():
        raise UploadClosed("The upload has expired.")


def _receipt(slot: SlotState, index: int, sha256: str, received: Received) -> Receipt:
    return Receipt(index, slot.slot_size(index), sha256, received.chunks, slot.chunk_count)


class _Filling:
    """The first chunk for a slot: written in its place while it is hashed."""

    def __init__(self, ingest: Ingest, slot: SlotState, index: int, writer: SlotWriter) -> None:
        self._ingest = ingest
        self._slot = slot
        self._index = index
        self._writer = writer

    @property
    def taken(self) -> int:
        """See :class:`ChunkSink`."""
        return self._writer.written

    @property
    def stores_on_threads(self) -> bool:
        """See :class:`ChunkSink`."""
        return self._writer.stores_on_threads

    def store(self, part: Buffer) -> None:
        """See :class:`ChunkSink`."""
        with self._refusals():
            self._writer.store(part)

    async def write(self, parts: Sequence[Buffer]) -> None:
        """See :class:`ChunkSink`."""
        with self._refusals():
            await self._writer.write(parts)

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except SlotOverflow as error:
            raise _too_long(self._slot, self._index) from error
        except NoSpace as error:
            raise _full() from error

    async def commit(self, declared_sha256: str | None) -> Receipt:
        """See :class:`ChunkSink`."""

        def accept(digests: Digests) -> None:
            _require_size(self._writer.written, self._slot, self._index)
            _require_digest(digests.sha256, declared_sha256)

        with self._refusals():
            digests = await self._writer.finish(accept)
        try:
            return await self._ingest.accept(self._slot, self._index, digests)
        except Duplicate as error:
            raise SlotBusy("Another request has just filled this slot. Send the chunk again to compare.") from error


class _Repeated:
    """A chunk for a slot that is filled: hashed and compared, never written."""

    stores_on_threads = True

    def __init__(self, slot: SlotState, index: int) -> None:
        self._slot = slot
        self._index = index
        self._hash = hashlib.sha256()
        self._seen = 0

    @property
    def taken(self) -> int:
        """See :class:`ChunkSink`."""
        return self._seen

    def store(self, part: Buffer) -> None:
        """See :class:`ChunkSink`."""
        self._seen += len(part)
        if self._seen > self._slot.slot_size(self._index):
            raise _too_long(self._slot, self._index)
        with CPU_SEMAPHORE:
            self._hash.update(part)

    async def write(self, parts: Sequence[Buffer]) -> None:
        """See :class:`ChunkSink`."""
        await asyncio.to_thread(self._store_all, parts)

    def _store_all(self, parts: Sequence[Buffer]) -> None:
        for part in parts:
            self.store(part)

    async def commit(self, declared_sha256: str | None) -> Receipt:
        """See :class:`ChunkSink`."""
        _require_size(self._seen, self._slot, self._index)
        sha256 = self._hash.hexdigest()
        _require_digest(sha256, declared_sha256)
        if sha256 != self._slot.sha256:
            raise SlotConflict("This slot already holds a chunk with other bytes.")
        return _receipt(self._slot, self._index, sha256, self._slot.received)


def _require_size(size: int, slot: SlotState, index: int) -> None:
    if size != slot.slot_size(index):
        raise ChunkSizeMismatch(f"Slot {index} takes {slot.slot_size(index)} bytes, and {size} came.")


def _require_digest(sha256: str, declared: str | None) -> None:
    if declared is not None and not hmac.compare_digest(sha256, declared):
        raise ChecksumMismatch(f"The chunk's SHA-256 is {sha256}, not the declared one.")


def _too_long(slot: SlotState, index: int) -> ChunkSizeMismatch:
    return ChunkSizeMismatch(f"Slot {index} takes {slot.slot_size(index)} bytes, and more came.")


def _full() -> StorageFull:
    return StorageFull("The server's disk is full. Chunks that were acknowledged are safe; try this one again later.")


def slot_authorization(upload: Upload, index: int) -> SlotAuthorization:
    """The right that a slot's URL carries."""
    return SlotAuthorization(upload.id, index, upload.slot_size(index))


def parse_upload_id(text: str) -> UUID:
    """An upload's ID from a URL. Raises :class:`NotFound`."""
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound("There is no such upload.") from error
