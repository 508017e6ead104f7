"""Changes that the viewer makes to folders and files."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from resolvers.context import Context
from resolvers.drive import find_item
from services.access.permissions import Permission, require_permission
from services.core.errors import InvalidInput
from storage.drive.models import Item, ItemKind
from storage.drive.placing import ConflictPolicy

#: The items of one mutation.
MAX_ITEMS = 100


async def create_folder(context: Context, parent_id: str | None, name: str, policy: ConflictPolicy) -> Item:
    """Create a folder in one of the viewer's folders."""
    parent = await _require_folder(context, parent_id)
    return await context.services.item_changes.create_folder(context.viewer.account_id, parent, name, policy)


async def rename(context: Context, item_id: str, name: str, policy: ConflictPolicy) -> Item:
    """Rename one of the viewer's items."""
    return await context.services.item_changes.rename(await _require_item(context, item_id), name, policy)


async def star(context: Context, item_id: str, *, starred: bool) -> Item:
    """Star one of the viewer's items, or remove its star."""
    return await context.services.item_changes.star(await _require_item(context, item_id), starred=starred)


async def move(context: Context, item_ids: Sequence[str], parent_id: str | None, policy: ConflictPolicy) -> list[Item]:
    """Move some of the viewer's items into another folder."""
    keys, parent = await _require_items(context, item_ids), await _require_folder(context, parent_id)
    return await context.services.item_changes.move(context.viewer.account_id, keys, parent, policy)


async def copy(context: Context, item_ids: Sequence[str], parent_id: str | None, policy: ConflictPolicy) -> list[Item]:
    """Copy some of the viewer's items into a folder."""
    keys, parent = await _require_items(context, item_ids), await _require_folder(context, parent_id)
    return await context.services.item_changes.copy(context.viewer.account_id, keys, parent, policy)


async def trash(context: Context, item_ids: Sequence[str]) -> list[Item]:
    """Put some of the viewer's items into the trash."""
    keys = await _require_items(context, item_ids)
    return await context.services.item_changes.trash(context.viewer.account_id, keys)


async def restore(context: Context, item_ids: Sequence[str]) -> list[Item]:
    """Take some of the viewer's items out of the trash."""
    keys = await _require_items(context, item_ids)
    return await context.services.item_changes.restore(context.viewer.account_id, keys)


async def _require_folder(context: Context, folder_id: str | None) -> UUID:
    """The key of the viewer's folder; without an ID, that of the root."""
    viewer = context.viewer
    if folder_id is None:
        return viewer.account_id
    found = await find_item(context, folder_id)
    folder = found if found and found.kind is ItemKind.FOLDER else None
    return require_permission(viewer, Permission.EDIT, folder, "folder", field="parentId").id


async def _require_item(context: Context, item_id: str, field: str = "itemId") -> Item:
    return require_permission(context.viewer, Permission.EDIT, await find_item(context, item_id), "item", field=field)


async def _require_items(context: Context, item_ids: Sequence[str]) -> list[UUID]:
    """The keys of the viewer's items. Raises :class:`InvalidInput` for none or too many."""
    if not 1 <= len(item_ids) <= MAX_ITEMS:
        raise InvalidInput(f"'itemIds' must have 1 to {MAX_ITEMS} items.", field="itemIds")
    found = await asyncio.gather(*(find_item(context, item_id) for item_id in item_ids))
    viewer = context.viewer
    return [
        require_permission(viewer, Permission.EDIT, item, "item", field=f"itemIds.{index}").id
        for index, item in enumerate(found)
    ]
