"""Walks up and down in a drive."""

from uuid import uuid4

import pytest

from storage.drive import items
from storage.drive.models import Item
from storage.drive.tree import chains as tree
from storage.drive.tree import trash
from storage.drive.tree.chains import MAX_CHAIN, chains
from tests.storage.drive.tree_rows import new_chain, new_drive, new_folder, new_item
from tests.storage.rows import NOW

pytestmark = pytest.mark.usefixtures("database")


async def test_a_chain_leads_to_the_root() -> None:
    account = await new_drive()
    folders = await new_chain(account, 3)
    file = await new_item(account, "ü", folders[-1])
    chain = (await chains([file.id, folders[0].id, uuid4()]))[file.id]
    assert [link.id for link in chain.links] == [file.id, *(folder.id for folder in folders[::-1]), account.id]
    assert chain.path == "/level 0/level 1/level 2/ü"
    assert (chain.depth, chain.is_complete, chain.is_in_trash, chain.is_root) == (4, True, False, False)
    assert chain.holds(folders[1].id)
    assert not chain.holds(uuid4())
    assert await chains([]) == {}


async def test_rows_that_form_a_circle_end_a_walk() -> None:
    account = await new_drive()
    a = await new_folder(account, "a")
    b = await new_folder(account, "b", a)
    await Item.filter(id=a.id).update(parent_id=b.id)
    chain = (await chains([a.id]))[a.id]
    assert not chain.is_complete
    assert len(chain.links) <= MAX_CHAIN + 1
    assert await items.find(a.id) is None
    assert await tree.is_higher_than([a.id], 100)


async def test_only_folders_make_a_tree_high() -> None:
    account = await new_drive()
    folders = await new_chain(account, 3)
    await new_item(account, "file", folders[-1])
    assert not await tree.is_higher_than([folders[0].id], 2)
    assert await tree.is_higher_than([folders[1].id, folders[0].id], 1)
    assert not await tree.is_higher_than([folders[-1].id], 0)
    assert not await tree.is_higher_than([], 0)


async def test_the_size_of_a_folder_is_that_of_everything_below_it_outside_the_trash() -> None:
    account = await new_drive()
    top, other, empty = [await new_folder(account, name) for name in ("top", "other", "empty")]
    inner = await new_folder(account, "inner", top)
    await new_item(account, "a", top, size=2**40)
    await new_item(account, "b", inner, size=1)
    gone, low = await new_item(account, "gone", inner, size=7), await new_folder(account, "low", inner)
    await new_item(account, "c", low, size=9)
    await new_item(account, "d", other, size=3)
    await trash.trash(account.id, [gone.id, low.id], NOW)
    found = await tree.total_sizes([top.id, other.id, empty.id, account.id], 10)
    assert found == {top.id: 2**40 + 1, other.id: 3, empty.id: 0, account.id: 2**40 + 4}
    assert await tree.total_sizes([], 10) == {}


async def test_a_folder_with_too_many_items_has_no_size() -> None:
    account = await new_drive()
    folder = await new_folder(account, "a")
    for number in range(3):
        await new_item(account, f"{number}", folder)
    assert await tree.total_sizes([folder.id], 3) == {folder.id: 30}
    assert await tree.total_sizes([folder.id], 2) == {folder.id: None}


async def test_items_are_counted_by_folder() -> None:
    account = await new_drive()
    folder, empty = await new_folder(account, "a"), await new_folder(account, "b")
    files = [await new_item(account, name, folder) for name in "abc"]
    await trash.trash(account.id, [files[0].id], NOW)
    assert await items.counts([folder.id, empty.id, account.id]) == {folder.id: 2, empty.id: 0, account.id: 2}
    assert await items.counts([]) == {}
