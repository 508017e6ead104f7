"""Copies share their bytes, are complete or not there at all, and are items of their own."""

import pytest

from storage.accounts.models import Account
from storage.drive import items
from storage.drive.errors import ItemInTrash, ItemIsRoot, ItemMissing, NameTaken, TooDeep, TooManyItems
from storage.drive.errors import WouldBeBelowItself as BelowItself
from storage.drive.models import Blob, FileVersion, Item, Rendition, RenditionKind
from storage.drive.tree import changes, copying, trash
from storage.drive.tree.chains import MAX_DEPTH
from storage.drive.tree.copying import copy
from storage.events.models import Event
from tests.storage.drive.tree_rows import (
    FAIL,
    KEEP_BOTH,
    REPLACE,
    event_kinds,
    later,
    names_in,
    new_chain,
    new_drive,
    new_file,
    new_folder,
    path_of,
)
from tests.storage.rows import NOW

pytestmark = pytest.mark.usefixtures("database")


async def below(account: Account) -> list[str]:
    """The paths of all items of a drive outside the trash, except the root."""
    rows = await Item.filter(account_id=account.id, parent_id__not_isnull=True, trashed_at=None)
    return sorted([await path_of(item) for item in rows])


async def test_a_copied_file_has_a_version_of_its_own_over_the_same_bytes() -> None:
    account = await new_drive()
    folder = await new_folder(account, "a")
    file = await new_file(account, "x")
    await Item.filter(id=file.id).update(starred=True)
    (made,) = await copy(account.id, [file.id], folder.id, FAIL, later(1))
    assert (made.name, made.size, made.file_kind, made.starred) == ("x", file.size, file.file_kind, False)
    assert (made.created_at, made.parent_id) == (later(1), folder.id)
    versions = await FileVersion.filter(item_id__in=[file.id, made.id]).order_by("created_at")
    assert len({version.id for version in versions}) == 2
    assert len({version.blob_id for version in versions}) == 1
    assert [version.number for version in versions] == [1, 1]
    assert made.version_id in {version.id for version in versions}
    assert (await Account.get(id=account.id)).original_bytes == 0


async def test_a_copied_file_can_replace_a_copy_of_the_same_call() -> None:
    account = await new_drive()
    target, inner = await new_folder(account, "to"), await new_folder(account, "inner")
    files = [await new_file(account, "x"), await new_file(account, "x", inner)]
    first, second = await copy(account.id, [file.id for file in files], target.id, REPLACE, later(1))
    assert first.id == second.id
    versions = await FileVersion.filter(item_id=first.id).order_by("number")
    originals = [await FileVersion.get(id=file.version_id) for file in files]
    assert [version.blob_id for version in versions] == [version.blob_id for version in originals]
    assert (await Item.get(id=first.id)).version_id == versions[1].id
    assert (await event_kinds(account))[-2:] == ["CREATED", "UPDATED"]


async def test_a_copy_has_the_renditions_of_its_original() -> None:
    account = await new_drive()
    file = await new_file(account, "x")
    blob = await Blob.create(account_id=account.id, key="rendition", size=5, sha256="0" * 64)
    kind = RenditionKind.COMPRESSED_VIDEO
    await Rendition.create(version_id=file.version_id, kind=kind, mime_type="video/mp4", blob=blob)
    (made,) = await copy(account.id, [file.id], account.id, KEEP_BOTH, NOW)
    (rendition,) = await Rendition.filter(version_id=made.version_id)
    assert (rendition.kind, rendition.blob_id) == (kind, blob.id)


async def test_a_folder_is_copied_with_everything_outside_the_trash() -> None:
    account = await new_drive()
    folder = await new_folder(account, "a")
    deep = await new_chain(account, 2, folder)
    await new_file(account, "x", deep[1])
    await new_file(account, "y", folder)
    gone = await new_folder(account, "gone", folder)
    await new_file(account, "z", gone)
    await trash.trash(account.id, [gone.id], NOW)
    before = await Event.filter(account_id=account.id).count()
    (made,) = await copy(account.id, [folder.id], account.id, KEEP_BOTH, NOW)
    tree = ["", "/level 0", "/level 0/level 1", "/level 0/level 1/x", "/y"]
    assert await below(account) == sorted(
        [*(f"/a{path}" for path in tree), *(f"/a (2){path}" for path in tree), "/a/gone/z"]
    )
    events = (await Event.filter(account_id=account.id).order_by("seq"))[before:]
    known = {str(account.id)}
    for event in events:
        assert event.kind == "CREATED"
        assert event.facts["parentId"] in known
        known.add(str(event.item_id))
    assert len(events) == 5
    assert made.name == "a (2)"


async def test_all_items_are_copied_or_none() -> None:
    account = await new_drive()
    target = await new_folder(account, "target")
    a, b = await new_file(account, "a"), await new_file(account, "b")
    await new_file(account, "b", target)
    before = (await event_kinds(account), await FileVersion.all().count())
    with pytest.raises(NameTaken):
        await copy(account.id, [a.id, b.id], target.id, FAIL, NOW)
    assert await names_in(target.id) == ["b"]
    assert (await event_kinds(account), await FileVersion.all().count()) == before
    made = await copy(account.id, [b.id, a.id], target.id, KEEP_BOTH, NOW)
    assert [item.name for item in made] == ["b (2)", "a"]


async def test_a_copy_can_replace_a_file_as_a_new_version() -> None:
    account = await new_drive()
    folder = await new_folder(account, "a")
    new, old = await new_file(account, "x", size=7), await new_file(account, "X", folder)
    (made,) = await copy(account.id, [new.id], folder.id, REPLACE, later(1))
    assert (made.id, made.name, made.size, made.updated_at) == (old.id, "X", 7, later(1))
    versions = await FileVersion.filter(item_id=old.id).order_by("number")
    assert [version.number for version in versions] == [1, 2]
    assert [version.id for version in versions] == [old.version_id, made.version_id]
    assert (await items.find(new.id)) is not None
    assert (await event_kinds(account))[-1] == "UPDATED"


async def test_nothing_is_replaced_by_itself_or_by_a_folder() -> None:
    account = await new_drive()
    folder, target = await new_folder(account, "x"), await new_folder(account, "target")
    file = await new_file(account, "file")
    await new_file(account, "X", target)
    for key, parent in ((file.id, account.id), (folder.id, account.id), (folder.id, target.id)):
        with pytest.raises(NameTaken):
            await copy(account.id, [key], parent, REPLACE, NOW)


async def test_a_folder_is_not_copied_below_itself() -> None:
    account = await new_drive()
    folders = await new_chain(account, 3)
    for target in folders:
        with pytest.raises(BelowItself):
            await copy(account.id, [folders[0].id], target.id, KEEP_BOTH, NOW)


async def test_what_cannot_be_seen_is_not_copied() -> None:
    ada, bob = await new_drive(), await new_drive()
    hers, his = await new_file(ada, "a"), await new_file(bob, "b")
    for keys, parent in (([hers.id], bob.id), ([his.id], ada.id), ([his.id, hers.id], bob.id)):
        with pytest.raises(ItemMissing):
            await copy(bob.id, keys, parent, KEEP_BOTH, NOW)
    with pytest.raises(ItemIsRoot):
        await copy(bob.id, [bob.id], bob.id, KEEP_BOTH, NOW)
    await trash.trash(bob.id, [his.id], NOW)
    with pytest.raises(ItemInTrash):
        await copy(bob.id, [his.id], bob.id, KEEP_BOTH, NOW)


async def test_a_copy_is_not_too_deep() -> None:
    account = await new_drive()
    deep = await new_chain(account, MAX_DEPTH - 1)
    high = await new_chain(account, 2, await new_folder(account, "high"))
    await new_file(account, "x", high[1])
    with pytest.raises(TooDeep):
        await copy(account.id, [high[0].id], deep[-1].id, FAIL, NOW)
    await copy(account.id, [high[1].id], deep[-1].id, FAIL, NOW)
    with pytest.raises(TooDeep):
        await copy(account.id, [high[1].id], (await Item.get(name="level 1", parent_id=deep[-1].id)).id, FAIL, NOW)


async def test_a_copy_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    account = await new_drive()
    folder = await new_folder(account, "a")
    for name in "xyz":
        await new_file(account, name, folder)
    monkeypatch.setattr(copying, "MOST_ITEMS", 3)
    with pytest.raises(TooManyItems):
        await copy(account.id, [folder.id], account.id, KEEP_BOTH, NOW)
    assert await names_in(account.id) == ["a"]
    monkeypatch.setattr(copying, "MOST_ITEMS", 4)
    await copy(account.id, [folder.id], account.id, KEEP_BOTH, NOW)


async def test_a_moved_or_renamed_file_can_become_a_version_of_another_one() -> None:
    account = await new_drive()
    folder = await new_folder(account, "a")
    old, new, newest = [await new_file(account, name, size=size) for name, size in (("x", 1), ("y", 2), ("z", 3))]
    assert (await changes.rename(account.id, new.id, "X", REPLACE, later(1))).id == old.id
    await changes.move(account.id, [old.id], folder.id, FAIL, later(2))
    await changes.rename(account.id, newest.id, "X", FAIL, later(3))
    (kept,) = await changes.move(account.id, [newest.id], folder.id, REPLACE, later(4))
    assert (kept.id, kept.name, kept.size, kept.version_id) == (old.id, "x", 3, newest.version_id)
    versions = await FileVersion.filter(item_id=old.id).order_by("number")
    assert [(version.number, version.id) for version in versions] == [
        (1, old.version_id),
        (2, new.version_id),
        (3, newest.version_id),
    ]
    assert await items.find_many([new.id, newest.id]) == {}
    assert (await event_kinds(account))[-2:] == ["UPDATED", "DELETED"]
