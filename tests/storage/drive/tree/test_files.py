"""The list of an account's files."""

import pytest

from storage.database.pages import Window
from storage.drive import items
from storage.drive.models import Item
from storage.drive.tree import files, newest, trash
from tests.storage.drive.test_versions import new_file
from tests.storage.drive.tree_rows import new_drive, new_folder, new_item
from tests.storage.rows import NOW, new_account

pytestmark = pytest.mark.usefixtures("database")


async def test_files_are_paged_newest_first_and_counted() -> None:
    account = await new_account()
    made = [await new_file(account) for _ in range(5)]
    await new_file()
    newest = [version.item_id for version in reversed(made)]
    page = await files.page(account.id, Window(2))
    assert [item.id for item in page] == newest[:2]
    assert [item.size for item in page] == [10, 10]
    assert [item.id for item in await files.page(account.id, Window(10, after=newest[1]))] == newest[2:]
    assert await files.count(account.id) == 5


async def test_files_in_the_trash_or_below_it_are_not_among_the_files() -> None:
    account = await new_drive()
    folder = await new_folder(account, "a")
    inner = await new_item(account, "x", folder)
    gone, kept = await new_item(account, "y"), await new_item(account, "z")
    assert await files.count(account.id) == 3
    await trash.trash(account.id, [folder.id, gone.id], NOW)
    assert [file.id for file in await files.page(account.id, Window(10))] == [kept.id]
    assert await files.count(account.id) == 1
    assert (await items.find(inner.id)) is not None


async def test_files_are_found_behind_any_number_of_files_below_the_trash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(newest, "MOST_CANDIDATES", 3)
    account = await new_drive()
    folder, other = await new_folder(account, "a"), await new_folder(account, "b")
    kept = [await new_item(account, f"kept {number}", other) for number in range(3)]
    hidden = [await new_item(account, f"hidden {number}", folder) for number in range(7)]
    await trash.trash(account.id, [folder.id], NOW)
    last_first = sorted(item.id for item in kept)[::-1]
    assert keys(await files.page(account.id, Window(2))) == last_first[:2]
    assert keys(await files.page(account.id, Window(2, after=last_first[0]))) == last_first[1:]
    assert keys(await files.page(account.id, Window(1, before=last_first[1]))) == last_first[:1]
    assert keys(await files.page(account.id, Window(2, backwards=True))) == last_first[1:]
    assert keys(await files.page(account.id, Window(1, before=hidden[0].id))) == []


def keys(page: list[Item]) -> list[object]:
    return [item.id for item in page]


@pytest.mark.parametrize("is_folder", [False, True], ids=["files", "folders"])
async def test_files_are_not_counted_if_that_is_much_work(monkeypatch: pytest.MonkeyPatch, is_folder: bool) -> None:
    monkeypatch.setattr(files, "MOST_COUNTED", 3)
    account = await new_drive()
    add = new_folder if is_folder else new_item
    # The root is one of the folders.
    for number in range(2 if is_folder else 3):
        await add(account, f"name {number}")
    assert await files.count(account.id) == (0 if is_folder else 3)
    await add(account, "one more")
    assert await files.count(account.id) is None
