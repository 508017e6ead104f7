"""Zip files of the viewer."""

import asyncio
from collections.abc import Sequence

from resolvers.context import Context
from resolvers.drive import find_item
from services.access.permissions import Permission, require_permission, visible
from services.core.errors import InvalidInput
from services.core.ids import Prefix, decode
from storage.drive.models import Zip

#: Items of one ``createZip``. A folder counts as one.
MAX_ITEMS = 100


async def create(context: Context, item_ids: Sequence[str], name: str | None) -> Zip:
    """Freeze the current content of the viewer's items in a zip file."""
    if not 1 <= len(item_ids) <= MAX_ITEMS:
        raise InvalidInput(f"Name 1 to {MAX_ITEMS} items.", field="itemIds")
    viewer, services = context.viewer, context.services
    # In one batch of the loader.
    items = await asyncio.gather(*(find_item(context, item_id) for item_id in item_ids))
    keys = [
        require_permission(viewer, Permission.VIEW, item, "item", field=f"itemIds.{index}").id
        for index, item in enumerate(items)
    ]
    return await services.zips.create(viewer.account_id, keys, name, services.signed_urls.expires_at())


async def find(context: Context, zip_id: str) -> Zip | None:
    """The zip file with this ID, if the viewer may see it."""
    key = decode(Prefix.ZIP, zip_id)
    return visible(context.viewer, await context.services.zips.find(key)) if key else None


def url(context: Context, row: Zip) -> str:
    """A signed URL for the bytes of one of the viewer's zip files."""
    return context.services.signed_urls.zip(row.id, row.expires_at, context.base_url)
