"""Receipts: when a chunk gets one, and its effects."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from services.access.signed_urls import SlotAuthorization
from services.core.clock import now
from services.core.errors import NotFound
from services.uploads.chunk_sinks import Receipt
from services.uploads.errors import (
    ChecksumMismatch,
    ChunkSizeMismatch,
    SlotBusy,
    SlotConflict,
    SlotTakenOver,
    UploadClosed,
)
from services.uploads.ingest import Ingest, slot_authorization
from storage.jobs.models import Job, JobKind, JobState
from storage.uploads.models import Chunk, Upload, UploadStatus
from tests.services.conftest import SENDER, Bench, a_file
from tests.support.server import digest

SIZE = 65_536
CONTENT = bytes(range(250)) * 524
CHUNKS = [CONTENT[:SIZE], CONTENT[SIZE:]]


@pytest.fixture
async def upload(bench: Bench, ada: UUID) -> Upload:
    return await bench.uploads.init(ada, a_file(len(CONTENT)))


async def send(bench: Bench, right: SlotAuthorization, body: bytes, declared: str | None = None) -> Receipt:
    async with bench.ingest.open(right, SENDER) as sink:
        await sink.write([body[:100], body[100:]])
        return await sink.commit(declared)


async def test_a_receipt_says_what_the_server_holds(bench: Bench, upload: Upload) -> None:
    receipt = await send(bench, slot_authorization(upload, 0), CHUNKS[0], digest(CHUNKS[0]))
    assert receipt == Receipt(0, SIZE, digest(CHUNKS[0]), 1, 2)
    assert not receipt.complete


async def test_every_chunk_prolongs_the_upload(bench: Bench, upload: Upload) -> None:
    await Upload.filter(id=upload.id).update(expires_at=now() + timedelta(seconds=60))
    await send(bench, slot_authorization(upload, 0), CHUNKS[0])
    assert (await Upload.get(id=upload.id)).expires_at > now() + timedelta(minutes=30)


async def test_the_last_chunk_queues_one_reassembly_however_many_came_at_once(bench: Bench, upload: Upload) -> None:
    sent = [send(bench, slot_authorization(upload, index), CHUNKS[index]) for index in range(2)]
    receipts = await asyncio.gather(*sent)
    assert sorted(receipt.complete for receipt in receipts) == [False, True]
    assert (await Upload.get(id=upload.id)).status is UploadStatus.REASSEMBLING
    job = await Job.get(kind=JobKind.REASSEMBLE, subject_id=upload.id)
    assert job.state is JobState.QUEUED


async def test_a_chunk_that_is_not_committed_leaves_its_slot_open(bench: Bench, upload: Upload) -> None:
    async with bench.ingest.open(slot_authorization(upload, 0), SENDER) as sink:
        await sink.write([CHUNKS[0]])
    assert await Chunk.all().count() == 0
    assert (await send(bench, slot_authorization(upload, 0), CHUNKS[0])).received_chunks == 1


@pytest.mark.parametrize("size", [0, SIZE - 1, SIZE + 1])
@pytest.mark.parametrize("filled", [False, True], ids=["open", "filled"])
async def test_a_chunk_of_another_size_is_refused(bench: Bench, upload: Upload, size: int, filled: bool) -> None:
    if filled:
        await send(bench, slot_authorization(upload, 0), CHUNKS[0])
    with pytest.raises(ChunkSizeMismatch):
        await send(bench, slot_authorization(upload, 0), CONTENT[:size])
    assert await Chunk.all().count() == filled


@pytest.mark.parametrize("filled", [False, True], ids=["open", "filled"])
async def test_a_chunk_that_is_not_what_was_declared_is_refused(bench: Bench, upload: Upload, filled: bool) -> None:
    if filled:
        await send(bench, slot_authorization(upload, 0), CHUNKS[0])
    with pytest.raises(ChecksumMismatch):
        await send(bench, slot_authorization(upload, 0), CHUNKS[0], "0" * 64)
    assert await Chunk.all().count() == filled


async def test_a_filled_slot_confirms_its_bytes_and_refuses_others(bench: Bench, upload: Upload) -> None:
    first = await send(bench, slot_authorization(upload, 0), CHUNKS[0])
    assert await send(bench, slot_authorization(upload, 0), CHUNKS[0]) == first
    with pytest.raises(SlotConflict):
        await send(bench, slot_authorization(upload, 0), bytes(SIZE))


async def test_a_slot_has_one_writer_at_a_time(bench: Bench, upload: Upload) -> None:
    async with bench.ingest.open(slot_authorization(upload, 0), SENDER):
        with pytest.raises(SlotBusy):
            await send(bench, slot_authorization(upload, 0), CHUNKS[0])
    await send(bench, slot_authorization(upload, 0), CHUNKS[0])


async def test_a_silent_writer_gives_way_in_its_own_process_only(bench: Bench, upload: Upload) -> None:
    opened = asyncio.Event()

    async def fall_silent() -> None:
        async with bench.ingest.open(slot_authorization(upload, 0), SENDER, lambda: 3600.0):
            opened.set()
            await asyncio.Event().wait()

    silent = asyncio.create_task(fall_silent())
    await opened.wait()
    elsewhere = Ingest(bench.store, bench.progress, bench.notifications, bench.budgets, timedelta(hours=1))
    with pytest.raises(SlotBusy):
        await send(replace(bench, ingest=elsewhere), slot_authorization(upload, 0), CHUNKS[0])
    assert (await send(bench, slot_authorization(upload, 0), CHUNKS[0])).received_chunks == 1
    with pytest.raises(SlotTakenOver):
        await silent


@pytest.mark.parametrize(
    "change", [{"index": 2}, {"index": -1}, {"size": SIZE - 1}, {"upload_id": UUID(int=1)}], ids=str
)
async def test_a_right_to_no_slot_opens_nothing(bench: Bench, upload: Upload, change: dict[str, int]) -> None:
    right = replace(slot_authorization(upload, 0), **change)  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        await send(bench, right, CHUNKS[0])


async def test_an_upload_whose_time_is_over_takes_no_chunk(bench: Bench, upload: Upload) -> None:
    await Upload.filter(id=upload.id).update(expires_at=now() - timedelta(seconds=1))
    with pytest.raises(UploadClosed):
        await send(bench, slot_authorization(upload, 0), CHUNKS[0])


@pytest.mark.parametrize("status", [UploadStatus.ABORTED, UploadStatus.EXPIRED, UploadStatus.FAILED])
@pytest.mark.parametrize("index", [0, 1], ids=["filled", "open"])
async def test_a_dead_upload_confirms_nothing(bench: Bench, upload: Upload, status: UploadStatus, index: int) -> None:
    await send(bench, slot_authorization(upload, 0), CHUNKS[0])
    await Upload.filter(id=upload.id).update(status=status)
    with pytest.raises(UploadClosed):
        await send(bench, slot_authorization(upload, index), CHUNKS[index])


@pytest.mark.parametrize("status", [UploadStatus.REASSEMBLING, UploadStatus.COMPRESSING, UploadStatus.READY])
async def test_a_lost_receipt_is_given_again_while_the_bytes_live(
    bench: Bench, upload: Upload, status: UploadStatus
) -> None:
    for index in range(2):
        await send(bench, slot_authorization(upload, index), CHUNKS[index])
    await Upload.filter(id=upload.id).update(status=status)
    assert (await send(bench, slot_authorization(upload, 0), CHUNKS[0])).complete


async def test_an_upload_that_ends_under_a_chunk_gives_no_receipt(bench: Bench, upload: Upload, ada: UUID) -> None:
    async with bench.ingest.open(slot_authorization(upload, 0), SENDER) as sink:
        await sink.write([CHUNKS[0]])
        await bench.uploads.abort(await bench.uploads.reload(upload))
        with pytest.raises(UploadClosed):
            await sink.commit(None)
    assert await Chunk.all().count() == 0
