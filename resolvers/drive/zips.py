"""Zip files of the viewer."""

from collections.abc import Sequence

from resolvers.context import Context
from resolvers.drive.items import require_items
from services.access.permissions import Permission, visible
from services.core.ids import Prefix, decode
from storage.drive.models import Zip


async def create(context: Context, item_ids: Sequence[str], name: str | None) -> Zip:
    """Freeze the current content of the viewer's items in a zip file."""
    viewer, services = context.viewer, context.services
    items = await require_items(context, Permission.VIEW, item_ids)
    keys = [item.id for item in items]
    return await services.zips.create(viewer.account_id, keys, name, services.signed_urls.expires_at())


async def find(context: Context, zip_id: str) -> Zip | None:
    """The zip file with this ID, if the viewer may see it."""
    key = decode(Prefix.ZIP, zip_id)
    return visible(context.viewer, await context.services.zips.find(key)) if key else None


def url(context: Context, row: Zip) -> str:
    """A signed URL for the bytes of one of the viewer's zip files."""
    return context.services.signed_urls.zip(row.id, row.expires_at, context.base_url)
