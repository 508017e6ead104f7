"""Only the body of a streamed route is offered to a thread, and has no time limit."""

import json
from collections.abc import AsyncIterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from cloudkeep.server.bounded_http import TIMEOUTS, Phase
from endpoints.chunks.chunk_body import OFFLOADED_BODY
from endpoints.routes import ROUTES, HttpRoute, streams_body
from tests.cloudkeep.http.test_app import path_of
from tests.endpoints.wire import connect, head
from tests.support.server import listening_socket, serve_app

BODY = b"x" * 100
METHODS = ("GET", "POST", "PUT", "DELETE")
STREAMED = [(route, method) for route in ROUTES if route.streams_body for method in route.methods]
PLAIN = [(route, method) for route in ROUTES for method in METHODS if (route, method) not in STREAMED]


def named(value: object) -> str:
    return value.path if isinstance(value, HttpRoute) else str(value)


async def _app(scope: Scope, receive: Receive, send: Send) -> None:
    """Respond to any request with the length of its body, and whether the body was offered to a thread."""
    length = len(await Request(scope, receive).body())
    await JSONResponse([length, OFFLOADED_BODY in scope["extensions"]])(scope, receive, send)


@pytest.fixture
async def url() -> AsyncIterator[str]:
    """A server that waits at most 0.3 seconds for a body."""
    with listening_socket() as listener:
        async with serve_app(Starlette(routes=[Mount("/", _app)]), listener):
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture(autouse=True)
def _short_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TIMEOUTS, Phase.BODY, 0.3)


async def is_offered(url: str, route: HttpRoute, method: str) -> bool:
    async with connect(url) as wire:
        await wire.send(head(method, url + path_of(route), Content_Length=len(BODY)))
        await wire.send(BODY)
        length, offered = json.loads((await wire.answer()).body)
    assert length == len(BODY)
    return bool(offered)


@pytest.mark.parametrize(("route", "method"), STREAMED, ids=named)
async def test_a_streamed_body_is_offered_to_a_thread_and_has_no_time_limit(
    url: str, route: HttpRoute, method: str
) -> None:
    assert await is_offered(url, route, method)
    request = head(method, url + path_of(route), Content_Length=len(BODY))
    async with connect(url) as streamed, connect(url) as plain:
        await streamed.send(request + BODY[:50])
        await plain.send(head("POST", f"{url}/graphql", Content_Length=len(BODY)) + BODY[:50])
        # The body of the other request started later, and is over its time limit.
        assert await plain.closed()
        await streamed.send(BODY[50:])
        assert json.loads((await streamed.answer()).body)[0] == len(BODY)


@pytest.mark.parametrize(("route", "method"), PLAIN, ids=named)
async def test_other_bodies_are_not_offered_to_a_thread_and_have_a_time_limit(
    url: str, route: HttpRoute, method: str
) -> None:
    assert not streams_body(method, path_of(route))
    assert not await is_offered(url, route, method)
    async with connect(url) as wire:
        await wire.send(head(method, url + path_of(route), Content_Length=len(BODY)) + BODY[:50])
        assert await wire.closed()
