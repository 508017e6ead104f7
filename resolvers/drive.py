"""Files and renditions, as their owner sees them."""

from collections.abc import Sequence

from resolvers.context import Context
from resolvers.ids import parse_id
from resolvers.pages import MAX_PAGE, PAGE, Page, cut, key_after, page_size
from services.access.permissions import visible
from storage.drive.models import File, Rendition


async def find_file(context: Context, file_id: str) -> File | None:
    """The file with this ID, if the viewer may see it."""
    viewer, key = context.viewer, parse_id(file_id)
    return visible(viewer, await context.services.files.find(key)) if key else None


async def files_page(context: Context, first: int | None, after: str | None) -> Page[File]:
    """The viewer's newest files behind the cursor ``after``."""
    limit = page_size(first, PAGE, MAX_PAGE)
    found = await context.services.files.page(context.viewer.account_id, key_after(after), limit + 1)
    return cut(found, limit)


async def renditions(context: Context, file: File) -> Sequence[Rendition]:
    """What was derived from a file of the viewer's."""
    return await context.loaders.renditions.load(file.id)


def file_url(context: Context, file: File) -> str:
    """A signed URL of the bytes of a file of the viewer's."""
    return context.services.signed_urls.file(file.id)


def rendition_url(context: Context, rendition: Rendition) -> str:
    """A signed URL of the bytes of a rendition of the viewer's."""
    return context.services.signed_urls.rendition(rendition.id)
