"""Versions of the viewer's files."""

from resolvers.context import Context
from resolvers.drive.items import find_file, find_version
from resolvers.pages import Listing, Page, PageArguments, parse_index
from services.access.permissions import Permission, require_permission
from services.core.ids import Prefix, require_key
from storage.drive.models import FileVersion, Item


async def versions_page(context: Context, file: Item, arguments: PageArguments) -> Page[FileVersion]:
    """A page of the versions of one of the viewer's files, the newest one first.

    Raises :class:`services.core.errors.InvalidInput`.
    """
    versions = context.services.file_versions
    listing: Listing[FileVersion, int] = Listing(
        fetch=lambda window: versions.page(file.id, window),
        count=lambda: versions.count(file.id),
        key=lambda version: version.number,
        parse=parse_index,
    )
    return await listing.page(arguments)


async def restore_version(context: Context, file_id: str, version_id: str) -> Item:
    """Make an earlier version of the viewer's file the current one again."""
    viewer, file = context.viewer, await find_file(context, file_id)
    file = require_permission(viewer, Permission.EDIT, file, "file", field="fileId")
    key = require_key(Prefix.VERSION, version_id, field="versionId")
    return await context.services.file_versions.restore(file, key)


async def delete_version(context: Context, version_id: str) -> Item:
    """Delete a version of one of the viewer's files."""
    viewer, version = context.viewer, await find_version(context, version_id)
    version = require_permission(viewer, Permission.EDIT, version, "version", field="versionId")
    return await context.services.file_versions.delete(version)
