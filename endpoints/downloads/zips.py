"""``GET`` and ``HEAD`` of a zip file, whole or in part, by a signed URL. It is made while it is sent."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from endpoints.downloads.content_response import content_response, not_modified
from endpoints.downloads.headers import attachment_headers
from endpoints.state import address_of, services_of, zip_budget_of
from services.core.ids import Prefix, require_key
from services.drive.zips.errors import ContentLost, TooManyZipDownloads
from storage.blobs import BlockSize
from storage.drive.models import Zip

MEDIA_TYPE = "application/zip"
MIB = 2**20
#: Memory of a process for the lists of entries of the zip files that it sends, and for those of one address. The
#: largest list takes 5 MiB, that of a hundred files 20 KiB.
ZIP_MEMORY, ZIP_MEMORY_PER_ADDRESS = 64 * MIB, 16 * MIB


async def download_zip(request: Request) -> Response:
    """Send a zip file."""
    services, query = services_of(request), request.query_params
    services.signed_urls.check_download(request.url.path, query.get("expires", ""), query.get("signature", ""))
    row = await services.zips.content(require_key(Prefix.ZIP, request.path_params["id"]))
    headers = attachment_headers(row.name, MEDIA_TYPE, row.etag, row.created_at)
    if response := not_modified(request, headers):
        return response
    return await content_response(request, row.size, headers, partial(_read, request, row))


async def _read(
    request: Request, row: Zip, offset: int, length: int, block_size: BlockSize
) -> AsyncGenerator[bytes, None]:
    """The blocks of a range. If the bytes of a file are lost, the zip file ends for all requests."""
    zips = services_of(request).zips
    try:
        reader = await zips.reader(row)
        with _memory(request, reader.memory):
            async with aclosing(reader.read(offset, length, block_size)) as blocks:
                async for block in blocks:
                    yield block
    except ContentLost:
        await zips.withdraw(row)
        raise


@contextmanager
def _memory(request: Request, size: int) -> Iterator[None]:
    """Take memory from the budget for the block. Raises :class:`TooManyZipDownloads`."""
    budget, address = zip_budget_of(request), address_of(request)
    if not budget.take(address, size):
        raise TooManyZipDownloads("Too many large zip files are being downloaded. Try again in a moment.")
    try:
        yield
    finally:
        budget.take(address, -size)
