"""Claiming released blobs, so that their bytes can be deleted."""

from datetime import timedelta
from uuid import UUID

import pytest

from storage.deletion import collection, items
from storage.deletion.collection import Position
from storage.drive.models import Blob, FileVersion
from storage.errors import StateChanged
from storage.uploads import known_chunks
from storage.uploads.models import ObsoleteRecord, Upload, UploadStatus
from tests.storage.rows import LATER, NOW, SHA256, filled_indexes, insert, new_account
from tests.storage.stored_files import add_rendition, new_file, shared, uploaded, used_bytes

pytestmark = pytest.mark.usefixtures("database")
AFTER_GRACE = LATER + timedelta(days=1)


async def deleted_file(account_id: UUID) -> Blob:
    """The released blob of a file that was deleted."""
    file = await uploaded(account_id)
    await items.delete(account_id, [file.item_id], LATER)
    return await Blob.get(id=file.version.blob_id)


async def claim(blob: Blob) -> list[Blob]:
    return await collection.claim(blob.account_id, [blob.id], AFTER_GRACE)


async def test_blobs_are_found_in_the_order_of_their_release() -> None:
    account = await new_account()
    blobs = [await deleted_file(account.id) for _ in range(3)]
    for days, blob in enumerate(blobs):
        await Blob.filter(id=blob.id).update(released_at=LATER - timedelta(days=days))
    found = await collection.released(AFTER_GRACE, None, 2)
    assert [blob.id for blob in found] == [blobs[2].id, blobs[1].id]
    position = Position(LATER - timedelta(days=1), blobs[1].id)
    assert [blob.id for blob in await collection.released(AFTER_GRACE, position, 2)] == [blobs[0].id]
    assert await collection.released(LATER - timedelta(days=5), None, 2) == []


async def test_a_released_blob_is_claimed_and_forgotten() -> None:
    blob = await deleted_file((await new_account()).id)
    assert [claimed.id for claimed in await claim(blob)] == [blob.id]
    assert (await Blob.get(id=blob.id)).is_deleting
    assert await collection.forget([blob]) == 1
    assert await collection.forget([blob]) == 0


async def test_a_claimed_blob_can_be_claimed_again_by_the_next_worker() -> None:
    blob = await deleted_file((await new_account()).id)
    await claim(blob)
    assert [claimed.id for claimed in await claim(blob)] == [blob.id]


async def test_a_blob_that_was_released_a_moment_ago_is_not_claimed() -> None:
    blob = await deleted_file((await new_account()).id)
    assert await collection.claim(blob.account_id, [blob.id], LATER) == []


@pytest.mark.parametrize("by_rendition", [False, True])
async def test_a_blob_that_something_names_is_never_claimed(by_rendition: bool) -> None:
    account = await new_account()
    version = await new_file(account.id)
    named = await Blob.get(id=(await add_rendition(version)).blob_id if by_rendition else version.blob_id)
    # No transaction does so.
    await Blob.filter(id=named.id).update(released_at=NOW)
    assert await claim(named) == []


@pytest.mark.parametrize(
    ("status", "error_code", "is_claimed"),
    [
        (UploadStatus.RECEIVING, None, False),
        (UploadStatus.REASSEMBLING, None, False),
        (UploadStatus.FAILED, "INTERNAL", False),
        (UploadStatus.FAILED, "CHECKSUM_MISMATCH", True),
        (UploadStatus.ABORTED, None, True),
    ],
)
async def test_a_blob_is_kept_while_an_upload_is_yet_to_copy_chunks_from_it(
    status: UploadStatus, error_code: str | None, is_claimed: bool
) -> None:
    account = await new_account()
    file = await uploaded(account.id)
    chunks = await known_chunks.find(account.id, [SHA256])
    upload = Upload(
        account_id=account.id, file_name="b", mime_type="a/b", size=20, chunk_size=10, expires_at=AFTER_GRACE
    )
    await _insert(upload, chunks[SHA256, 10])
    await Upload.filter(id=upload.id).update(status=status, error_code=error_code)
    await items.delete(account.id, [file.item_id], LATER)
    blob = await Blob.get(id=file.version.blob_id)
    assert bool(await claim(blob)) is is_claimed


async def _insert(upload: Upload, chunk: known_chunks.KnownChunk) -> None:
    await insert(upload, known_chunks={0: chunk})


async def test_no_chunk_is_copied_from_a_blob_whose_bytes_are_being_deleted() -> None:
    account = await new_account()
    file = await uploaded(account.id)
    chunk = (await known_chunks.find(account.id, [SHA256]))[SHA256, 10]
    await items.delete(account.id, [file.item_id], LATER)
    assert await claim(await Blob.get(id=file.version.blob_id))
    upload = Upload(account_id=account.id, file_name="b", mime_type="a/b", size=20, chunk_size=10, expires_at=LATER)
    await _insert(upload, chunk)
    assert await filled_indexes(upload.id) == []
    assert upload.received_chunks == 0


async def test_the_same_file_again_takes_a_released_blob_into_use() -> None:
    account = await new_account()
    file = await uploaded(account.id)
    await items.delete(account.id, [file.item_id], LATER)
    # The version was read before it was deleted.
    again = await shared(file.version)
    assert again.version.blob.released_at is None
    assert await used_bytes(account.id) == (20, 0)
    assert await claim(again.version.blob) == []


async def test_the_same_file_again_has_to_be_sent_if_its_bytes_are_being_deleted() -> None:
    account = await new_account()
    file = await uploaded(account.id)
    await items.delete(account.id, [file.item_id], LATER)
    await claim(await Blob.get(id=file.version.blob_id))
    with pytest.raises(StateChanged):
        await shared(file.version)
    assert not await FileVersion.all().exists()
    assert await used_bytes(account.id) == (0, 0)


async def test_records_are_obsolete_for_some_time_and_then_forgotten() -> None:
    await ObsoleteRecord.create(key="old", since=NOW)
    await ObsoleteRecord.create(key="new", since=LATER)
    assert await collection.obsolete_records(LATER, 10) == ["old"]
    assert await collection.are_obsolete(["old", "other"]) == {"old"}
    await collection.forget_records(["old"])
    assert await collection.are_obsolete(["old"]) == set()
