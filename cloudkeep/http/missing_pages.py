"""Answers a browser that follows a link to a path that does not exist: by the page, which says so in its own design."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from cloudkeep.http.error_pages import prefers_page
from endpoints.page.page import Page
from endpoints.problems import http_error_response
from endpoints.routes import find_route

Handler = Callable[[Request, Exception], Awaitable[Response]]


def http_error_handler(page: Page) -> Handler:
    """The handler for errors of the router. All but unknown paths in a browser get a problem document."""

    async def handle(request: Request, error: Exception) -> Response:
        response = await _page_for(request, page)
        return response or await http_error_response(request, error)

    return handle


async def _page_for(request: Request, page: Page) -> Response | None:
    is_navigation = request.method in ("GET", "HEAD") and prefers_page(request.headers.get("accept", ""))
    if not is_navigation or find_route(request.url.path):
        return None
    response = await page.missing(request)
    if response:
        response.headers.add_vary_header("Accept")
    return response
