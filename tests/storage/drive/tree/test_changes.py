"""Changes of a drive: folders, names and places. All or nothing, and no change forms a circle."""

import asyncio
from uuid import uuid4

import pytest

from storage.drive import items
from storage.drive.errors import (
    ItemInTrash,
    ItemIsRoot,
    ItemMissing,
    NameTaken,
    TooDeep,
    WouldBeBelowItself,
)
from storage.drive.models import Item
from storage.drive.tree import changes, trash
from storage.drive.tree.chains import MAX_DEPTH, chains
from storage.events.models import Event
from tests.storage.drive.tree_rows import (
    FAIL,
    KEEP_BOTH,
    REPLACE,
    event_kinds,
    folder_row,
    later,
    names_in,
    new_chain,
    new_drive,
    new_folder,
    new_item,
    path_of,
)
from tests.storage.rows import NOW, new_account, run_together

pytestmark = pytest.mark.usefixtures("database")


async def test_the_first_folder_creates_the_root() -> None:
    account = await new_account()
    folder = await new_folder(account, "a")
    root = await items.find(account.id)
    assert root
    assert (root.parent_id, folder.parent_id) == (None, account.id)
    assert await path_of(folder) == "/a"
    assert await path_of(root) == "/"


async def test_a_root_is_created_once() -> None:
    account = await new_account()
    await asyncio.gather(*(items.ensure_root(account.id, NOW) for _ in range(8)))
    assert await Item.filter(account_id=account.id).count() == 1


async def test_names_that_differ_in_case_alone_are_equal_and_accents_differ() -> None:
    account = await new_drive()
    taken = await new_folder(account, "Ämter")
    for same in ("Ämter", "ÄMTER", "ämter", "A\u0308mter"):
        with pytest.raises(NameTaken) as refusal:
            await new_folder(account, same)
        assert refusal.value.item_id == taken.id
    await new_folder(account, "Amter")


async def test_a_second_folder_of_a_name_gets_the_lowest_free_number() -> None:
    account = await new_drive()
    made = [await new_folder(account, "a.d", policy=KEEP_BOTH) for _ in range(12)]
    assert [folder.name for folder in made] == ["a.d", *(f"a ({number}).d" for number in range(2, 13))]
    await trash.trash(account.id, [made[4].id], NOW)
    assert (await new_folder(account, "A.D", policy=KEEP_BOTH)).name == "A (5).D"


async def test_a_numbered_name_keeps_within_255_bytes() -> None:
    account = await new_drive()
    long = "ü" * 125 + ".tar.gz"
    names = [(await new_folder(account, long[-127:], policy=KEEP_BOTH)).name for _ in range(11)]
    assert len(set(names)) == 11
    assert all(len(name.encode()) <= 255 and name.endswith(".tar.gz") for name in names)


async def test_a_folder_that_exists_is_returned_if_it_may_be_replaced() -> None:
    account = await new_drive()
    folder = await new_folder(account, "a")
    assert (await new_folder(account, "A", policy=REPLACE)).id == folder.id
    assert await event_kinds(account) == ["CREATED"]
    await new_item(account, "file")
    with pytest.raises(NameTaken):
        await new_folder(account, "file", policy=REPLACE)


async def test_a_folder_is_not_created_where_it_cannot_be_seen() -> None:
    ada, bob = await new_drive(), await new_drive()
    folder, file = await new_folder(ada, "a"), await new_item(ada, "file")
    for parent in (folder.id, ada.id, uuid4(), file.id):
        account = ada if parent == file.id else bob
        with pytest.raises(ItemMissing):
            await changes.create_folder(account.id, parent, "b", FAIL, NOW)
    inner = await new_folder(ada, "inner", folder)
    await trash.trash(ada.id, [folder.id], NOW)
    for parent in (folder.id, inner.id):
        with pytest.raises(ItemInTrash):
            await changes.create_folder(ada.id, parent, "b", FAIL, NOW)


async def test_folders_are_nested_to_a_limit_and_files_may_be_in_the_last_one() -> None:
    account = await new_drive()
    *_, last = await new_chain(account, MAX_DEPTH)
    with pytest.raises(TooDeep):
        await new_folder(account, "deeper", last)
    file = await new_item(account, "file")
    await changes.move(account.id, [file.id], last.id, FAIL, NOW)
    assert (await path_of(file)).count("/") == MAX_DEPTH + 1
    assert (await chains([file.id]))[file.id].is_complete


async def test_a_renamed_item_has_the_new_name() -> None:
    account = await new_drive()
    folder = await new_folder(account, "a")
    renamed = await changes.rename(account.id, folder.id, "B", FAIL, later(1))
    found = await items.find(folder.id)
    assert found
    assert (
        (found.name, found.folded_name, found.updated_at)
        == ("B", "b", later(1))
        == (
            renamed.name,
            renamed.folded_name,
            renamed.updated_at,
        )
    )
    assert (await changes.rename(account.id, folder.id, "b", FAIL, NOW)).name == "b"
    await changes.rename(account.id, folder.id, "b", FAIL, NOW)
    assert await event_kinds(account) == ["CREATED", "RENAMED", "RENAMED"]
    assert (await Event.filter(account_id=account.id).order_by("-seq").first()).facts == {  # type: ignore[union-attr]
        "name": "b",
        "parentId": str(account.id),
        "kind": "FOLDER",
    }


async def test_a_renamed_item_does_not_conflict_with_itself() -> None:
    account = await new_drive()
    await new_folder(account, "a")
    second = await new_folder(account, "a", policy=KEEP_BOTH)
    assert (await changes.rename(account.id, second.id, "a", KEEP_BOTH, NOW)).name == "a (2)"
    with pytest.raises(NameTaken):
        await changes.rename(account.id, second.id, "A", FAIL, NOW)
    with pytest.raises(NameTaken):
        await changes.rename(account.id, second.id, "A", REPLACE, NOW)


async def test_the_root_cannot_be_changed() -> None:
    account = await new_drive()
    folder, root = await new_folder(account, "a"), account.id
    for change in (
        changes.rename(root, root, "b", FAIL, NOW),
        changes.move(root, [folder.id, root], folder.id, FAIL, NOW),
        changes.star(root, root, True, NOW),
        trash.trash(root, [folder.id, root], NOW),
        trash.restore(root, [root], NOW),
    ):
        with pytest.raises(ItemIsRoot):
            await change
    assert await event_kinds(account) == ["CREATED"]


async def test_items_of_others_are_missing_for_every_change() -> None:
    ada, bob = await new_drive(), await new_drive()
    hers, his = await new_folder(ada, "a"), await new_folder(bob, "b")
    for key in (hers.id, ada.id, uuid4()):
        for change in (
            changes.rename(bob.id, key, "b", FAIL, NOW),
            changes.move(bob.id, [his.id, key], bob.id, FAIL, NOW),
            changes.move(bob.id, [his.id], key, FAIL, NOW),
            changes.star(bob.id, key, True, NOW),
            trash.trash(bob.id, [his.id, key], NOW),
            trash.restore(bob.id, [his.id, key], NOW),
        ):
            with pytest.raises(ItemMissing) as refusal:
                await change
            assert refusal.value.item_id == key
    assert await names_in(ada.id) == ["a"]
    assert await names_in(bob.id) == ["b"]


async def test_items_in_the_trash_cannot_be_changed() -> None:
    account = await new_drive()
    folder, other = await new_folder(account, "a"), await new_folder(account, "b")
    inner = await new_item(account, "inner", folder)
    await trash.trash(account.id, [folder.id], NOW)
    for key in (folder.id, inner.id):
        for change in (
            changes.rename(account.id, key, "b", FAIL, NOW),
            changes.move(account.id, [key], other.id, FAIL, NOW),
            changes.star(account.id, key, True, NOW),
        ):
            with pytest.raises(ItemInTrash):
                await change
    with pytest.raises(ItemInTrash):
        await changes.move(account.id, [other.id], folder.id, FAIL, NOW)


async def test_all_items_are_moved_or_none() -> None:
    account = await new_drive()
    target = await new_folder(account, "target")
    await new_item(account, "b", target)
    a, b = await new_item(account, "a"), await new_item(account, "b")
    with pytest.raises(NameTaken):
        await changes.move(account.id, [a.id, b.id], target.id, FAIL, NOW)
    assert await names_in(target.id) == ["b"]
    moved = await changes.move(account.id, [b.id, a.id], target.id, KEEP_BOTH, NOW)
    assert [item.name for item in moved] == ["b (2)", "a"]
    assert sorted(await names_in(target.id)) == ["a", "b", "b (2)"]
    assert await event_kinds(account) == ["CREATED", "MOVED", "MOVED"]


async def test_items_that_are_in_the_folder_already_stay() -> None:
    account = await new_drive()
    a = await new_item(account, "a")
    (moved,) = await changes.move(account.id, [a.id], account.id, FAIL, later(1))
    assert (moved.name, moved.updated_at) == ("a", NOW)
    assert await event_kinds(account) == []


async def test_equal_names_of_one_move_are_numbered() -> None:
    account = await new_drive()
    folders = [await new_folder(account, name) for name in "abc"]
    files = [await new_item(account, "x", folder) for folder in folders]
    target = await new_folder(account, "target")
    with pytest.raises(NameTaken):
        await changes.move(account.id, [file.id for file in files], target.id, FAIL, NOW)
    await changes.move(account.id, [file.id for file in files], target.id, KEEP_BOTH, NOW)
    assert await names_in(target.id) == ["x", "x (2)", "x (3)"]


async def test_a_folder_is_not_moved_below_itself() -> None:
    account = await new_drive()
    folders = await new_chain(account, 3)
    for target in folders:
        with pytest.raises(WouldBeBelowItself) as refusal:
            await changes.move(account.id, [folders[0].id], target.id, FAIL, NOW)
        assert refusal.value.item_id == folders[0].id


async def test_a_moved_folder_must_not_make_others_too_deep() -> None:
    account = await new_drive()
    deep = await new_chain(account, 60)
    high = await new_chain(account, 50, await new_folder(account, "high"))
    await new_item(account, "file", high[-1])
    with pytest.raises(TooDeep):
        await changes.move(account.id, [high[0].id], deep[50].id, FAIL, NOW)
    await changes.move(account.id, [high[0].id], deep[49].id, FAIL, NOW)
    assert (await chains([high[-1].id]))[high[-1].id].depth == MAX_DEPTH


async def test_folders_in_the_trash_count_for_the_depth() -> None:
    account = await new_drive()
    deep = await new_chain(account, 60)
    top = await new_folder(account, "top")
    high = await new_chain(account, 50, top)
    await trash.trash(account.id, [high[0].id], NOW)
    with pytest.raises(TooDeep):
        await changes.move(account.id, [top.id], deep[-1].id, FAIL, NOW)


async def test_moves_that_would_form_a_circle_together_do_not_both_succeed() -> None:
    account = await new_drive()
    for number in range(5):
        a, b = await new_folder(account, f"a{number}"), await new_folder(account, f"b{number}")
        found = await asyncio.gather(
            changes.move(account.id, [a.id], b.id, FAIL, NOW),
            changes.move(account.id, [b.id], a.id, FAIL, NOW),
            return_exceptions=True,
        )
        assert sum(isinstance(one, WouldBeBelowItself) for one in found) == 1
        assert all(chain.is_complete for chain in (await chains([a.id, b.id])).values())


CROSS = """
from datetime import UTC, datetime
from uuid import UUID
from storage.drive.tree import changes
from storage.drive.errors import WouldBeBelowItself
from storage.drive.tree.placing import ConflictPolicy
async def main(account, *pairs):
    for pair in pairs:
        item, parent = map(UUID, pair.split(":"))
        try:
            await changes.move(UUID(account), [item], parent, ConflictPolicy.FAIL, datetime.now(UTC))
            print("moved")
        except WouldBeBelowItself:
            print("refused")
"""


async def test_processes_whose_moves_cross_form_no_circle(database: str) -> None:
    account = await new_drive()
    pairs = [(await new_folder(account, f"a{n}"), await new_folder(account, f"b{n}")) for n in range(10)]
    there = [f"{a.id}:{b.id}" for a, b in pairs]
    back = [f"{b.id}:{a.id}" for a, b in pairs]
    outputs = await run_together(database, CROSS, (str(account.id), *there), (str(account.id), *back))
    for results in zip(*(output.split() for output in outputs), strict=True):
        assert sorted(results) == ["moved", "refused"]
    found = await chains([folder.id for pair in pairs for folder in pair])
    assert all(chain.is_complete for chain in found.values())


async def test_of_many_that_create_one_folder_one_succeeds() -> None:
    account = await new_account()
    found = await asyncio.gather(*(new_folder(account, "a") for _ in range(50)), return_exceptions=True)
    assert sum(isinstance(one, NameTaken) for one in found) == 49
    assert await names_in(account.id) == ["a"]


async def test_many_that_keep_both_get_all_numbers() -> None:
    account = await new_account()
    await asyncio.gather(*(new_folder(account, "a", policy=KEEP_BOTH) for _ in range(50)))
    assert set(await names_in(account.id)) == {"a", *(f"a ({number})" for number in range(2, 51))}
    assert sorted(event.seq for event in await Event.filter(account_id=account.id)) == list(range(1, 51))


async def test_a_folder_that_is_put_into_the_trash_meanwhile_gets_nothing_more() -> None:
    account = await new_drive()
    for number in range(5):
        parent = await new_folder(account, f"p{number}")
        made, _ = await asyncio.gather(
            new_folder(account, "a", parent), trash.trash(account.id, [parent.id], NOW), return_exceptions=True
        )
        assert isinstance(made, Item | ItemInTrash)
        assert await names_in(parent.id) == (["a"] if isinstance(made, Item) else [])


async def test_a_star_is_an_update_and_not_a_change_of_the_item() -> None:
    account = await new_drive()
    file = await new_item(account, "a")
    for starred in (True, True, False):
        assert (await changes.star(account.id, file.id, starred, later(1))).starred is starred
    found = await items.find(file.id)
    assert found
    assert (found.starred, found.updated_at) == (False, NOW)
    assert await event_kinds(account) == ["UPDATED", "UPDATED"]


async def test_what_is_being_deleted_is_missing() -> None:
    account = await new_drive()
    folder = await new_folder(account, "a")
    inner = await new_item(account, "inner", folder)
    await Item.filter(id=folder.id).update(parent_id=None, removed_at=NOW)
    assert await items.find_many([folder.id, inner.id]) == {}
    with pytest.raises(ItemMissing):
        await changes.rename(account.id, inner.id, "b", FAIL, NOW)


async def test_a_folder_of_many_items_is_moved_at_any_width_of_its_levels() -> None:
    account = await new_drive()
    top, target = await new_folder(account, "top"), await new_folder(account, "target")
    wide = [folder_row(account, f"f{number}", top.id) for number in range(300)]
    await Item.bulk_create(wide)
    await changes.move(account.id, [top.id], target.id, FAIL, NOW)
    assert await path_of(wide[-1]) == "/target/top/f299"
