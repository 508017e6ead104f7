"""Pages of a folder: in every order, in both directions, and while the folder changes."""

import random
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from storage.accounts.models import Account
from storage.database.pages import Window
from storage.drive.models import FileKind, Item, ItemKind
from storage.drive.tree import changes, listing, trash
from storage.drive.tree.listing import NO_FILTER, ItemFilter, ItemList, ItemOrder, OrderField, Position
from tests.storage.drive.tree_rows import FAIL, file_row, folder_row, later, new_drive, new_folder, new_item
from tests.storage.rows import NOW

pytestmark = pytest.mark.usefixtures("database")

ORDERS = [ItemOrder(field, descending) for field in OrderField for descending in (False, True)]
BY_NAME = ItemOrder()


async def page(folder_id: UUID, order: ItemOrder, only: ItemFilter, window: Window[Position]) -> list[Item]:
    (found,) = await listing.pages([ItemList(folder_id, order, only, window)])
    return found


async def listed(account: Account, order: ItemOrder = BY_NAME, only: ItemFilter = NO_FILTER) -> list[str]:
    found = await page(account.id, order, only, Window(1_000))
    assert await listing.count(account.id, only) == len(found)
    return [item.name for item in found]


async def filled(count: int = 30) -> tuple[Account, list[Item]]:
    """A folder with many equal sizes and times."""
    account, made = await new_drive(), []
    chance = random.Random(1)
    for number in range(count):
        name = f"{chance.choice('aBcÄ')}{chance.randrange(200)} {number}"
        if chance.random() < 0.4:
            made.append(folder_row(account, name, account.id))
        else:
            made.append(file_row(account, name, size=chance.randrange(4)))
        made[-1].updated_at = later(chance.randrange(4) / 2)
    await Item.bulk_create(made)
    return account, made


def expected(items: Sequence[Item], order: ItemOrder) -> list[str]:
    """The whole list, ordered in Python."""

    def key(item: Item) -> tuple[object, ...]:
        column = listing.key_column(order.field, item.kind)
        return (getattr(item, column), item.id) if column else (item.id,)

    segments = [[item for item in items if item.kind is kind] for kind in (ItemKind.FOLDER, ItemKind.FILE)]
    return [item.name for part in segments for item in sorted(part, key=key, reverse=order.descending)]


@pytest.mark.parametrize("order", ORDERS)
async def test_pages_are_the_whole_list_in_both_directions(order: ItemOrder) -> None:
    account, made = await filled()
    whole = expected(made, order)
    assert await listed(account, order) == whole
    for limit in (1, 3, 7, 100):
        assert await forwards(account, order, limit) == whole
        assert await backwards(account, order, limit) == whole


async def forwards(account: Account, order: ItemOrder, limit: int) -> list[str]:
    names: list[str] = []
    window: Window[Position] = Window(limit)
    while found := await page(account.id, order, NO_FILTER, window):
        names += [item.name for item in found]
        window = Window(limit, after=listing.position(found[-1], order))
    return names


async def backwards(account: Account, order: ItemOrder, limit: int) -> list[str]:
    names: list[str] = []
    window: Window[Position] = Window(limit, backwards=True)
    while found := await page(account.id, order, NO_FILTER, window):
        names = [item.name for item in found] + names
        window = Window(limit, before=listing.position(found[0], order), backwards=True)
    return names


async def test_a_page_between_two_positions_has_neither_of_them() -> None:
    account, made = await filled()
    whole = expected(made, BY_NAME)
    places = {item.name: listing.position(item, BY_NAME) for item in made}
    window = Window(100, after=places[whole[3]], before=places[whole[-3]])
    assert [item.name for item in await page(account.id, BY_NAME, NO_FILTER, window)] == whole[4:-3]


async def test_names_are_ordered_like_a_reader_orders_them() -> None:
    account = await new_drive()
    for name in ("b", "a10", "A9", "a1", "a01", "file 2.txt", "file 10.txt", "Z", "ä", "2", "10", "日本"):
        await new_item(account, name)
    assert await listed(account) == [
        "2", "10", "a01", "a1", "A9", "a10", "b", "file 2.txt", "file 10.txt", "Z", "ä", "日本",
    ]  # fmt: skip


async def test_folders_come_first_in_both_directions() -> None:
    account = await new_drive()
    await new_item(account, "a")
    await new_folder(account, "m")
    await new_folder(account, "n")
    assert await listed(account) == ["m", "n", "a"]
    assert await listed(account, ItemOrder(OrderField.SIZE, True)) == ["n", "m", "a"]


async def test_filters_hold_together() -> None:
    account = await new_drive()
    await new_item(account, "small", size=1, file_kind=FileKind.IMAGE)
    await new_item(account, "large", size=10**12, file_kind=FileKind.VIDEO, starred=True)
    await new_item(account, "late", size=5, file_kind=FileKind.VIDEO, created_at=later(9))
    await new_folder(account, "folder")
    for only, names in (
        (ItemFilter(kinds=(FileKind.VIDEO,)), ["large", "late"]),
        (ItemFilter(kinds=(FileKind.VIDEO, FileKind.IMAGE), max_size=5), ["late", "small"]),
        (ItemFilter(kinds=()), []),
        (ItemFilter(min_size=0), ["large", "late", "small"]),
        (ItemFilter(min_size=5, max_size=5), ["late"]),
        (ItemFilter(starred=True), ["large"]),
        (ItemFilter(starred=False), ["folder", "late", "small"]),
        (ItemFilter(created_after=NOW), ["late"]),
        (ItemFilter(created_before=later(9)), ["folder", "large", "small"]),
    ):
        assert await listed(account, only=only) == names


async def test_a_list_has_no_items_of_the_trash_but_a_folder_in_the_trash_has_a_list() -> None:
    account = await new_drive()
    folder = await new_folder(account, "a")
    gone, kept = await new_item(account, "gone", folder), await new_item(account, "kept", folder)
    await trash.trash(account.id, [gone.id], NOW)
    await trash.trash(account.id, [folder.id], later(1))
    found = await page(folder.id, BY_NAME, NO_FILTER, Window(10))
    assert [item.id for item in found] == [kept.id]
    assert await listed(account) == []


@pytest.mark.parametrize("order", ORDERS)
async def test_a_reader_of_pages_misses_no_item_that_stays_while_others_change(order: ItemOrder) -> None:
    account, made = await filled(60)
    chance = random.Random(order.field + str(order.descending))
    stays = {item.id for item in chance.sample(made, 30)}
    others = [item for item in made if item.id not in stays]
    seen: list[Item] = []
    window: Window[Position] = Window(5)
    while found := await page(account.id, order, NO_FILTER, window):
        seen += found
        window = Window(5, after=listing.position(found[-1], order))
        await disturb(account, others, found[-1], chance)
    ids = [item.id for item in seen if item.id in stays]
    assert len(ids) == len(set(ids)) == 30
    assert [item.name for item in seen if item.id in stays] == expected([i for i in made if i.id in stays], order)


async def disturb(account: Account, others: list[Item], last: Item, chance: random.Random) -> None:
    """Add an item, rename, move and delete others; also the one whose position the reader has, if it does not stay."""
    if not others:
        return
    await new_item(account, f"{chance.choice('aBcÄ')} new {uuid4()}")
    if last in others:
        others.remove(last)
        await changes.rename(account.id, last.id, f"zz {uuid4()}", FAIL, NOW + timedelta(days=1))
        return
    gone = others.pop()
    await Item.filter(id=gone.id).delete()


async def test_a_position_is_that_of_values_and_needs_no_item() -> None:
    account = await new_drive()
    for name in "abd":
        await new_item(account, name)
    place = Position(ItemKind.FILE, file_row(account, "c").sort_key, uuid4())
    found = await page(account.id, BY_NAME, NO_FILTER, Window(9, after=place))
    assert [item.name for item in found] == ["d"]
    found = await page(account.id, BY_NAME, NO_FILTER, Window(1, before=place, backwards=True))
    assert [item.name for item in found] == ["b"]


async def test_a_large_folder_is_not_counted_by_a_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MOST_COUNTED", 2)
    account = await new_drive()
    for number in range(2):
        await new_item(account, f"name {number}", size=number)
    assert await listing.count(account.id, ItemFilter(min_size=1)) == 1
    await new_item(account, "one more", size=0)
    assert await listing.count(account.id, ItemFilter(min_size=1)) is None
