"""Receipts: a slot is filled once, and the last one queues the reassembly."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from storage.blobs import Digests
from storage.database.connection import atomically
from storage.errors import Duplicate, StateChanged
from storage.jobs import jobs
from storage.jobs.models import Job, JobKind
from storage.uploads import receipts, uploads
from storage.uploads.known_chunks import KnownChunk
from storage.uploads.models import Chunk, Upload, UploadStatus
from storage.uploads.receipts import Received, SlotState
from tests.storage.rows import LATER, NOW, SHA256, claim, filled_indexes, look, new_upload, receive

pytestmark = pytest.mark.usefixtures("database")


async def test_a_receipt_says_what_has_arrived() -> None:
    upload = await new_upload(chunks=3)
    accepted = await receive(upload, 2)
    assert (accepted.received, accepted.complete) == (Received(1, 7), False)
    accepted = await receive(upload, 0)
    assert (accepted.received, accepted.complete) == (Received(2, 17), False)
    assert (await receive(upload, 1)).received == Received(3, 27)


async def test_a_receipt_holds_index_size_and_digest() -> None:
    upload = await new_upload(chunks=2)
    await receipts.add(upload, 1, Digests("ab" * 32, "cd" * 16), NOW, LATER)
    (found,) = await receipts.find_all(upload.id)
    assert (found.index, found.size, found.sha256, found.xxh3) == (1, 7, "ab" * 32, "cd" * 16)


async def test_a_slot_is_found_with_what_is_in_it_and_what_its_upload_has() -> None:
    upload = await new_upload(chunks=2)
    await receipts.add(upload, 1, Digests("ab" * 32, "cd" * 16), NOW, LATER)
    filled, open_ = await receipts.slot(upload.id, 1), await receipts.slot(upload.id, 0)
    there = (upload.id, upload.account_id, 17, 10, UploadStatus.RECEIVING, LATER, Received(1, 7), None)
    assert filled == SlotState(*there, "ab" * 32)
    assert open_ == SlotState(*there, None)
    assert await receipts.slot(uuid4(), 0) is None


async def test_a_receipt_prolongs_the_upload() -> None:
    upload = await new_upload()
    await receive(upload, 0, LATER + timedelta(days=1))
    assert (await look(upload)).expires_at == LATER + timedelta(days=1)


async def test_the_last_receipt_starts_the_reassembly() -> None:
    upload = await new_upload(chunks=2)
    await receive(upload, 1)
    assert await jobs.find(JobKind.REASSEMBLE, upload.id) is None
    assert (await receive(upload, 0)).complete
    assert (await look(upload)).status is UploadStatus.REASSEMBLING
    assert (await claim()).subject_id == upload.id


async def test_of_many_chunks_at_once_exactly_one_is_the_last() -> None:
    upload = await new_upload(chunks=20)
    accepted = await asyncio.gather(*(receive(upload, index) for index in range(20)))
    assert [one.complete for one in accepted].count(True) == 1
    assert sorted(one.received.chunks for one in accepted) == list(range(1, 21))
    assert await Job.filter(subject_id=upload.id).count() == 1


async def test_a_slot_has_one_receipt() -> None:
    upload = await new_upload()
    await receive(upload, 0)
    with pytest.raises(Duplicate):
        await receipts.add(upload, 0, Digests("f" * 64, ""), NOW, LATER)
    found = await receipts.find_all(upload.id)
    assert [(one.index, one.sha256) for one in found] == [(0, SHA256)]


async def test_a_slot_that_was_opened_and_filled_again_has_another_receipt() -> None:
    upload = await new_upload(chunks=3)
    for index in (0, 1):
        await receive(upload, index)
    first, second = await receipts.identities(upload.id, 3)
    # The newest of all, whose ID a database might give again.
    await atomically(lambda: receipts.reopen(upload.id, [1]))
    assert await receipts.identities(upload.id, 3) == [first]
    await receive(upload, 1)
    kept, new = await receipts.identities(upload.id, 2)
    assert (kept, new[0] > second[0]) == (first, True)


async def test_a_chunk_that_went_to_another_staging_area_gets_no_receipt() -> None:
    upload = await new_upload(staging="the old one")
    for index in (0, 1):
        slot = await receipts.slot(upload.id, index)
        assert slot
        await Upload.filter(id=upload.id).update(staging=f"another {index}")
        with pytest.raises(StateChanged):
            await receipts.add(slot, index, Digests(SHA256, "", "etag"), NOW, LATER)
    assert await receipts.find_all(upload.id) == []


async def test_of_two_receipts_at_once_for_the_last_slot_one_counts() -> None:
    upload = await new_upload(chunks=1)
    results = await asyncio.gather(*(receive(upload, 0) for _ in range(10)), return_exceptions=True)
    assert [type(result) for result in results].count(Duplicate) == 9
    assert await Chunk.filter(upload_id=upload.id).count() == 1


@pytest.mark.parametrize("status", [status for status in UploadStatus if status is not UploadStatus.RECEIVING])
async def test_an_upload_that_no_longer_receives_takes_no_receipt(status: UploadStatus) -> None:
    upload = await new_upload()
    await Upload.filter(id=upload.id).update(status=status)
    with pytest.raises(StateChanged):
        await receive(upload, 0, LATER + timedelta(days=1))
    found = await look(upload)
    assert (found.received_chunks, found.received_bytes, found.expires_at) == (0, 0, LATER)


async def test_an_upload_takes_a_receipt_or_is_aborted_but_not_both() -> None:
    for _ in range(10):
        upload = await new_upload(chunks=1)
        taken, aborted = await asyncio.gather(receive(upload, 0), uploads.abort(upload.id), return_exceptions=True)
        assert isinstance(taken, StateChanged) is aborted
        assert (await look(upload)).received_chunks == (0 if aborted else 1)


async def test_what_arrived_is_counted_per_upload() -> None:
    some, none = await new_upload(chunks=3), await new_upload()
    await receive(some, 0)
    await receive(some, 2)
    found = await look(some)
    assert (found.received_chunks, found.received_bytes) == (2, 17)
    assert (await look(none)).received_chunks == 0


async def test_filled_slots_are_listed_in_order() -> None:
    upload = await new_upload(chunks=6)
    for index in (5, 0, 3):
        await receive(upload, index)
    assert await filled_indexes(upload.id) == [0, 3, 5]
    assert [one.index for one in await receipts.find_all(upload.id)] == [0, 3, 5]
    assert [one.index for one in await receipts.find_all(upload.id, 1, 1)] == [3]


async def test_the_bytes_of_a_slot_that_was_opened_again_no_longer_count_as_known() -> None:
    upload = await new_upload(chunks=3)
    known = KnownChunk(SHA256, 10, None, 0, "blob")
    await atomically(lambda: receipts.add_known({upload.id: {0: known, 1: known}}))
    await Upload.filter(id=upload.id).update(received_chunks=2, received_bytes=20, known_bytes=20)
    await receive(upload, 2)
    await atomically(lambda: receipts.reopen(upload.id, [1, 2]))
    found = await look(upload)
    assert (found.received_bytes, found.known_bytes) == (10, 10)
