"""Receives the only chunks of several small files at once.

The rules are those of :mod:`services.uploads.ingest`: a slot has one writer at a time, and its bytes never change once
it has a receipt. The receipts of one call are stored in one transaction.
"""

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from services.budgets.budgets import Budgets, Payer
from services.core.clock import now
from services.core.errors import ExpectedError, NotFound, StorageUnavailable
from services.uploads.active_senders import never_silent
from services.uploads.chunk_sinks import Receipt, full_disk
from services.uploads.errors import ChunkSizeMismatch, SlotBusy, SlotConflict, UploadClosed
from services.uploads.ingest import Ingest, require_receiving
from storage.blobs import BlobStore, Digests, SlotWriter
from storage.cancellation import run_to_end
from storage.errors import BlobNotFound, NoSpace, SlotLocked, StagingLost, StateChanged
from storage.jobs.job_notifications import JobNotifications
from storage.jobs.models import JobKind
from storage.uploads import small_files
from storage.uploads.receipts import Received, SlotState

MAX_SIZE = small_files.MAX_SIZE
MAX_CHUNKS = small_files.MAX_FILES
#: The price of chunks in points, in addition to their bytes: a group of this many takes the time of a single one.
CHUNKS_FOR_POINT = 4

Outcome = Receipt | ExpectedError


@dataclass(frozen=True)
class SmallChunk:
    """The only chunk of an upload."""

    upload_id: UUID
    content: bytes


class SmallChunks:
    """Receives small chunks of authorized senders."""

    def __init__(self, store: BlobStore, ingest: Ingest, notifications: JobNotifications, budgets: Budgets) -> None:
        self._store = store
        self._ingest = ingest
        self._notifications = notifications
        self._budgets = budgets

    async def receive(self, chunks: Sequence[SmallChunk], address: str) -> list[Outcome]:
        """Store chunks, each of another upload, and return the receipt of each, or why it was refused.

        The owners of the uploads pay for them first. ``address`` is that of the sender. Raises
        :class:`services.budgets.errors.RateLimited`.
        """
        slots = await small_files.slots({chunk.upload_id for chunk in chunks})
        await self._pay(chunks, slots, address)
        outcomes: dict[UUID, Outcome] = {}
        new: dict[UUID, SmallChunk] = {}
        for chunk in chunks:
            try:
                if receipt := _repeated(chunk, slots.get(chunk.upload_id)):
                    outcomes[chunk.upload_id] = receipt
                else:
                    new[chunk.upload_id] = chunk
            except ExpectedError as error:
                outcomes[chunk.upload_id] = error
        async with AsyncExitStack() as stack:
            filled = await self._write(stack, new, slots, outcomes)
            if filled:
                # The senders must keep the slots until it is known whether the receipts are stored.
                outcomes |= await run_to_end(self._add_receipts(filled))
        return [outcomes[chunk.upload_id] for chunk in chunks]

    async def _pay(self, chunks: Sequence[SmallChunk], slots: dict[UUID, SlotState], address: str) -> None:
        by_owner: dict[UUID, list[int]] = {}
        for chunk in chunks:
            if slot := slots.get(chunk.upload_id):
                by_owner.setdefault(slot.account_id, []).append(len(chunk.content))
        for owner, sizes in by_owner.items():
            await self._budgets.reserve(Payer(address, owner), -(-len(sizes) // CHUNKS_FOR_POINT), sum(sizes))

    async def _write(
        self,
        stack: AsyncExitStack,
        chunks: dict[UUID, SmallChunk],
        slots: dict[UUID, SlotState],
        outcomes: dict[UUID, Outcome],
    ) -> dict[UUID, tuple[SlotState, Digests]]:
        """Write the chunks into their slots, which are locked until the end of ``stack``."""
        writers: dict[UUID, SlotWriter] = {}
        for key in chunks:
            try:
                writers[key] = await stack.enter_async_context(self._slot(slots[key]))
            except ExpectedError as error:
                outcomes[key] = error
        # Read again now that the slots are locked: the bytes of a slot with a receipt must not change.
        current = await small_files.slots(writers) if writers else {}
        filled = {}
        for key, writer in writers.items():
            try:
                slot = _require_open(current.get(key))
                filled[key] = slot, await _fill(writer, chunks[key].content)
            except ExpectedError as error:
                outcomes[key] = error
        return filled

    @asynccontextmanager
    async def _slot(self, slot: SlotState) -> AsyncIterator[SlotWriter]:
        """Lock a slot."""
        try:
            async with (
                self._ingest.senders.hold((slot.id, 0), never_silent),
                self._store.slot(slot.staging_area, 0, slot.size) as writer,
            ):
                yield writer
        except SlotLocked as error:
            raise SlotBusy("Another request is filling this slot. Try again in a moment.") from error
        except BlobNotFound as error:
            raise UploadClosed("The upload has just ended.") from error

    async def _add_receipts(self, filled: dict[UUID, tuple[SlotState, Digests]]) -> dict[UUID, Outcome]:
        try:
            await small_files.add_receipts(filled, now(), now() + self._ingest.lifetime)
        except StateChanged:
            busy = SlotBusy("Another request has just filled a slot, or an upload has ended. Send the chunks again.")
            return dict.fromkeys(filled, busy)
        await self._notifications.send(JobKind.REASSEMBLE)
        received = Received(1, 0)
        return {key: Receipt.of(slot, 0, digests.sha256, received) for key, (slot, digests) in filled.items()}


def _repeated(chunk: SmallChunk, slot: SlotState | None) -> Receipt | None:
    """The receipt of a chunk that was received before; None for a new one. Raises :class:`ExpectedError`."""
    if not slot or not small_files.is_small(slot):
        raise NotFound("There is no such slot.")
    if slot.size != len(chunk.content):
        raise ChunkSizeMismatch(f"Slot 0 takes {slot.size} bytes, and {len(chunk.content)} came.")
    if not slot.sha256:
        require_receiving(slot)
        return None
    if slot.sha256 != hashlib.sha256(chunk.content).hexdigest():
        raise SlotConflict("This slot already holds a chunk with other bytes.")
    return Receipt.of(slot, 0, slot.sha256, slot.received)


def _require_open(slot: SlotState | None) -> SlotState:
    if not slot:
        raise NotFound("There is no such slot.")
    if slot.sha256:
        raise SlotBusy("Another request has just filled this slot. Send the chunk again to compare it.")
    require_receiving(slot)
    return slot


async def _fill(writer: SlotWriter, content: bytes) -> Digests:
    try:
        await writer.write([content])
        return await writer.finish()
    except NoSpace as error:
        raise full_disk() from error
    except StagingLost as error:
        raise StorageUnavailable("The store did not accept the chunk. Send it again by itself.") from error
