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

from services import progress
from services.clock import now
from services.errors import (
    ChecksumMismatch,
    ChunkSizeMismatch,
    NotFound,
    SlotBusy,
    SlotConflict,
    StorageFull,
    UploadClosed,
)
from services.links import SlotRight
from services.progress import Frame, Progress
from storage import uploads as rows
from storage.blobs import BlobStore, Buffer, SlotWriter
from storage.errors import BlobNotFound, Duplicate, NoSpace, SlotLocked, SlotOverflow, StateChanged
from storage.hints import JobHints
from storage.models import Chunk, JobKind, Upload, UploadStatus

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

    def __init__(self, store: BlobStore, progress: Progress, hints: JobHints, lifetime: timedelta) -> None:
        self._store = store
        self._progress = progress
        self._hints = hints
        self._lifetime = lifetime

    @asynccontextmanager
    async def open(self, right: SlotRight) -> AsyncIterator[ChunkSink]:
        """Open a slot for whoever holds this right. Leaving without a commit leaves the slot as it was.

        Raises :class:`NotFound`, :class:`UploadClosed`, and :class:`SlotBusy` while somebody else fills the slot.
        """
        upload = await self._upload(right)
        _demand_alive(upload)
        if known := await rows.receipt(upload.id, right.index):
            yield _Repeated(upload, known)
            return
        _demand_receiving(upload)
        try:
            async with self._store.slot(str(upload.id), right.index * upload.chunk_size, right.size) as writer:
                # Asked again now that nobody else can write: a receipt makes the slot's bytes untouchable.
                known = await rows.receipt(upload.id, right.index)
                yield _Repeated(upload, known) if known else _Filling(self, upload, right.index, writer)
        except SlotLocked as error:
            raise SlotBusy("Another request is filling this slot. Try again in a moment.") from error
        except BlobNotFound as error:
            raise UploadClosed("The upload has just ended.") from error

    async def accept(self, upload: Upload, index: int, sha256: str) -> Receipt:
        """Store a receipt for bytes that are in their place, tell the watchers, and start the reassembly if complete.

        Raises :class:`UploadClosed` when the upload ended meanwhile.
        """
        try:
            accepted = await rows.add_receipt(upload, index, sha256, now(), now() + self._lifetime)
        except StateChanged as error:
            raise UploadClosed("The upload has ended meanwhile.") from error
        if accepted.complete:
            await self._progress.publish(Frame(upload.id, UploadStatus.REASSEMBLING, 0.0, 0, upload.size))
            await self._hints.send(JobKind.REASSEMBLE)
        else:
            await self._progress.publish(progress.receiving(upload, accepted.received.bytes))
        size = upload.slot_size(index)
        return Receipt(index, size, sha256, accepted.received.chunks, upload.chunk_count)

    async def _upload(self, right: SlotRight) -> Upload:
        upload = await rows.find(right.upload_id)
        if not upload or not 0 <= right.index < upload.chunk_count or upload.slot_size(right.index) != right.size:
            raise NotFound("There is no such slot.")
        return upload


def _demand_alive(upload: Upload) -> None:
    # The bytes of a dead upload are gone, so that not even a chunk that was received is confirmed.
    if upload.status in DEAD:
        raise UploadClosed(f"The upload takes no more chunks: it is {upload.status.value}.")


def _demand_receiving(upload: Upload) -> None:
    if upload.status is not UploadStatus.RECEIVING:
        raise UploadClosed(f"The upload takes no more chunks: it is {upload.status.value}.")
    if upload.expires_at < now():
        raise UploadClosed("The upload has expired.")


class _Filling:
    """The first chunk for a slot: written in its place while it is hashed."""

    def __init__(self, ingest: Ingest, upload: Upload, index: int, writer: SlotWriter) -> None:
        self._ingest = ingest
        self._upload = upload
        self._index = index
        self._writer = writer

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
            raise _too_long(self._upload, self._index) from error
        except NoSpace as error:
            raise _full() from error

    async def commit(self, declared_sha256: str | None) -> Receipt:
        """See :class:`ChunkSink`."""
        try:
            sha256 = await self._writer.finish()
        except NoSpace as error:
            raise _full() from error
        _demand_size(self._writer.written, self._upload, self._index)
        _demand_digest(sha256, declared_sha256)
        try:
            return await self._ingest.accept(self._upload, self._index, sha256)
        except Duplicate as error:
            raise SlotBusy("Another request has just filled this slot. Send the chunk again to compare.") from error


class _Repeated:
    """A chunk for a slot that is filled: hashed and compared, never written."""

    stores_on_threads = True

    def __init__(self, upload: Upload, known: Chunk) -> None:
        self._upload = upload
        self._known = known
        self._hash = hashlib.sha256()
        self._seen = 0

    def store(self, part: Buffer) -> None:
        """See :class:`ChunkSink`."""
        self._seen += len(part)
        if self._seen > self._known.size:
            raise _too_long(self._upload, self._known.index)
        self._hash.update(part)

    async def write(self, parts: Sequence[Buffer]) -> None:
        """See :class:`ChunkSink`."""
        await asyncio.to_thread(self._store_all, parts)

    def _store_all(self, parts: Sequence[Buffer]) -> None:
        for part in parts:
            self.store(part)

    async def commit(self, declared_sha256: str | None) -> Receipt:
        """See :class:`ChunkSink`."""
        _demand_size(self._seen, self._upload, self._known.index)
        sha256 = self._hash.hexdigest()
        _demand_digest(sha256, declared_sha256)
        if sha256 != self._known.sha256:
            raise SlotConflict("This slot already holds a chunk with other bytes.")
        there = await rows.received(self._upload.id)
        return Receipt(self._known.index, self._known.size, sha256, there.chunks, self._upload.chunk_count)


def _demand_size(size: int, upload: Upload, index: int) -> None:
    if size != upload.slot_size(index):
        raise ChunkSizeMismatch(f"Slot {index} takes {upload.slot_size(index)} bytes, and {size} came.")


def _demand_digest(sha256: str, declared: str | None) -> None:
    if declared is not None and not hmac.compare_digest(sha256, declared):
        raise ChecksumMismatch(f"The chunk's SHA-256 is {sha256}, not the declared one.")


def _too_long(upload: Upload, index: int) -> ChunkSizeMismatch:
    return ChunkSizeMismatch(f"Slot {index} takes {upload.slot_size(index)} bytes, and more came.")


def _full() -> StorageFull:
    return StorageFull("The server's disk is full. Chunks that were acknowledged are safe; try this one again later.")


def slot_right(upload: Upload, index: int) -> SlotRight:
    """The right that a slot's URL carries."""
    return SlotRight(upload.id, index, upload.slot_size(index))


def parse_upload_id(text: str) -> UUID:
    """An upload's ID from a URL. Raises :class:`NotFound`."""
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound("There is no such upload.") from error
