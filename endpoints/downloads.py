"""``GET`` and ``HEAD`` of the bytes of a version or a rendition, whole or in part, by a signed URL."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from datetime import UTC
from email.utils import format_datetime
from time import monotonic
from urllib.parse import quote
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from endpoints.download_blocks import BlockSizes
from endpoints.problems import problem
from endpoints.ranges import ByteRange, Unsatisfiable, matches, parse_range
from endpoints.state import address_of, block_budget_of, services_of
from services.container import Services
from services.core.errors import ErrorCode
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
    if matches(request.headers.get("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    # A URL of the store is signed for GET only, so HEAD is answered here.
    if request.method != "HEAD" and (
        link := await services.downloads.redirect_url(content, headers["Content-Disposition"])
    ):
        return Response(status_code=307, headers={"Location": link, "Cache-Control": REDIRECT_CACHE_CONTROL})
    try:
        part = parse_range(_range_header(request, headers), content.size)
    except Unsatisfiable:
        unsatisfiable = {"Content-Range": f"bytes */{content.size}"}
        return problem(
            416, ErrorCode.RANGE_NOT_SATISFIABLE.value, "The range starts after the end of the file.", unsatisfiable
        )
    return await _content_response(request, services, content, part, headers)


async def _content_response(
    request: Request, services: Services, content: Content, part: ByteRange | None, headers: dict[str, str]
) -> Response:
    body_range = part or ByteRange(0, content.size)
    headers["Content-Length"] = str(body_range.length)
    if part:
        headers["Content-Range"] = part.content_range(content.size)
    status = 206 if part else 200
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)
    sizes = BlockSizes(block_budget_of(request), address_of(request))
    blocks = services.downloads.read(content, body_range.start, body_range.length, sizes.next_size)
    # Read before the status is sent: bytes that are missing on the server are an error, not a broken download.
    first = await anext(blocks, b"")
    return StreamingResponse(_body(first, blocks, sizes), status, headers)


async def _body(block: bytes, blocks: AsyncGenerator[bytes, None], sizes: BlockSizes) -> AsyncIterator[bytes]:
    """The blocks, ``block`` first. To send one, the server waits until the client has read the one before."""
    size_before = 0
    try:
        async with aclosing(blocks):
            while block:
                start = monotonic()
                yield block
                if size_before:
                    sizes.block_was_read(size_before, monotonic() - start)
                size_before = len(block)
                block = await anext(blocks, b"")
    finally:
        sizes.close()


def _range_header(request: Request, headers: dict[str, str]) -> str | None:
    """The Range header, unless If-Range names other bytes than these, by entity tag or date (section 13.1.5).

    It applies to GET alone (section 14.2).
    """
    condition = request.headers.get("if-range")
    is_current = condition is None or condition.strip() in (headers["ETag"], headers["Last-Modified"])
    applies = request.method == "GET" and is_current
    return request.headers.get("range") if applies else None


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
