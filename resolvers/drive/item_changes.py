"""Changes that the viewer makes to folders and files."""

from collections.abc import Sequence
from uuid import UUID

from resolvers.context import Context
from resolvers.drive.items import require_folder_key, require_item, require_items
from services.access.permissions import Permission
from storage.drive.models import Item
from storage.drive.tree.placing import ConflictPolicy


async def create_folder(context: Context, parent_id: str | None, name: str, policy: ConflictPolicy) -> Item:
    """Create a folder in one of the viewer's folders."""
    parent = await require_folder_key(context, Permission.EDIT, parent_id)
    return await context.services.item_changes.create_folder(context.viewer.account_id, parent, name, policy)


async def rename(context: Context, item_id: str, name: str, policy: ConflictPolicy) -> Item:
    """Rename one of the viewer's items."""
    item = await require_item(context, Permission.EDIT, item_id)
    return await context.services.item_changes.rename(item, name, policy)


async def star(context: Context, item_id: str, *, starred: bool) -> Item:
    """Star one of the viewer's items, or remove its star."""
    item = await require_item(context, Permission.EDIT, item_id)
    return await context.services.item_changes.star(item, starred=starred)


async def move(context: Context, item_ids: Sequence[str], parent_id: str | None, policy: ConflictPolicy) -> list[Item]:
    """Move some of the viewer's items into another folder."""
    keys = await _require_keys(context, item_ids)
    parent = await require_folder_key(context, Permission.EDIT, parent_id)
    return await context.services.item_changes.move(context.viewer.account_id, keys, parent, policy)


async def copy(context: Context, item_ids: Sequence[str], parent_id: str | None, policy: ConflictPolicy) -> list[Item]:
    """Copy some of the viewer's items into a folder."""
    keys = await _require_keys(context, item_ids)
    parent = await require_folder_key(context, Permission.EDIT, parent_id)
    return await context.services.item_changes.copy(context.viewer.account_id, keys, parent, policy)


async def trash(context: Context, item_ids: Sequence[str]) -> list[Item]:
    """Put some of the viewer's items into the trash."""
    keys = await _require_keys(context, item_ids)
    return await context.services.item_changes.trash(context.viewer.account_id, keys)


async def restore(context: Context, item_ids: Sequence[str]) -> list[Item]:
    """Take some of the viewer's items out of the trash."""
    keys = await _require_keys(context, item_ids)
    return await context.services.item_changes.restore(context.viewer.account_id, keys)


async def _require_keys(context: Context, item_ids: Sequence[str]) -> list[UUID]:
    """The keys of the viewer's items."""
    return [item.id for item in await require_items(context, Permission.EDIT, item_ids)]
