"""Deletion of the viewer's items for good."""

from collections.abc import Sequence

from resolvers.context import Context
from resolvers.drive.items import require_items
from services.access.permissions import Permission
from services.core.errors import InvalidInput
from services.drive.deletion import EmptiedTrash


async def delete_items(context: Context, item_ids: Sequence[str]) -> int:
    """Delete the viewer's folders and files with these IDs.

    Raises :class:`InvalidInput` and :class:`services.core.errors.NotFound`.
    """
    items = await require_items(context, Permission.EDIT, item_ids)
    if any(item.parent_id is None for item in items):
        raise InvalidInput("The root of a drive cannot be deleted.", field="itemIds")
    return await context.services.deletion.delete_items(context.viewer.account_id, [item.id for item in items])


async def empty_trash(context: Context) -> EmptiedTrash:
    """Delete what is in the viewer's trash."""
    return await context.services.deletion.empty_trash(context.viewer.account_id)
