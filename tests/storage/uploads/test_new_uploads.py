"""Uploads that one request starts are stored together."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

import pytest

from storage.accounts.models import Account
from storage.drive.models import Blob, FileVersion, Item
from storage.drive.tree.destinations import Destination
from storage.errors import StateChanged
from storage.uploads import new_uploads
from storage.uploads.known_chunks import KnownChunk
from storage.uploads.models import Chunk, Upload, UploadStatus
from storage.uploads.new_uploads import Draft
from tests.storage.drive.tree_rows import new_drive, new_file, new_folder, path_of
from tests.storage.rows import LATER, NOW, SHA256
from tests.storage.statements import statements_of

pytestmark = pytest.mark.usefixtures("database")


def draft(
    account: Account, name: str, names: Sequence[str] = (), size: int = 17, conflict: str = "KEEP_BOTH", **more: Any
) -> Draft:
    upload = Upload(id=uuid4(), account_id=account.id, file_name=name, mime_type="text/plain", size=size, chunk_size=10)
    upload.sha256, upload.expires_at, upload.idempotency_key, upload.conflict = SHA256, LATER, name, conflict
    return Draft(upload, Destination(None, names), **more)


async def insert(account: Account, drafts: Sequence[Draft]) -> list[Exception | None]:
    await new_uploads.insert_all(account.id, drafts, NOW)
    return [each.refusal for each in drafts]


async def owned(account: Account, name: str = "owned") -> FileVersion:
    item = await new_file(account, name)
    return await FileVersion.get(item_id=item.id).select_related("blob")


async def test_folders_of_several_paths_are_found_or_created_once() -> None:
    account = await new_drive()
    inner = await new_folder(account, "b", await new_folder(account, "a"))
    drafts = [draft(account, str(n), path) for n, path in enumerate((["A", "B"], ["a", "B", "c"], ["d"], ["D", "e"]))]
    assert await insert(account, drafts) == [None] * 4
    folders = [await Item.get(id=each.upload.parent_id) for each in drafts]
    assert [await path_of(folder) for folder in folders] == ["/a/b", "/a/b/c", "/d", "/d/e"]
    assert folders[0].id == inner.id


async def test_empty_files_and_those_of_known_bytes_are_there_at_once() -> None:
    account = await new_drive()
    version = await owned(account)
    drafts = [draft(account, "a", size=0), draft(account, "b", size=0), draft(account, "c", version=version)]
    assert await insert(account, drafts) == [None] * 3
    versions = [await FileVersion.get(id=each.upload.version_id).select_related("blob") for each in drafts]
    assert [each.blob.key for each in versions[:2]] == [str(each.upload.id) for each in drafts[:2]]
    assert versions[2].blob == version.blob
    assert [each.upload.status for each in drafts] == [UploadStatus.READY] * 3


async def test_a_blob_that_was_released_counts_once_more_and_one_that_is_deleted_is_not_used() -> None:
    account = await new_drive()
    released, gone = await owned(account), await owned(account, "gone")
    await Blob.filter(id=released.blob_id).update(released_at=NOW)
    await Blob.filter(id=gone.blob_id).update(is_deleting=True)
    await Account.filter(id=account.id).update(original_bytes=0)
    drafts = [draft(account, str(n), version=version) for n, version in enumerate((released, released, gone))]
    refusals = await insert(account, drafts)
    assert [type(refusal) for refusal in refusals] == [type(None), type(None), StateChanged]
    assert (await Blob.get(id=released.blob_id)).released_at is None
    assert (await Account.get(id=account.id)).original_bytes == released.blob.size


async def test_each_upload_gets_the_receipts_of_its_own_known_chunks() -> None:
    account = await new_drive()
    version = await owned(account)
    known = KnownChunk(SHA256, 10, None, 0, version.blob.key)
    drafts = [draft(account, "a", known_chunks={0: known}), draft(account, "b", known_chunks={1: known})]
    await insert(account, drafts)
    assert [[each.index async for each in Chunk.filter(upload_id=one.upload.id)] for one in drafts] == [[0], [1]]


Make = Callable[[Account, FileVersion, int], Draft]
MAKES: dict[str, Make] = {
    "into new folders": lambda account, _, n: draft(account, str(n), [f"new {n}", "b", "c"]),
    "into existing folders": lambda account, _, n: draft(account, str(n), [f"folder {n}", "b"], conflict="FAIL"),
    "empty": lambda account, _, n: draft(account, str(n), size=0),
    "of known bytes": lambda account, version, n: draft(account, str(n), version=version),
    "of known chunks": lambda account, version, n: draft(
        account, str(n), known_chunks={0: KnownChunk(SHA256, 10, None, 0, version.blob.key)}
    ),
}


@pytest.mark.postgres
@pytest.mark.parametrize("make", MAKES.values(), ids=list(MAKES))
async def test_many_uploads_are_stored_by_as_many_statements_as_few(make: Make) -> None:
    account = await new_drive()
    version = await owned(account)
    for number in range(20):
        await new_folder(account, "b", await new_folder(account, f"folder {number}"))
    numbers = set()
    for drafts in ([make(account, version, n) for n in range(2)], [make(account, version, n) for n in range(2, 20)]):
        numbers.add(len(await statements_of(insert(account, drafts))))
        assert [each.refusal for each in drafts] == [None] * len(drafts)
    assert len(numbers) == 1
