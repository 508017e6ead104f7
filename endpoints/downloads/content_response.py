"""Responses with content of a known size that can be read from any place: whole, a range of it, or only the headers."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from time import monotonic

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from endpoints.downloads.blocks import BlockSizes
from endpoints.downloads.ranges import ByteRange, Unsatisfiable, matches, parse_range
from endpoints.problems import problem
from endpoints.state import address_of, block_budget_of
from services.core.errors import ErrorCode
from storage.blobs import BlockSize

#: Reads so many bytes from an offset on, in blocks of at most the size that the function returns.
Read = Callable[[int, int, BlockSize], AsyncGenerator[bytes, None]]


def not_modified(request: Request, headers: dict[str, str]) -> Response | None:
    """The response to a client that has the content already."""
    is_known = matches(request.headers.get("if-none-match"), headers["ETag"])
    return Response(status_code=304, headers=headers) if is_known else None


async def content_response(request: Request, size: int, headers: dict[str, str], read: Read) -> Response:
    """The content, or the requested range of it. ``headers`` has ``ETag`` and ``Last-Modified``.

    An error of the first read is raised, so that it gets a response of its own. A later one ends the connection.
    """
    try:
        part = parse_range(_range_header(request, headers), size)
    except Unsatisfiable:
        unsatisfiable = {"Content-Range": f"bytes */{size}"}
        return problem(
            416, ErrorCode.RANGE_NOT_SATISFIABLE.value, "The range starts after the end of the file.", unsatisfiable
        )
    body_range = part or ByteRange(0, size)
    headers["Content-Length"] = str(body_range.length)
    if part:
        headers["Content-Range"] = part.content_range(size)
    status = 206 if part else 200
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)
    sizes = BlockSizes(block_budget_of(request), address_of(request))
    blocks = read(body_range.start, body_range.length, sizes.next_size)
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
