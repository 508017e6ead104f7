"""Rows of uploads and receipts: every change of a status happens once, or not at all."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from storage import jobs, uploads
from storage.errors import Duplicate, StateChanged
from storage.models import Chunk, Job, JobKind, Upload, UploadStatus
from storage.uploads import Received
from tests.storage.rows import LATER, NOW, SHA256, claim, new_account, new_upload, receive, receive_all

pytestmark = pytest.mark.usefixtures("database")


async def look(upload: Upload) -> Upload:
    found = await uploads.find(upload.id)
    assert found
    return found


# Receipts


async def test_a_receipt_says_what_has_arrived() -> None:
    upload = await new_upload(chunks=3)
    accepted = await receive(upload, 2)
    assert (accepted.received, accepted.complete) == (Received(1, 7), False)
    accepted = await receive(upload, 0)
    assert (accepted.received, accepted.complete) == (Received(2, 17), False)
    assert (await receive(upload, 1)).received == Received(3, 27)


async def test_a_receipt_holds_index_size_and_digest() -> None:
    upload = await new_upload(chunks=2)
    await uploads.add_receipt(upload, 1, "ab" * 32, NOW, LATER)
    found = await uploads.receipt(upload.id, 1)
    assert found
    assert (found.index, found.size, found.sha256) == (1, 7, "ab" * 32)
    assert await uploads.receipt(upload.id, 0) is None


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
        await uploads.add_receipt(upload, 0, "f" * 64, NOW, LATER)
    found = await uploads.receipts(upload.id)
    assert [(one.index, one.sha256) for one in found] == [(0, SHA256)]


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
    assert await uploads.received(upload.id) == Received(0, 0)
    assert (await look(upload)).expires_at == LATER


async def test_an_upload_takes_a_receipt_or_is_aborted_but_not_both() -> None:
    for _ in range(10):
        upload = await new_upload(chunks=1)
        taken, aborted = await asyncio.gather(receive(upload, 0), uploads.abort(upload.id), return_exceptions=True)
        assert isinstance(taken, StateChanged) is aborted
        assert (await uploads.received(upload.id)).chunks == (0 if aborted else 1)


async def test_what_arrived_is_counted_per_upload() -> None:
    some, none = await new_upload(chunks=3), await new_upload()
    await receive(some, 0)
    await receive(some, 2)
    unknown = uuid4()
    counted = await uploads.received_of([some.id, none.id, unknown])
    assert counted == {some.id: Received(2, 17), none.id: Received(0, 0), unknown: Received(0, 0)}
    assert await uploads.received_of([]) == {}


async def test_filled_slots_are_listed_in_order() -> None:
    upload = await new_upload(chunks=6)
    for index in (5, 0, 3):
        await receive(upload, index)
    assert await uploads.received_indexes(upload.id, 0) == [0, 3, 5]
    assert await uploads.received_indexes(upload.id, 1) == [3, 5]
    assert [one.index for one in await uploads.receipts(upload.id)] == [0, 3, 5]


# Ends


async def test_an_upload_is_aborted_once() -> None:
    upload = await new_upload()
    results = await asyncio.gather(*(uploads.abort(upload.id) for _ in range(5)))
    assert results.count(True) == 1
    assert (await look(upload)).status is UploadStatus.ABORTED


async def test_a_full_upload_is_not_aborted() -> None:
    upload = await new_upload()
    await receive_all(upload)
    assert not await uploads.abort(upload.id)
    assert (await look(upload)).status is UploadStatus.REASSEMBLING


async def test_only_uploads_that_wait_too_long_expire() -> None:
    late = await new_upload(expires_at=NOW - timedelta(microseconds=1))
    await new_upload(expires_at=NOW)
    done = await new_upload(expires_at=NOW - timedelta(days=1))
    await uploads.abort(done.id)
    assert [upload.id for upload in await uploads.expired(NOW, 10)] == [late.id]
    assert await uploads.expire(late.id, NOW)
    assert (await look(late)).status is UploadStatus.EXPIRED
    assert not await uploads.expire(done.id, NOW)


async def test_expiry_takes_as_many_as_it_is_asked_for() -> None:
    for _ in range(3):
        await new_upload(expires_at=NOW - timedelta(days=1))
    assert len(await uploads.expired(NOW, 2)) == 2


async def test_an_upload_that_was_prolonged_meanwhile_does_not_expire() -> None:
    upload = await new_upload(expires_at=NOW - timedelta(days=1))
    assert await uploads.expired(NOW, 10)
    await receive(upload, 0, LATER)
    assert not await uploads.expire(upload.id, NOW)
    assert (await look(upload)).status is UploadStatus.RECEIVING


async def test_an_upload_takes_a_receipt_or_expires_but_not_both() -> None:
    for _ in range(10):
        upload = await new_upload(expires_at=NOW - timedelta(days=1))
        taken, expired = await asyncio.gather(
            receive(upload, 0), uploads.expire(upload.id, NOW), return_exceptions=True
        )
        assert isinstance(taken, StateChanged) is expired
        assert (await look(upload)).status is (UploadStatus.EXPIRED if expired else UploadStatus.RECEIVING)


# Idempotency keys


async def test_an_account_uses_an_idempotency_key_once() -> None:
    account = await new_account()
    first = await new_upload(account, idempotency_key="key")
    with pytest.raises(Duplicate):
        await new_upload(account, idempotency_key="key")
    found = await uploads.find_by_key(account.id, "key")
    assert found
    assert found.id == first.id


async def test_of_many_uploads_with_one_key_at_once_one_is_stored() -> None:
    account = await new_account()
    results = await asyncio.gather(
        *(new_upload(account, idempotency_key="key") for _ in range(10)), return_exceptions=True
    )
    assert [type(result) for result in results].count(Duplicate) == 9
    assert await uploads.count(account.id, None) == 1


async def test_accounts_have_idempotency_keys_of_their_own() -> None:
    one, other = await new_account(), await new_account()
    await new_upload(one, idempotency_key="key")
    await new_upload(other, idempotency_key="key")
    assert await uploads.find_by_key(uuid4(), "key") is None


async def test_any_number_of_uploads_has_no_key() -> None:
    account = await new_account()
    for _ in range(3):
        await new_upload(account)
    assert await uploads.count(account.id, None) == 3


async def test_an_aborted_upload_gives_its_key_back() -> None:
    account = await new_account()
    await uploads.abort((await new_upload(account, idempotency_key="key")).id)
    assert await uploads.find_by_key(account.id, "key") is None
    await new_upload(account, idempotency_key="key")


async def test_an_expired_upload_gives_its_key_back() -> None:
    account = await new_account()
    upload = await new_upload(account, idempotency_key="key", expires_at=NOW - timedelta(days=1))
    await uploads.expire(upload.id, NOW)
    await new_upload(account, idempotency_key="key")


async def test_a_failed_upload_gives_its_key_back() -> None:
    account = await new_account()
    upload = await new_upload(account, chunks=1, idempotency_key="key")
    await receive_all(upload)
    await uploads.fail_job(await claim(), status=UploadStatus.FAILED, code="INTERNAL", message="reason")
    await new_upload(account, idempotency_key="key")


# Looking


async def test_an_upload_is_found_by_its_owner_only() -> None:
    upload = await new_upload()
    assert await uploads.find_owned(upload.id, upload.account_id)
    assert await uploads.find_owned(upload.id, uuid4()) is None
    assert await uploads.find(uuid4()) is None


async def test_uploads_are_paged_newest_first() -> None:
    account = await new_account()
    made = [await new_upload(account) for _ in range(5)]
    await new_upload()
    newest = [upload.id for upload in reversed(made)]
    assert [upload.id for upload in await uploads.page(account.id, None, None, 2)] == newest[:2]
    assert [upload.id for upload in await uploads.page(account.id, None, newest[1], 10)] == newest[2:]


async def test_uploads_are_paged_and_counted_by_status() -> None:
    account = await new_account()
    made = [await new_upload(account) for _ in range(3)]
    await uploads.abort(made[1].id)
    page = await uploads.page(account.id, UploadStatus.ABORTED, None, 10)
    assert [upload.id for upload in page] == [made[1].id]
    assert await uploads.count(account.id, UploadStatus.RECEIVING) == 2
    assert await uploads.count(account.id, None) == 3


@pytest.mark.parametrize(
    ("size", "chunk_size", "sizes"), [(1, 10, [1]), (10, 10, [10]), (11, 10, [10, 1]), (30, 10, [10, 10, 10])]
)
def test_slots_add_up_to_the_file(size: int, chunk_size: int, sizes: list[int]) -> None:
    upload = Upload(size=size, chunk_size=chunk_size)
    assert [upload.slot_size(index) for index in range(upload.chunk_count)] == sizes
