"""Every response tells browsers what they may not do with it."""

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from cloudkeep.http.security_headers import DEFAULTS, SecurityHeaders
from tests.support.shared_server import SharedServer

shared_loop = pytest.mark.asyncio(loop_scope="module")


@shared_loop
@pytest.mark.parametrize("path", ["/graphql?query={__typename}", "/healthz", "/missing", "/slots/x", "/downloads/x"])
async def test_every_response_has_them(shared: SharedServer, path: str) -> None:
    response = await shared.http.get(path)
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert "'none'" in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize(("public_url", "has_hsts"), [("https://a.example", True), ("http://localhost:8000", False)])
async def test_browsers_stay_with_https_where_the_server_has_it(public_url: str, has_hsts: bool) -> None:
    async def hello(_: Request) -> Response:
        return PlainTextResponse("hello")

    app = SecurityHeaders(Starlette(routes=[Route("/", hello)]), public_url)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        headers = (await client.get("/")).headers
    assert ("Strict-Transport-Security" in headers) is has_hsts
    assert headers.items() >= {name.lower(): value for name, value in DEFAULTS.items()}.items()
