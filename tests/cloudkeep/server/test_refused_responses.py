"""A request is refused while a response is being sent, to itself or to an earlier one."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from cloudkeep.server.bounded_http import TIMEOUTS, Phase
from tests.endpoints.wire import connect
from tests.support.server import listening_socket, serve_app

GET = b"GET / HTTP/1.1\r\nHost: x\r\n"
CHUNKED = b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
PIECE, PIECES = b"a" * 100, 10


class App:
    """Sends a few pieces, and the rest once it may go on."""

    def __init__(self) -> None:
        self.running = 0
        self.go_on = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        self.running += 1
        length = {"Content-Length": str(len(PIECE) * PIECES)}
        try:
            await StreamingResponse(self._body(), headers=length)(scope, Request(scope, receive).receive, send)
        finally:
            self.running -= 1

    async def _body(self) -> AsyncIterator[bytes]:
        for number in range(PIECES):
            yield PIECE
            if number == PIECES // 2:
                await self.go_on.wait()

    async def ended(self) -> None:
        """Wait until no request is in progress."""
        async with asyncio.timeout(15):
            while self.running:
                await asyncio.sleep(0.02)


@pytest.fixture
def app() -> App:
    return App()


@pytest_asyncio.fixture
async def url(app: App) -> AsyncIterator[str]:
    with listening_socket() as listener:
        async with serve_app(app, listener):
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def no_warnings(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    records = caplog.get_records("call")
    assert [record.getMessage() for record in records if record.levelno >= logging.WARNING] == []


async def test_an_app_that_goes_on_after_a_refusal_gets_no_error(url: str, app: App, no_warnings: None) -> None:
    async with connect(url) as wire:
        await wire.send(CHUNKED)
        await wire.head()
        await wire.send(b"hello\r\n")
        await asyncio.sleep(0.2)
        app.go_on.set()
        await app.ended()


async def test_an_app_whose_request_has_a_body_that_stalls_gets_no_error(
    url: str, app: App, no_warnings: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TIMEOUTS, Phase.BODY, 0.1)
    async with connect(url) as wire:
        await wire.send(CHUNKED)
        await wire.head()
        await asyncio.sleep(0.4)
        app.go_on.set()
        await app.ended()


async def test_a_body_that_is_refused_while_its_request_waits_disturbs_no_earlier_response(
    url: str, app: App, no_warnings: None
) -> None:
    async with connect(url) as wire:
        await wire.send(GET + b"\r\n" + CHUNKED)
        _, headers = await wire.head()
        await wire.send(b"hello\r\n")
        await asyncio.sleep(0.1)
        app.go_on.set()
        assert await wire.exactly(int(headers["content-length"])) == PIECE * PIECES
        refusal = await wire.answer()
        assert (refusal.status, refusal.headers["connection"]) == (400, "close")
        assert await wire.closed()
    await app.ended()
