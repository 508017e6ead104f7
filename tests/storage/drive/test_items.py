"""Rows of folders and files."""

import pytest

from storage.drive import items
from storage.drive.models import ItemKind
from storage.drive.tree import trash
from tests.storage.drive.test_versions import new_file
from tests.storage.drive.tree_rows import new_drive, new_folder, new_item
from tests.storage.rows import NOW, new_account

pytestmark = pytest.mark.usefixtures("database")


async def test_files_of_one_name_get_numbers() -> None:
    account = await new_account()
    names = [(await new_file(account)).item.name for _ in range(3)]
    assert names == ["file", "file (2)", "file (3)"]


async def test_each_account_has_one_root_with_its_own_id() -> None:
    account = await new_account()
    roots = [await items.ensure_root(account.id, NOW) for _ in range(2)]
    assert {(root.id, root.parent_id, root.kind) for root in roots} == {(account.id, None, ItemKind.FOLDER)}


async def test_an_item_is_found_by_its_path_whatever_its_case() -> None:
    account = await new_drive()
    folder = await new_folder(account, "Ä b")
    file = await new_item(account, "x.txt", folder)
    for names, found in (([], account.id), (["ä B"], folder.id), (["A\u0308 b", "X.TXT"], file.id)):
        item = await items.find_by_path(account.id, names)
        assert item
        assert item.id == found
    for missing in (["x.txt"], ["ä b", "y"], ["ä b", "x.txt", "x"], [""]):
        assert await items.find_by_path(account.id, missing) is None
    await trash.trash(account.id, [folder.id], NOW)
    assert await items.find_by_path(account.id, ["ä b", "x.txt"]) is None
