"""``GET`` and ``HEAD`` of the bytes of a version or a rendition, whole or in part, by a signed URL."""

from collections.abc import Awaitable, Callable
from datetime import UTC
from email.utils import format_datetime
from functools import partial
from urllib.parse import quote
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from endpoints.content_response import content_response, not_modified
from endpoints.state import services_of
from services.container import Services
from services.core.ids import Prefix, require_key
from services.drive.downloads import LINK_SECONDS, Content

#: The bytes are private, and never change.
CACHE_CONTROL = "private, max-age=3600, immutable"
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
    services.signed_urls.check_download(request.url.path, query.get("expires", ""), query.get("signature", ""))
    content = await find(services, require_key(prefix, request.path_params["id"]))
    headers = _headers(content)
    if response := not_modified(request, headers):
        return response
    # A URL of the store is signed for GET only, so HEAD is answered here.
    if request.method != "HEAD" and (
        link := await services.downloads.redirect_url(content, headers["Content-Disposition"])
    ):
        return Response(status_code=307, headers={"Location": link, "Cache-Control": REDIRECT_CACHE_CONTROL})
    return await content_response(request, content.size, headers, partial(services.downloads.read, content))


def _headers(content: Content) -> dict[str, str]:
    return {
        "Content-Type": content.mime_type,
        "Content-Disposition": content_disposition(content.name),
        "ETag": f'"{content.sha256}"',
        "Last-Modified": format_datetime(content.modified_at.astimezone(UTC), usegmt=True),
        "Accept-Ranges": "bytes",
        "Cache-Control": CACHE_CONTROL,
        # Uploaded content is never a page of this site: its type is not guessed, it is not run and not framed.
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cross-Origin-Resource-Policy": "same-site",
    }


def content_disposition(name: str) -> str:
    """Always an attachment, so that uploaded HTML is never shown as ours; the name by RFC 6266 and RFC 8187."""
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\%;' else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
