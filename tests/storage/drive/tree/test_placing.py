"""Which names are taken in which folders."""

import pytest

from storage.drive.tree import placing, trash
from storage.drive.tree.placing import items_named
from tests.storage.drive.tree_rows import new_drive, new_folder, new_item
from tests.storage.rows import NOW

pytestmark = pytest.mark.usefixtures("database")


async def test_names_are_found_in_their_own_folders_in_upper_and_lower_case() -> None:
    account = await new_drive()
    folder = await new_folder(account, "Folder")
    inner = await new_item(account, "A.txt", folder)
    found = await items_named([(folder.id, "a.TXT"), (account.id, "a.TXT"), (account.id, "folder"), (folder.id, "b")])
    assert found == {(folder.id, "a.txt"): inner, (account.id, "folder"): folder}


async def test_what_is_in_the_trash_has_no_name() -> None:
    account = await new_drive()
    folder = await new_folder(account, "a")
    await trash.trash(account.id, [folder.id], NOW)
    assert await items_named([(account.id, "a")]) == {}


async def test_more_names_are_found_than_one_statement_looks_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placing, "NAMES_AT_ONCE", 2)
    account = await new_drive()
    files = [await new_item(account, f"name {number}") for number in range(5)]
    found = await items_named([(account.id, file.name) for file in files])
    assert found == {(account.id, file.name): file for file in files}
    assert await items_named([]) == {}
