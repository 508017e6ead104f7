"""Uploaded files come into their folders: none is refused, and none is lost to a name."""

from uuid import uuid4

import pytest

from storage.accounts import accounts
from storage.accounts.models import Account
from storage.database.connection import atomically
from storage.drive import uploaded_files
from storage.drive.models import Blob, FileVersion, Item
from storage.drive.tree import trash
from storage.drive.tree.placing import ConflictPolicy
from storage.drive.uploaded_files import NewFile
from storage.drive.versions import Content
from storage.events.models import Event
from tests.storage.drive.tree_rows import FAIL, KEEP_BOTH, REPLACE, event_kinds, names_in, new_drive, new_folder
from tests.storage.rows import NOW
from tests.storage.stored_files import counted_blob

pytestmark = pytest.mark.usefixtures("database")
OTHER = "1" * 64


async def put(account: Account, *files: NewFile) -> list[FileVersion]:
    async def work() -> list[FileVersion]:
        await accounts.lock(account.id)
        return await uploaded_files.add_all(account.id, files, NOW)

    return await atomically(work)


async def a_file(
    account: Account, name: str, policy: ConflictPolicy = KEEP_BOTH, folder: Item | None = None, sha256: str = OTHER
) -> NewFile:
    content = Content(await counted_blob(account.id, sha256=sha256), "text/plain", None)
    return NewFile(folder.id if folder else None, name, content, policy)


async def test_files_come_into_their_folders_in_the_order_in_which_they_were_given() -> None:
    account = await new_drive()
    folder = await new_folder(account, "folder")
    stored = await put(account, await a_file(account, "b"), await a_file(account, "a", folder=folder))
    assert [version.item.name for version in stored] == ["b", "a"]
    assert await names_in(account.id) == ["folder", "b"]
    assert await names_in(folder.id) == ["a"]
    assert await event_kinds(account) == ["CREATED"] * 3


async def test_equal_names_of_one_request_get_numbers() -> None:
    account = await new_drive()
    stored = await put(account, *[await a_file(account, name) for name in ("A.txt", "a.txt", "a.TXT")])
    assert [version.item.name for version in stored] == ["A.txt", "a (2).txt", "a (3).TXT"]


@pytest.mark.parametrize("policy", [KEEP_BOTH, FAIL])
async def test_a_name_that_is_taken_gets_a_number_whatever_the_policy_was(policy: ConflictPolicy) -> None:
    account = await new_drive()
    await new_folder(account, "name")
    (version,) = await put(account, await a_file(account, "Name", policy))
    assert version.item.name == "Name (2)"


async def test_a_replaced_file_keeps_its_old_version() -> None:
    account = await new_drive()
    (first,) = await put(account, await a_file(account, "a.txt", sha256="2" * 64))
    (second,) = await put(account, await a_file(account, "A.TXT", REPLACE))
    item = await Item.get(id=first.item_id)
    assert (second.item_id, second.number, item.version_id, item.name) == (item.id, 2, second.id, "a.txt")
    assert await FileVersion.filter(item_id=item.id).count() == 2
    assert await event_kinds(account) == ["CREATED", "UPDATED"]


async def test_equal_bytes_change_nothing_and_do_not_count_twice() -> None:
    account = await new_drive()
    (first,) = await put(account, await a_file(account, "a.txt"))
    again = await a_file(account, "a.txt", REPLACE)
    (second,) = await put(account, again)
    assert second.id == first.id
    assert await Event.all().count() == 1
    assert (await Account.get(id=account.id)).original_bytes == 10
    assert (await Blob.get(id=again.content.blob.id)).released_at


async def test_a_folder_is_not_replaced_by_a_file() -> None:
    account = await new_drive()
    await new_folder(account, "name")
    (version,) = await put(account, await a_file(account, "name", REPLACE))
    assert version.item.name == "name (2)"


async def test_a_file_that_is_gone_is_replaced_by_a_new_one() -> None:
    account = await new_drive()
    (first,) = await put(account, await a_file(account, "a.txt"))
    await trash.trash(account.id, [first.item_id], NOW)
    (second,) = await put(account, await a_file(account, "a.txt", REPLACE))
    assert (second.item_id == first.item_id, second.item.name, second.number) == (False, "a.txt", 1)


async def test_a_file_comes_into_the_root_if_its_folder_is_in_the_trash_or_unknown_or_of_others() -> None:
    account, other = await new_drive(), await new_drive()
    outer = await new_folder(account, "outer")
    inner = await new_folder(account, "inner", outer)
    await trash.trash(account.id, [outer.id], NOW)
    foreign = await new_folder(other, "foreign")
    for folder_id in (inner.id, uuid4(), foreign.id):
        content = (await a_file(account, "a")).content
        (version,) = await put(account, NewFile(folder_id, "a", content))
        assert version.item.parent_id == account.id
