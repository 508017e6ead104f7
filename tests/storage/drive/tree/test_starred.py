"""The list of an account's items with a star."""

import pytest

from storage.database.pages import Window
from storage.drive.models import Item
from storage.drive.tree import newest, starred, trash
from tests.storage.drive.tree_rows import new_drive, new_folder, new_item
from tests.storage.rows import NOW

pytestmark = pytest.mark.usefixtures("database")


async def add_star(item: Item) -> Item:
    await Item.filter(id=item.id).update(starred=True)
    return item


async def test_folders_and_files_with_a_star_are_listed_wherever_they_are() -> None:
    account, other = await new_drive(), await new_drive()
    folder = await add_star(await new_folder(account, "a"))
    file = await add_star(await new_item(account, "x", folder))
    await new_item(account, "without")
    await add_star(await new_item(other, "of another account"))
    assert [item.id for item in await starred.page(account.id, Window(10))] == [file.id, folder.id]
    assert [item.id for item in await starred.page(account.id, Window(1, after=file.id))] == [folder.id]
    assert await starred.count(account.id) == 2


async def test_what_is_in_the_trash_or_below_it_is_not_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(newest, "MOST_CANDIDATES", 2)
    account = await new_drive()
    folder = await new_folder(account, "a")
    kept = await add_star(await new_item(account, "kept"))
    for number in range(4):
        await add_star(await new_item(account, f"hidden {number}", folder))
    gone = await add_star(await new_item(account, "gone"))
    await trash.trash(account.id, [folder.id, gone.id], NOW)
    assert [item.id for item in await starred.page(account.id, Window(10))] == [kept.id]
    assert await starred.count(account.id) == 1


async def test_stars_are_not_counted_if_that_is_much_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starred, "MOST_COUNTED", 1)
    account = await new_drive()
    await add_star(await new_item(account, "x"))
    assert await starred.count(account.id) == 1
    await add_star(await new_item(account, "y"))
    assert await starred.count(account.id) is None
