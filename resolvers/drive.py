"""Files and renditions of the viewer."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from resolvers.context import Context
from resolvers.pages import Listing, Page, PageArguments, parse_key
from services.access.permissions import visible
from services.core.ids import Prefix, decode
from storage.drive.models import File, Rendition


async def find_file(context: Context, file_id: str) -> File | None:
    """The file with this ID, if the viewer may see it."""
    viewer, key = context.viewer, decode(Prefix.FILE, file_id)
    return visible(viewer, await context.services.files.find(key)) if key else None


async def find_rendition(context: Context, rendition_id: str) -> Rendition | None:
    """The rendition with this ID, if the viewer may see its file."""
    viewer, key = context.viewer, decode(Prefix.RENDITION, rendition_id)
    rendition = await context.services.files.find_rendition(key) if key else None
    return rendition if rendition and visible(viewer, rendition.file) else None


async def files_page(context: Context, arguments: PageArguments) -> Page[File]:
    """A page of the viewer's files, newest first. Raises :class:`services.core.errors.InvalidInput`."""
    files, owner = context.services.files, context.viewer.account_id
    listing: Listing[File, UUID] = Listing(
        fetch=lambda window: files.page(owner, window),
        count=lambda: files.count(owner),
        key=lambda file: file.id,
        parse=parse_key,
    )
    return await listing.page(arguments)


async def renditions(context: Context, file: File) -> Sequence[Rendition]:
    """The renditions of one of the viewer's files."""
    return await context.loaders.renditions.load(file.id)


def file_url(context: Context, file: File) -> str:
    """A signed URL for the bytes of one of the viewer's files."""
    return context.services.signed_urls.file(file.id, context.base_url)


def rendition_url(context: Context, rendition: Rendition) -> str:
    """A signed URL for the bytes of one of the viewer's renditions."""
    return context.services.signed_urls.rendition(rendition.id, context.base_url)


def download_url_expires_at(context: Context) -> datetime:
    """The expiry of a download URL that is signed now."""
    return context.services.signed_urls.expires_at()
