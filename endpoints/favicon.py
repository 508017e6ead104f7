"""The icon that browsers show beside the name of a page: a keep before a cloud."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

_FOLDER = Path(__file__).parent
_HEADERS = {
    "Cache-Control": "public, max-age=86400",
    "Content-Security-Policy": "default-src 'none'",
    "X-Content-Type-Options": "nosniff",
}
_ICO = (_FOLDER / "favicon.ico").read_bytes()
#: The icon as an element that a page can contain.
SVG = (_FOLDER / "favicon.svg").read_text(encoding="utf-8")


async def favicon_ico(_: Request) -> Response:
    """The icon for browsers that look for it without a link."""
    return Response(_ICO, headers=_HEADERS, media_type="image/vnd.microsoft.icon")


async def favicon_svg(_: Request) -> Response:
    """The icon in any size."""
    return Response(SVG, headers=_HEADERS, media_type="image/svg+xml")
