"""Pages of a folder with many items: each order, several places of the list, with and without filters."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from itertools import cycle, islice, product
from uuid import UUID

from bench.drive.databases import FilledDatabase
from bench.drive.fill import NOW, NewItem, add_accounts, add_items, file, folder, root
from bench.drive.timing import Call, Timing, timed
from services.drive.items import Items
from storage.database.connection import close_database, open_database
from storage.database.pages import Window
from storage.drive.models import FileKind, Item, ItemKind
from storage.drive.tree.listing import (
    NO_FILTER,
    ItemFilter,
    ItemList,
    ItemOrder,
    OrderField,
    Position,
    key_column,
    position,
)

PAGE = 100
#: One of so many items is a folder.
FOLDERS = 10
FOLDER = "everything"
ORDERS = [ItemOrder(field, descending) for field, descending in product(OrderField, (False, True))]
PLACES = ("start", "middle", "end")
#: All files of the benchmark are of one kind, size and time. A filter that excludes all of them is the slowest one.
FILTERS: Mapping[str, ItemFilter] = {
    "a kind that all files have": ItemFilter(kinds=(FileKind.VIDEO,)),
    "a time that all items have": ItemFilter(created_after=NOW - timedelta(days=1)),
    "no hit, by kind": ItemFilter(kinds=(FileKind.ARCHIVE,)),
    "no hit, by star": ItemFilter(starred=True),
    "no hit, by time": ItemFilter(created_after=NOW + timedelta(days=1)),
    "no hit, by size": ItemFilter(min_size=10**12),
}


async def measure(database: FilledDatabase, count: int, runs: int) -> list[Timing]:
    """Read pages of a folder with ``count`` items. Half of the runs of each row are in descending order."""
    (account_id,) = await add_accounts(database, 1)
    folder_id = await fill(database, account_id, count)
    await open_database(database.url)
    try:
        calls = await _calls(folder_id)
        return [await timed(database, name, list(islice(cycle(pages), runs))) for name, pages in calls.items()]
    finally:
        await close_database()


async def fill(database: FilledDatabase, account_id: UUID, count: int) -> UUID:
    """Store a folder with ``count`` items in the drive of an account, and as many in others. Returns the folder."""
    top = folder(root(account_id), FOLDER)
    others = [root(key) for key in await add_accounts(database, 10)]
    elsewhere = (file(others[number % len(others)], f"file {number}.mp4") for number in range(count))
    rows = [root(account_id), top, *_items(top, count), *others, *elsewhere]
    await add_items(database, rows, searchable=False)
    await database.finish()
    return top.id


def _items(top: NewItem, count: int) -> Iterator[NewItem]:
    for number in range(count):
        yield folder(top, f"folder {number}") if number % FOLDERS == 0 else file(top, f"file {number}.mp4")


async def _calls(folder_id: UUID) -> dict[str, Sequence[Call]]:
    """The calls of each row."""
    calls: dict[str, list[Call]] = {}
    for order, place in product(ORDERS, PLACES):
        name = f"page by {order.field}, {place}"
        calls.setdefault(name, []).append(await _page(folder_id, order, place, NO_FILTER))
    for (name, only), order in product(FILTERS.items(), ORDERS):
        calls.setdefault(f"page, {name}", []).append(await _page(folder_id, order, "start", only))
    return dict(calls)


async def _page(folder_id: UUID, order: ItemOrder, place: str, only: ItemFilter) -> Call:
    window: Window[Position] = Window(PAGE, backwards=place == "end")
    if place == "middle":
        window = Window(PAGE, after=position(await middle(folder_id, order), order))
    return partial(Items().pages, [ItemList(folder_id, order, only, window)])


async def middle(folder_id: UUID, order: ItemOrder) -> Item:
    """A file in the middle of the files of a folder."""
    column = key_column(order.field, ItemKind.FILE)
    files = Item.filter(parent_id=folder_id, kind=ItemKind.FILE)
    ordered = files.order_by(*(name for name in (column, "id") if name))
    return (await ordered.offset(await files.count() // 2).limit(1))[0]
