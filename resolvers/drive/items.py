"""Folders and files of the viewer."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from resolvers.context import Context
from resolvers.pages import Listing, Page, PageArguments, parse_key
from services.access.permissions import Permission, require_permission, visible
from services.access.types import Disposition
from services.core.errors import InvalidInput
from services.core.ids import Prefix, decode
from storage.drive.models import FileVersion, Item, ItemKind, Rendition

#: The items that one mutation names.
MAX_ITEMS = 100
PREFIXES = {ItemKind.FOLDER: Prefix.FOLDER, ItemKind.FILE: Prefix.FILE}


async def root(context: Context) -> Item | None:
    """The root of the viewer's drive; None without a viewer."""
    viewer = context.viewer_or_none
    return await context.services.items.root(viewer.account_id) if viewer else None


async def find_item(context: Context, item_id: str) -> Item | None:
    """The folder or file with this ID, if the viewer may see it."""
    viewer, key = context.viewer, decode(Prefix.FILE, item_id) or decode(Prefix.FOLDER, item_id)
    item = visible(viewer, await context.loaders.items.load(key)) if key else None
    # An ID of the other type is not the ID of this item.
    return item if item and decode(PREFIXES[item.kind], item_id) else None


async def require_item(context: Context, permission: Permission, item_id: str) -> Item:
    """The folder or file with this ID. Raises :class:`services.core.errors.NotFound`."""
    return require_permission(context.viewer, permission, await find_item(context, item_id), "item", field="itemId")


async def require_items(context: Context, permission: Permission, item_ids: Sequence[str]) -> list[Item]:
    """The folders and files with these IDs, in the order of the IDs.

    Raises :class:`InvalidInput` for none or too many, and :class:`services.core.errors.NotFound`.
    """
    if not 1 <= len(item_ids) <= MAX_ITEMS:
        raise InvalidInput(f"Name 1 to {MAX_ITEMS} items.", field="itemIds")
    # In one batch of the loader. Of several that are missing, the first one counts.
    found = await asyncio.gather(*(find_item(context, item_id) for item_id in item_ids))
    return [
        require_permission(context.viewer, permission, item, "item", field=f"itemIds.{index}")
        for index, item in enumerate(found)
    ]


async def require_folder_key(context: Context, permission: Permission, folder_id: str | None) -> UUID:
    """The key of the folder with this ID; without an ID, that of the root.

    The root has its key before it has a row. Raises :class:`services.core.errors.NotFound`.
    """
    viewer = context.viewer
    if folder_id is None or decode(Prefix.FOLDER, folder_id) == viewer.account_id:
        return viewer.account_id
    found = await find_item(context, folder_id)
    folder = found if found and found.kind is ItemKind.FOLDER else None
    return require_permission(viewer, permission, folder, "folder", field="parentId").id


async def find_file(context: Context, file_id: str) -> Item | None:
    """The file with this ID, if the viewer may see it."""
    item = await find_item(context, file_id)
    return item if item and item.kind is ItemKind.FILE else None


async def find_version(context: Context, version_id: str) -> FileVersion | None:
    """The version with this ID, if the viewer may see its file."""
    viewer, key = context.viewer, decode(Prefix.VERSION, version_id)
    return visible(viewer, await context.services.items.find_version(key)) if key else None


async def find_rendition(context: Context, rendition_id: str) -> Rendition | None:
    """The rendition with this ID, if the viewer may see its file."""
    viewer, key = context.viewer, decode(Prefix.RENDITION, rendition_id)
    rendition = await context.services.items.find_rendition(key) if key else None
    return rendition if rendition and visible(viewer, rendition.version) else None


async def files_page(context: Context, arguments: PageArguments) -> Page[Item]:
    """A page of the viewer's files, newest first. Raises :class:`services.core.errors.InvalidInput`."""
    items, owner = context.services.items, context.viewer.account_id
    listing: Listing[Item, UUID] = Listing(
        fetch=lambda window: items.files_page(owner, window),
        count=lambda: items.count_files(owner),
        key=lambda item: item.id,
        parse=parse_key,
    )
    return await listing.page(arguments)


async def starred_page(context: Context, arguments: PageArguments) -> Page[Item]:
    """A page of the viewer's items with a star. Raises :class:`services.core.errors.InvalidInput`."""
    items, owner = context.services.items, context.viewer.account_id
    listing: Listing[Item, UUID] = Listing(
        fetch=lambda window: items.starred_page(owner, window),
        count=lambda: items.count_starred(owner),
        key=lambda item: item.id,
        parse=parse_key,
    )
    return await listing.page(arguments)


async def current_version(context: Context, file: Item) -> FileVersion:
    """The current version of one of the viewer's files, with its blob."""
    assert file.version_id
    version = await context.loaders.versions.load(file.version_id)
    assert version
    return version


async def renditions(context: Context, version_id: UUID) -> Sequence[Rendition]:
    """The renditions of one of the viewer's versions."""
    return await context.loaders.renditions.load(version_id)


def version_url(context: Context, version_id: UUID, disposition: Disposition = Disposition.ATTACHMENT) -> str:
    """A signed URL for the bytes of one of the viewer's versions."""
    return context.services.signed_urls.version(version_id, context.base_url, disposition)


def rendition_url(context: Context, rendition: Rendition, disposition: Disposition = Disposition.ATTACHMENT) -> str:
    """A signed URL for the bytes of one of the viewer's renditions."""
    return context.services.signed_urls.rendition(rendition.id, context.base_url, disposition)


def download_url_expires_at(context: Context) -> datetime:
    """The expiry of a download URL that is signed now."""
    return context.services.signed_urls.expires_at()
