"""Rows of uploads and receipts: every change of a status happens once, or not at all."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from storage.database.pages import Window
from storage.errors import Duplicate, StateChanged
from storage.uploads import expiry, job_results, uploads
from storage.uploads.models import Upload, UploadStatus
from storage.uploads.uploads import UploadFilter
from tests.storage.rows import LATER, NOW, claim, look, new_account, new_upload, receive, receive_all

ABORTED = UploadFilter(UploadStatus.ABORTED)
pytestmark = pytest.mark.usefixtures("database")


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
    assert [upload.id for upload in await expiry.expired(NOW, 10)] == [late.id]
    assert await expiry.expire(late.id, NOW)
    assert (await look(late)).status is UploadStatus.EXPIRED
    assert not await expiry.expire(done.id, NOW)


async def test_expiry_takes_as_many_as_it_is_asked_for() -> None:
    for _ in range(3):
        await new_upload(expires_at=NOW - timedelta(days=1))
    assert len(await expiry.expired(NOW, 2)) == 2


async def test_an_upload_that_was_prolonged_meanwhile_does_not_expire() -> None:
    upload = await new_upload(expires_at=NOW - timedelta(days=1))
    assert await expiry.expired(NOW, 10)
    await receive(upload, 0, LATER)
    assert not await expiry.expire(upload.id, NOW)
    assert (await look(upload)).status is UploadStatus.RECEIVING


async def test_an_upload_takes_a_receipt_or_expires_but_not_both() -> None:
    for _ in range(10):
        upload = await new_upload(expires_at=NOW - timedelta(days=1))
        taken, expired = await asyncio.gather(receive(upload, 0), expiry.expire(upload.id, NOW), return_exceptions=True)
        assert isinstance(taken, StateChanged) is expired
        assert (await look(upload)).status is (UploadStatus.EXPIRED if expired else UploadStatus.RECEIVING)


# Idempotency keys


async def test_an_account_uses_an_idempotency_key_once() -> None:
    account = await new_account()
    first = await new_upload(account, idempotency_key="key")
    with pytest.raises(Duplicate):
        await new_upload(account, idempotency_key="key")
    found = await find_by_key(account.id, "key")
    assert found
    assert found.id == first.id


async def test_of_many_uploads_with_one_key_at_once_one_is_stored() -> None:
    account = await new_account()
    results = await asyncio.gather(
        *(new_upload(account, idempotency_key="key") for _ in range(10)), return_exceptions=True
    )
    assert [type(result) for result in results].count(Duplicate) == 9
    assert await Upload.filter(account_id=account.id).count() == 1


async def test_accounts_have_idempotency_keys_of_their_own() -> None:
    one, other = await new_account(), await new_account()
    await new_upload(one, idempotency_key="key")
    await new_upload(other, idempotency_key="key")
    assert await find_by_key(uuid4(), "key") is None


async def test_any_number_of_uploads_has_no_key() -> None:
    account = await new_account()
    for _ in range(3):
        await new_upload(account)
    assert await Upload.filter(account_id=account.id).count() == 3


async def test_an_aborted_upload_gives_its_key_back() -> None:
    account = await new_account()
    await uploads.abort((await new_upload(account, idempotency_key="key")).id)
    assert await find_by_key(account.id, "key") is None
    await new_upload(account, idempotency_key="key")


async def test_an_expired_upload_gives_its_key_back() -> None:
    account = await new_account()
    upload = await new_upload(account, idempotency_key="key", expires_at=NOW - timedelta(days=1))
    await expiry.expire(upload.id, NOW)
    await new_upload(account, idempotency_key="key")


async def test_a_failed_upload_gives_its_key_back() -> None:
    account = await new_account()
    upload = await new_upload(account, chunks=1, idempotency_key="key")
    await receive_all(upload)
    await job_results.fail_job(await claim(), status=UploadStatus.FAILED, code="INTERNAL", message="reason")
    await new_upload(account, idempotency_key="key")


# Looking


async def test_an_upload_is_found_by_its_key() -> None:
    upload = await new_upload()
    assert await uploads.find(upload.id) == upload
    assert await uploads.find(uuid4()) is None


async def test_uploads_are_paged_newest_first() -> None:
    account = await new_account()
    made = [await new_upload(account) for _ in range(5)]
    await new_upload()
    newest = [upload.id for upload in reversed(made)]
    assert [upload.id for upload in await uploads.page(account.id, UploadFilter(), Window(2))] == newest[:2]
    assert [
        upload.id for upload in await uploads.page(account.id, UploadFilter(), Window(10, after=newest[1]))
    ] == newest[2:]


async def test_uploads_are_paged_and_counted_by_their_folder() -> None:
    account, folder_id = await new_account(), uuid4()
    in_root, in_folder = await new_upload(account), await new_upload(account)
    await Upload.filter(id=in_folder.id).update(parent_id=folder_id)
    for key, upload in ((account.id, in_root), (folder_id, in_folder)):
        only = UploadFilter(folder_id=key)
        assert [found.id for found in await uploads.page(account.id, only, Window(10))] == [upload.id]
        assert await uploads.count(account.id, only) == 1


async def test_uploads_are_paged_and_counted_by_status() -> None:
    account = await new_account()
    made = [await new_upload(account) for _ in range(3)]
    await uploads.abort(made[1].id)
    page = await uploads.page(account.id, ABORTED, Window(10))
    assert [upload.id for upload in page] == [made[1].id]
    assert await uploads.count(account.id, ABORTED) == 1
    assert await uploads.count(account.id, UploadFilter()) == 3


@pytest.mark.parametrize(
    ("size", "chunk_size", "sizes"), [(1, 10, [1]), (10, 10, [10]), (11, 10, [10, 1]), (30, 10, [10, 10, 10])]
)
def test_slots_add_up_to_the_file(size: int, chunk_size: int, sizes: list[int]) -> None:
    upload = Upload(size=size, chunk_size=chunk_size)
    assert [upload.slot_size(index) for index in range(upload.chunk_count)] == sizes


async def find_by_key(account_id: UUID, key: str) -> Upload | None:
    return (await uploads.find_by_keys(account_id, [key])).get(key)
