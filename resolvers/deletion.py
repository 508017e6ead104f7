"""Deletion of the viewer's items for good."""

from collections.abc import Sequence

from resolvers.context import Context
from services.access.permissions import Permission, require_permission
from services.core.errors import InvalidInput
from services.core.ids import Prefix, decode
from services.drive import deletion
from services.drive.deletion import EmptiedTrash

#: Items of one ``deleteItems``.
MOST_ITEMS = deletion.MOST_ITEMS


async def delete_items(context: Context, item_ids: Sequence[str]) -> int:
    """Delete the viewer's folders and files with these IDs. Raises :class:`services.core.errors.NotFound`."""
    viewer, field = context.viewer, "itemIds"
    if not 1 <= len(item_ids) <= MOST_ITEMS:
        raise InvalidInput(f"Name 1 to {MOST_ITEMS} items.", field=field)
    keys = [decode(Prefix.FILE, item_id) or decode(Prefix.FOLDER, item_id) for item_id in item_ids]
    items = await context.services.items.find_many([key for key in keys if key])
    found = [
        require_permission(viewer, Permission.EDIT, items.get(key) if key else None, "item", field=field)
        for key in keys
    ]
    if any(item.parent_id is None for item in found):
        raise InvalidInput("The root of a drive cannot be deleted.", field=field)
    return await context.services.deletion.delete_items(viewer.account_id, [item.id for item in found])


async def empty_trash(context: Context) -> EmptiedTrash:
    """Delete what is in the viewer's trash."""
    return await context.services.deletion.empty_trash(context.viewer.account_id)
