"""Folders of the viewer: the lists of their items, their paths and sizes, and the trash."""

from resolvers.context import Context
from resolvers.drive.item_cursors import item_cursor_parser, parse_trash_cursor
from resolvers.pages import Listing, Page, PageArguments
from services.access.permissions import visible
from storage.accounts.models import Account
from storage.drive.models import Item
from storage.drive.tree.listing import NO_FILTER, ItemFilter, ItemList, ItemOrder, Position, position
from storage.drive.tree.trash import TrashPosition


async def find_by_path(context: Context, path: str) -> Item | None:
    """The viewer's item at this path."""
    viewer = context.viewer
    return visible(viewer, await context.services.items.find_by_path(viewer.account_id, path))


async def items_page(
    context: Context, folder: Item, order: ItemOrder, only: ItemFilter, arguments: PageArguments
) -> Page[Item]:
    """A page of the items of one of the viewer's folders. Raises :class:`services.core.errors.InvalidInput`."""
    pages, items = context.loaders.item_pages, context.services.items

    async def count() -> int | None:
        if only == NO_FILTER:
            return await item_count(context, folder)
        return await items.count(folder.id, only)

    listing: Listing[Item, Position] = Listing(
        fetch=lambda window: pages.load(ItemList(folder.id, order, only, window)),
        count=count,
        key=lambda item: position(item, order),
        parse=item_cursor_parser(order),
    )
    return await listing.page(arguments)


async def trash_page(context: Context, arguments: PageArguments) -> Page[Item]:
    """A page of the viewer's trash. Raises :class:`services.core.errors.InvalidInput`."""
    items, owner = context.services.items, context.viewer.account_id
    listing: Listing[Item, TrashPosition] = Listing(
        fetch=lambda window: items.trash_page(owner, window),
        count=lambda: items.count_trash(owner),
        key=_trash_position,
        parse=parse_trash_cursor,
    )
    return await listing.page(arguments)


def _trash_position(item: Item) -> TrashPosition:
    assert item.trashed_at
    return TrashPosition(item.trashed_at, item.id)


async def parent_of(context: Context, item: Item) -> Item | None:
    """The folder that one of the viewer's items is in; None for the root."""
    found = await context.loaders.items.load(item.parent_id) if item.parent_id else None
    return visible(context.viewer, found)


async def path_of(context: Context, item: Item) -> str:
    """The path of one of the viewer's items."""
    if not item.parent_id:
        return "/"
    # The items of a folder share the path of the folder.
    above = await context.loaders.paths.load(item.parent_id)
    return f"{above.rstrip('/')}/{item.name}"


async def owner_of(context: Context, item: Item) -> Account:
    """The account whose drive an item is in."""
    account = await context.loaders.accounts.load(item.account_id)
    assert account
    return account


async def item_count(context: Context, folder: Item) -> int:
    """The number of items in one of the viewer's folders."""
    return await context.loaders.item_counts.load(folder.id)


async def total_size(context: Context, folder: Item) -> int | None:
    """The bytes below one of the viewer's folders; None if that is too much to add."""
    return await context.loaders.total_sizes.load(folder.id)
