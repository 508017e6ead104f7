"""``GET`` and ``HEAD`` of the bytes of a version or a rendition, whole or in part, by a signed URL."""

from collections.abc import Awaitable, Callable
from functools import partial
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from endpoints.downloads.content_response import content_response, not_modified
from endpoints.downloads.headers import download_headers
from endpoints.state import services_of
from services.container import Services
from services.core.ids import Prefix, require_key
from services.drive.downloads import LINK_SECONDS, Content

#: Shorter than the link is valid, so that a browser does not follow one that has expired.
REDIRECT_CACHE_CONTROL = f"private, max-age={LINK_SECONDS // 2}"

Finder = Callable[[Services, UUID], Awaitable[Content]]


async def download_version(request: Request) -> Response:
    """Send a version of a file."""
    return await _download(request, Prefix.VERSION, lambda services, key: services.downloads.version(key))


async def download_rendition(request: Request) -> Response:
    """Send a rendition of a file."""
    return await _download(request, Prefix.RENDITION, lambda services, key: services.downloads.rendition(key))


async def _download(request: Request, prefix: Prefix, find: Finder) -> Response:
    services = services_of(request)
    query = request.query_params
    signed = [query.get(name, "") for name in ("expires", "signature", "disposition")]
    disposition = services.signed_urls.check_download(request.url.path, *signed)
    content = await find(services, require_key(prefix, request.path_params["id"]))
    headers = download_headers(content, disposition)
    if response := not_modified(request, headers):
        return response
    # A URL of the store is signed for GET only, so HEAD is answered here.
    if request.method != "HEAD" and (
        link := await services.downloads.redirect_url(content, headers["Content-Type"], headers["Content-Disposition"])
    ):
        return Response(status_code=307, headers={"Location": link, "Cache-Control": REDIRECT_CACHE_CONTROL})
    return await content_response(request, content.size, headers, partial(services.downloads.read, content))
