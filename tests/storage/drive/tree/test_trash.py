"""The trash: items go in and come out with everything below them, and no name is lost."""

from datetime import timedelta

import pytest

from storage.accounts.models import Account
from storage.database.pages import Window
from storage.drive import items
from storage.drive.models import Item
from storage.drive.tree import changes, trash
from storage.drive.tree.chains import chains
from storage.drive.tree.trash import TrashPosition
from storage.events.models import Event
from storage.search import entries
from tests.storage.drive.tree_rows import (
    FAIL,
    event_kinds,
    later,
    names_in,
    new_chain,
    new_drive,
    new_folder,
    new_item,
    path_of,
)
from tests.storage.rows import NOW
from tests.storage.statements import statements_of

pytestmark = pytest.mark.usefixtures("database")


async def trashed(account: Account) -> list[str]:
    return [item.name for item in await trash.page(account.id, Window(100))]


async def test_an_item_goes_into_the_trash_with_what_is_below_it() -> None:
    account = await new_drive()
    folder = await new_folder(account, "a")
    inner = await new_item(account, "inner", folder)
    (gone,) = await trash.trash(account.id, [folder.id], later(1))
    assert gone.trashed_at == later(1)
    assert (await chains([inner.id]))[inner.id].is_in_trash
    assert (await items.find(inner.id)) is not None
    assert await names_in(account.id) == []
    assert await trashed(account) == ["a"]
    assert await event_kinds(account) == ["CREATED", "TRASHED"]


async def test_to_trash_twice_changes_nothing() -> None:
    account = await new_drive()
    folder = await new_folder(account, "a")
    inner = await new_item(account, "inner", folder)
    await trash.trash(account.id, [folder.id], NOW)
    again = await trash.trash(account.id, [inner.id, folder.id], later(1))
    assert [item.trashed_at for item in again] == [None, NOW]
    assert await event_kinds(account) == ["CREATED", "TRASHED"]


async def test_an_item_below_another_listed_one_goes_along_with_it() -> None:
    account = await new_drive()
    folder = await new_folder(account, "a")
    inner = await new_item(account, "inner", folder)
    await trash.trash(account.id, [inner.id, folder.id], NOW)
    await trash.restore(account.id, [folder.id], NOW)
    assert await names_in(folder.id) == ["inner"]


async def test_a_restored_item_returns_to_its_folder() -> None:
    account = await new_drive()
    folder = await new_folder(account, "a")
    inner = await new_item(account, "inner", folder)
    await trash.trash(account.id, [inner.id], NOW)
    (restored,) = await trash.restore(account.id, [inner.id], NOW)
    assert restored.trashed_at is None
    assert await path_of(inner) == "/a/inner"
    await trash.restore(account.id, [inner.id], NOW)
    assert await event_kinds(account) == ["CREATED", "TRASHED", "RESTORED"]


async def test_a_restored_item_whose_name_is_taken_gets_a_number() -> None:
    account = await new_drive()
    old = await new_item(account, "a.txt")
    await trash.trash(account.id, [old.id], NOW)
    await new_item(account, "A.TXT")
    (restored,) = await trash.restore(account.id, [old.id], NOW)
    assert restored.name == "a (2).txt"
    last = await Event.filter(account_id=account.id).order_by("-seq").first()
    assert last
    assert last.facts["name"] == "a (2).txt"


async def test_an_item_whose_folder_is_in_the_trash_returns_to_the_root() -> None:
    account = await new_drive()
    folder = await new_folder(account, "a")
    inner, below = await new_item(account, "inner", folder), await new_item(account, "below", folder)
    await trash.trash(account.id, [inner.id], NOW)
    await trash.trash(account.id, [folder.id], NOW)
    await trash.restore(account.id, [inner.id], NOW)
    assert await path_of(inner) == "/inner"
    await trash.restore(account.id, [below.id], NOW)
    assert await path_of(below) == "/below"
    assert await trashed(account) == ["a"]


async def test_of_listed_items_the_folders_return_first() -> None:
    account = await new_drive()
    folder = await new_folder(account, "a")
    inner, below = await new_item(account, "inner", folder), await new_item(account, "below", folder)
    await trash.trash(account.id, [inner.id], NOW)
    await trash.trash(account.id, [folder.id], NOW)
    restored = await trash.restore(account.id, [below.id, inner.id, folder.id], NOW)
    assert [item.name for item in restored] == ["below", "inner", "a"]
    assert [await path_of(item) for item in (inner, below)] == ["/a/inner", "/a/below"]


async def test_an_item_that_is_alone_in_the_trash_stays_in_its_folder_when_that_returns_to_the_root() -> None:
    account = await new_drive()
    top = await new_folder(account, "top")
    folder = await new_folder(account, "a", top)
    inner, below = await new_item(account, "inner", folder), await new_item(account, "below", folder)
    await trash.trash(account.id, [inner.id], NOW)
    await trash.trash(account.id, [top.id], NOW)
    await trash.restore(account.id, [below.id, inner.id, folder.id], NOW)
    assert [await path_of(item) for item in (folder, inner, below)] == ["/a", "/a/inner", "/a/below"]
    assert await event_kinds(account) == ["CREATED"] * 2 + ["TRASHED"] * 2 + ["RESTORED"] * 2


async def test_of_listed_items_with_equal_names_the_upper_one_keeps_its_name() -> None:
    account = await new_drive()
    folder = await new_folder(account, "b")
    inner, upper = await new_item(account, "a", folder), await new_item(account, "A")
    await trash.trash(account.id, [upper.id, folder.id], NOW)
    restored = await trash.restore(account.id, [inner.id, upper.id], NOW)
    assert [item.name for item in restored] == ["a (2)", "A"]
    assert await names_in(account.id) == ["a (2)", "A"]


@pytest.mark.postgres
async def test_many_items_are_restored_by_as_many_statements_as_few() -> None:
    account = await new_drive()
    folder = await new_folder(account, "folder")
    files = [await new_item(account, f"name {number}", folder) for number in range(30)]
    await trash.trash(account.id, [folder.id], NOW)
    few, many = [file.id for file in files[:3]], [file.id for file in files[3:]]
    numbers = {len(await statements_of(trash.restore(account.id, keys, NOW))) for keys in (few, many)}
    assert len(numbers) == 1


async def test_a_folder_that_was_moved_meanwhile_gets_its_item_back() -> None:
    account = await new_drive()
    folder, target = await new_folder(account, "a"), await new_folder(account, "b")
    inner = await new_item(account, "inner", folder)
    await trash.trash(account.id, [inner.id], NOW)
    await changes.move(account.id, [folder.id], target.id, FAIL, NOW)
    await trash.restore(account.id, [inner.id], NOW)
    assert await path_of(inner) == "/b/a/inner"


async def test_the_trash_is_listed_last_first_and_shows_each_item_that_was_put_there() -> None:
    account, other = await new_drive(), await new_drive()
    files = [await new_item(account, f"f{number}") for number in range(5)]
    await trash.trash(other.id, [(await new_item(other, "x")).id], NOW)
    # Two of them at the same time.
    await trash.trash(account.id, [files[3].id, files[1].id], NOW)
    for number, file in enumerate((files[4], files[0], files[2])):
        await trash.trash(account.id, [file.id], NOW + timedelta(microseconds=number * 999_999 + 1))
    assert await trashed(account) == ["f2", "f0", "f4", "f3", "f1"]
    assert await trash.count(account.id) == 5
    assert await paged(account, 2) == ["f2", "f0", "f4", "f3", "f1"]


async def paged(account: Account, limit: int) -> list[str]:
    names: list[str] = []
    window: Window[TrashPosition] = Window(limit)
    while page := await trash.page(account.id, window):
        names += [item.name for item in page]
        last = page[-1]
        assert last.trashed_at
        window = Window(limit, after=TrashPosition(last.trashed_at, last.id))
        before = TrashPosition(page[0].trashed_at or NOW, page[0].id)
        above = await trash.page(account.id, Window(1, before=before, backwards=True))
        assert [item.name for item in above] == names[: -len(page)][-1:]
    return names


async def test_the_trash_does_not_show_what_is_being_deleted() -> None:
    account = await new_drive()
    *_, deep = await new_chain(account, 5)
    inner, kept = await new_item(account, "inner", deep), await new_item(account, "kept")
    await trash.trash(account.id, [inner.id, kept.id], NOW)
    await Item.filter(name="level 1").update(parent_id=None, removed_at=NOW)
    assert await trashed(account) == ["kept"]
    assert await trash.count(account.id) == 1


async def test_the_trash_is_counted_without_what_is_below_deleted_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trash, "MOST_COUNTED", 4)
    account = await new_drive()
    kept, deleted = await new_folder(account, "kept"), await new_folder(account, "deleted")
    inner = await new_folder(account, "inner", deleted)
    files = [await new_item(account, f"name {number}", kept) for number in range(3)]
    below = await new_item(account, "below", inner)
    await trash.trash(account.id, [file.id for file in (*files, below)], NOW)
    assert await trash.count(account.id) == 4
    await Item.filter(id=deleted.id).update(parent_id=None, removed_at=NOW)
    assert await trash.count(account.id) == 3
    assert len(await trash.page(account.id, Window(10))) == 3


async def test_the_trash_is_not_counted_if_that_is_much_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trash, "MOST_COUNTED", 2)
    account = await new_drive()
    files = [await new_item(account, f"name {number}") for number in range(3)]
    await trash.trash(account.id, [file.id for file in files[:2]], NOW)
    assert await trash.count(account.id) == 2
    await trash.trash(account.id, [files[2].id], NOW)
    assert await trash.count(account.id) is None


async def test_an_item_that_got_a_number_when_it_was_restored_is_found_by_its_new_name() -> None:
    account = await new_drive()
    folder = await new_folder(account, "a")
    await trash.trash(account.id, [folder.id], NOW)
    await new_folder(account, "a")
    await trash.restore(account.id, [folder.id], NOW)
    assert [entry.item_id for entry in (await entries.find(account.id, ["2"])).entries] == [folder.id]
