"""Receipts: which slots of an upload are filled, and how to fill them.

Every chunk goes through :func:`slot` and :func:`add`. Their statements are written out, because the ORM takes longer to
compose them than the database to run them: this reduced the processor time per chunk from 2.3 to 1.4 ms.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tortoise.exceptions import IntegrityError
from tortoise.expressions import F

from storage.blobs import Digests
from storage.database.connection import as_uuid, atomically, execute_many, fetch, fetch_in_transaction
from storage.errors import Duplicate, StateChanged, StorageError
from storage.jobs import jobs
from storage.uploads.known_chunks import KnownChunk
from storage.uploads.models import JOB_OF_STATUS, Chunk, Sliced, Upload, UploadStatus

#: The maximum number of chunks of an upload.
MAX_CHUNKS = 10_000
SLOT = """
SELECT upload.account_id, upload.size, upload.chunk_size, upload.status, upload.expires_at,
       upload.received_chunks, upload.received_bytes, upload.staging, chunk.sha256
FROM upload LEFT JOIN chunk ON chunk.upload_id = upload.id AND chunk."index" = ?
WHERE upload.id = ?"""
INSERT = 'INSERT INTO chunk (upload_id, "index", size, sha256, xxh3, etag) VALUES (?, ?, ?, ?, ?, ?)'
INSERT_KNOWN = """
INSERT INTO chunk (upload_id, "index", size, sha256, xxh3, source, source_offset) VALUES (?, ?, ?, ?, ?, ?, ?)"""
SET_ETAG = 'UPDATE chunk SET etag = ? WHERE upload_id = ? AND "index" = ?'
COUNT = """
UPDATE upload SET expires_at = ?, received_chunks = received_chunks + 1, received_bytes = received_bytes + ?
WHERE id = ? AND COALESCE(staging, '') = ? AND status = 'RECEIVING' AND received_chunks < ?
RETURNING id, received_chunks, received_bytes"""
#: Both in one statement and one round trip. A concurrent statement waits for the upload's row and then evaluates it
#: again; if the slot has a receipt, the count is rolled back as well.
COUNT_AND_INSERT = "\n".join(
    (
        "WITH counted AS (",
        COUNT,
        "), added AS (",
        'INSERT INTO chunk (upload_id, "index", size, sha256, xxh3, etag) SELECT id, ?, ?, ?, ?, ? FROM counted',
        ") SELECT id, received_chunks, received_bytes FROM counted",
    )
)


@dataclass(frozen=True)
class Received:
    """The chunks and bytes of an upload that have arrived."""

    chunks: int
    bytes: int


@dataclass(frozen=True)
class Accepted:
    """The result of a new receipt. ``complete`` means that it was the last one, and reassembly is queued."""

    received: Received
    complete: bool


@dataclass(frozen=True)
class ReportedChunk:
    """A chunk that a client reported and the store confirmed."""

    index: int
    size: int
    sha256: str
    etag: str


@dataclass(frozen=True)
class SlotState(Sliced):
    """The columns of an upload that a chunk needs, and one of its slots.

    ``sha256`` is that of the chunk in the slot, or None while the slot is open. ``received`` counts the whole upload.
    """

    id: UUID
    account_id: UUID
    size: int
    chunk_size: int
    status: UploadStatus
    expires_at: datetime
    received: Received
    staging: str | None
    sha256: str | None


async def slot(upload_id: UUID, index: int) -> SlotState | None:
    """An upload and one of its slots, which need not exist; None if the upload does not exist."""
    rows = await fetch(SLOT, index, upload_id)
    if not rows:
        return None
    account_id, size, chunk_size, status, expires_at, chunks, count, staging, sha256 = rows[0]
    moment = Upload._meta.fields_map["expires_at"].to_python_value(expires_at)
    state, received = UploadStatus(status), Received(chunks, count)
    return SlotState(upload_id, as_uuid(account_id), size, chunk_size, state, moment, received, staging, sha256)


async def add(
    upload: SlotState | Upload, index: int, digests: Digests, now: datetime, expires_at: datetime
) -> Accepted:
    """Store the receipt of a slot and prolong the upload; the last receipt queues reassembly in the same transaction.

    Raises :class:`Duplicate` if the slot has a receipt, and :class:`StateChanged` if the upload accepts no chunks, or
    has moved to another staging area.
    """
    size, receipt = upload.slot_size(index), (digests.sha256, digests.xxh3, digests.etag)
    chunk = (upload.id, index, size, *receipt)
    count = (expires_at, size, upload.id, upload.staging or "")

    async def fill_last() -> Accepted:
        # The lock on this row also serialises two last chunks, so that one of them sees the full set.
        counted = await fetch(COUNT, *count, upload.chunk_count)
        if not counted:
            raise await _refusal(upload.id, index)
        await fetch(INSERT, *chunk)
        received = Received(*counted[0][1:])
        if received.chunks == upload.chunk_count:
            await queue_reassembly(upload.id, now)
        return Accepted(received, received.chunks == upload.chunk_count)

    all_but_last = upload.chunk_count - 1
    combined = (COUNT_AND_INSERT, (*count, all_but_last, index, size, *receipt))
    try:
        if counted := await fetch_in_transaction((INSERT, chunk), (COUNT, (*count, all_but_last)), combined=combined):
            return Accepted(Received(*counted[0][1:]), complete=False)
        return await atomically(fill_last)
    except IntegrityError as error:
        raise Duplicate("the slot has a receipt") from error


async def _refusal(upload_id: UUID, index: int) -> StorageError:
    """The reason why an upload does not accept a chunk."""
    if await Chunk.filter(upload_id=upload_id, index=index).exists():
        return Duplicate("the slot has a receipt")
    return StateChanged("the upload accepts no chunks")


async def add_reported(
    upload: Upload, reported: Collection[ReportedChunk], now: datetime, expires_at: datetime
) -> tuple[Accepted, dict[int, str | None]]:
    """Store receipts of slots that clients filled in the store itself, unless a slot has one.

    The last one queues reassembly. Also returns the ETags of existing receipts. Raises :class:`StateChanged` if the
    upload accepts no chunks.
    """

    async def work() -> tuple[Accepted, dict[int, str | None]]:
        # The update comes first, because the lock on this row serialises two reports.
        open_ = Upload.filter(id=upload.id, status=UploadStatus.RECEIVING, staging=upload.staging)
        if not await open_.update(expires_at=expires_at):
            raise StateChanged("the upload accepts no chunks")
        existing_rows = Chunk.filter(upload_id=upload.id, index__in=[chunk.index for chunk in reported])
        existing = {row["index"]: row["etag"] for row in await existing_rows.values("index", "etag")}
        new = {chunk.index: chunk for chunk in reported if chunk.index not in existing}
        await Chunk.bulk_create(
            [
                Chunk(upload_id=upload.id, index=index, size=chunk.size, sha256=chunk.sha256, etag=chunk.etag)
                for index, chunk in new.items()
            ]
        )
        await Upload.filter(id=upload.id).update(
            received_chunks=F("received_chunks") + len(new),
            received_bytes=F("received_bytes") + sum(chunk.size for chunk in new.values()),
        )
        counted = await Upload.get(id=upload.id)
        complete = counted.received_chunks == counted.chunk_count
        if complete:
            await queue_reassembly(upload.id, now)
        return Accepted(Received(counted.received_chunks, counted.received_bytes), complete), existing

    return await atomically(work)


async def add_known(chunks: Mapping[UUID, Mapping[int, KnownChunk]]) -> None:
    """Store receipts for chunks that are already in blobs, by upload and index. Call it inside a transaction."""
    rows = [
        (upload_id, index, chunk.size, chunk.sha256, chunk.xxh3, chunk.key, chunk.offset)
        for upload_id, by_index in chunks.items()
        for index, chunk in by_index.items()
    ]
    await execute_many(INSERT_KNOWN, rows)


async def reopen(upload_id: UUID, indexes: Collection[int]) -> None:
    """Open slots again. Call it inside a transaction."""
    reopened = Chunk.filter(upload_id=upload_id, index__in=list(indexes))
    rows: Any = await reopened.values_list("size", "source")
    await reopened.delete()
    await Upload.filter(id=upload_id).update(
        received_chunks=F("received_chunks") - len(rows),
        received_bytes=F("received_bytes") - sum(size for size, _ in rows),
        # From now on the sender has to send them.
        known_bytes=F("known_bytes") - sum(size for size, source in rows if source),
    )


async def find_all(upload_id: UUID, start: int = 0, limit: int = MAX_CHUNKS) -> list[Chunk]:
    """The first receipts of an upload from index ``start`` on, by index."""
    return await Chunk.filter(upload_id=upload_id, index__gte=start).order_by("index").limit(limit)


async def identities(upload_id: UUID, end: int) -> list[tuple[int, str]]:
    """ID and SHA-256 of the receipts before index ``end``, by index.

    A database never uses an ID twice, so a slot that was reopened and filled has another ID. Only after a failover to a
    server without the last receipts may an ID repeat: then the digests differ, unless the bytes are the same.
    """
    rows: Any = Chunk.filter(upload_id=upload_id, index__lt=end).order_by("index").values_list("id", "sha256")
    return list(await rows)


async def set_etags(upload_id: UUID, etags: Mapping[int, str | None]) -> None:
    """Store new ETags of slots, by index."""
    await execute_many(SET_ETAG, [(etag, upload_id, index) for index, etag in etags.items()])


async def queue_reassembly(upload_id: UUID, now: datetime) -> None:
    """Queue the reassembly of an upload whose slots are all filled. Call it inside a transaction."""
    status = UploadStatus.REASSEMBLING
    await Upload.filter(id=upload_id).update(status=status)
    await jobs.enqueue(JOB_OF_STATUS[status], upload_id, now)
