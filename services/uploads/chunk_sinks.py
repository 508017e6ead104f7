"""Sinks for the bytes of one chunk: they fill an open slot, or compare the bytes with the receipt of a filled slot."""

import asyncio
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from services.core.errors import StorageFull
from services.uploads.errors import ChecksumMismatch, ChunkSizeMismatch, SlotBusy, SlotConflict
from storage.blobs import Buffer, Digests, SlotWriter
from storage.blobs.hashing import CPU_SEMAPHORE
from storage.cancellation import run_to_end
from storage.errors import Duplicate, NoSpace, SlotOverflow
from storage.uploads.receipts import Received, SlotState


@dataclass(frozen=True)
class Receipt:
    """The server's acknowledgement of a chunk: it has exactly these bytes."""

    index: int
    size: int
    sha256: str
    received_chunks: int
    chunk_count: int

    @classmethod
    def of(cls, slot: SlotState, index: int, sha256: str, received: Received) -> "Receipt":
        """The receipt of a filled slot."""
        return cls(index, slot.slot_size(index), sha256, received.chunks, slot.chunk_count)

    @property
    def complete(self) -> bool:
        """Whether every slot of the upload is filled."""
        return self.received_chunks == self.chunk_count


class ChunkSink(Protocol):
    """Receives the bytes of one chunk as they arrive."""

    @property
    def received_bytes(self) -> int:
        """The bytes that have arrived so far."""
        ...

    @property
    def stores_on_threads(self) -> bool:
        """Whether :meth:`store` can be used."""
        ...

    def store(self, part: Buffer) -> None:
        """Add the next bytes. Blocks, so the caller uses a thread. Raises like :meth:`write`."""
        ...

    async def write(self, parts: Sequence[Buffer]) -> None:
        """Add the next bytes. Raises :class:`ChunkSizeMismatch` beyond the slot's end, :class:`StorageFull`."""
        ...

    async def commit(self, declared_sha256: str | None) -> Receipt:
        """End the chunk and return its receipt.

        Raises :class:`ChunkSizeMismatch` for too few bytes, :class:`ChecksumMismatch` if their digest is not the
        declared one, :class:`SlotConflict` if the slot holds other bytes, and
        :class:`services.uploads.errors.UploadClosed`. The slot is then unchanged.
        """
        ...


StoreReceipt = Callable[[SlotState, int, Digests], Awaitable[Receipt]]


class FirstChunk:
    """The first chunk for a slot: written to its place and hashed."""

    def __init__(self, slot: SlotState, index: int, writer: SlotWriter, store_receipt: StoreReceipt) -> None:
        self._slot = slot
        self._index = index
        self._writer = writer
        self._store_receipt = store_receipt

    @property
    def received_bytes(self) -> int:
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
            raise full_disk() from error

    async def commit(self, declared_sha256: str | None) -> Receipt:
        """See :class:`ChunkSink`."""

        def accept(digests: Digests) -> None:
            _require_size(self._writer.written, self._slot, self._index)
            _require_digest(digests.sha256, declared_sha256)

        with self._refusals():
            digests = await self._writer.finish(accept)
        try:
            # The sender must keep the slot until it is known whether the receipt is stored, also if it is cancelled.
            return await run_to_end(self._store_receipt(self._slot, self._index, digests))
        except Duplicate as error:
            raise SlotBusy("Another request has just filled this slot. Send the chunk again to compare it.") from error


class RepeatedChunk:
    """A chunk for a slot that is filled: hashed and compared, never written."""

    stores_on_threads = True

    def __init__(self, slot: SlotState, index: int) -> None:
        self.received_bytes = 0
        self._slot = slot
        self._index = index
        self._hash = hashlib.sha256()

    def store(self, part: Buffer) -> None:
        """See :class:`ChunkSink`."""
        self.received_bytes += len(part)
        if self.received_bytes > self._slot.slot_size(self._index):
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
        _require_size(self.received_bytes, self._slot, self._index)
        sha256 = self._hash.hexdigest()
        _require_digest(sha256, declared_sha256)
        if sha256 != self._slot.sha256:
            raise SlotConflict("This slot already holds a chunk with other bytes.")
        return Receipt.of(self._slot, self._index, sha256, self._slot.received)


def _require_size(size: int, slot: SlotState, index: int) -> None:
    if size != slot.slot_size(index):
        raise ChunkSizeMismatch(f"Slot {index} takes {slot.slot_size(index)} bytes, and {size} came.")


def _require_digest(sha256: str, declared: str | None) -> None:
    if declared is not None and not hmac.compare_digest(sha256, declared):
        raise ChecksumMismatch(f"The chunk's SHA-256 is {sha256}, not the declared one.")


def _too_long(slot: SlotState, index: int) -> ChunkSizeMismatch:
    return ChunkSizeMismatch(f"Slot {index} takes {slot.slot_size(index)} bytes, and more arrived.")


def full_disk() -> StorageFull:
    """The error for a chunk that does not fit on the disk."""
    return StorageFull("The server's disk is full. Acknowledged chunks are safe; send this one again later.")
