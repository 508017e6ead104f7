"""Requests to upgrade a connection: a handshake that is not valid is refused, and any other upgrade is ignored."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from cloudkeep.server import bounded_websocket
from tests.endpoints.wire import connect
from tests.support.server import listening_socket, serve_app

KEY = b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
UPGRADE = b"Host: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
HANDSHAKE = b"GET / HTTP/1.1\r\n" + UPGRADE + KEY


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the body of a request; accepts a WebSocket except at ``/wait``."""
    if scope["type"] == "websocket":
        if scope["path"] == "/wait":
            await asyncio.Event().wait()
        await send({"type": "websocket.accept"})
        await asyncio.Event().wait()
    if scope["type"] == "http":
        body = await Request(scope, receive).body()
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-length", str(len(body)).encode()), (b"upgraded", b"no")],
            }
        )
        await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def serving() -> AsyncIterator[str]:
    with listening_socket() as listener:
        async with serve_app(app, listener):
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"


INVALID = {
    "another method": b"PUT / HTTP/1.1\r\n" + UPGRADE + KEY + b"\r\n",
    "another method with a body": b"PUT / HTTP/1.1\r\n" + UPGRADE + b"Content-Length: 4\r\n\r\nAAAA",
    "a body": HANDSHAKE + b"Content-Length: 5\r\n\r\nAAAAA",
    "the start of a body": HANDSHAKE + b"Content-Length: 500\r\n\r\nAAAAA",
    "a body in chunked transfer coding": HANDSHAKE + b"Transfer-Encoding: chunked\r\n\r\n5\r\nAAAAA\r\n0\r\n\r\n",
    "frames in advance": HANDSHAKE + b"\r\n\x81\x80\0\0\0\0",
    "no key": b"GET / HTTP/1.1\r\n" + UPGRADE + b"\r\n",
    "two keys": HANDSHAKE + KEY + b"\r\n",
}


@pytest.mark.parametrize("request_head", INVALID.values(), ids=INVALID.keys())
async def test_a_handshake_that_is_not_valid_is_refused(request_head: bytes) -> None:
    async with serving() as url, connect(url) as wire:
        await wire.send(request_head)
        assert (await wire.answer()).status == 400
        assert await wire.closed()


@pytest.mark.parametrize(
    ("field", "status"),
    [
        (b"Sec-WebSocket-Version: 99\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n", 400),
        (KEY + b"X-Long: " + b"a" * 20_000 + b"\r\n", 431),
    ],
    ids=["another version", "a field that is too long"],
)
async def test_a_handshake_that_the_library_refuses_ends_the_connection(field: bytes, status: int) -> None:
    async with serving() as url, connect(url) as wire:
        await wire.send(b"GET / HTTP/1.1\r\n" + UPGRADE + field + b"\r\n")
        assert (await wire.answer()).status == status
        assert await wire.closed()


async def test_a_handshake_that_the_app_does_not_accept_in_time_ends_the_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bounded_websocket, "HANDSHAKE_SECONDS", 0.2)
    async with serving() as url, connect(url) as wire:
        await wire.send(HANDSHAKE.replace(b"GET /", b"GET /wait") + b"\r\n")
        assert await wire.closed()


async def test_a_handshake_after_a_request_without_a_response_is_refused() -> None:
    async with serving() as url, connect(url) as wire:
        await wire.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na" + HANDSHAKE + b"\r\n")
        assert (await wire.answer()).body == b"a"
        assert await wire.closed()


H2C = b"Host: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n"
IGNORED = {
    "without a body": (b"GET / HTTP/1.1\r\n" + H2C + b"\r\n", b""),
    "with a body": (b"POST / HTTP/1.1\r\n" + H2C + b"Content-Length: 5\r\n\r\nhello", b"hello"),
    "in chunked transfer coding": (
        b"POST / HTTP/1.1\r\n" + H2C + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"hello",
    ),
}


@pytest.mark.parametrize(("request_bytes", "body"), IGNORED.values(), ids=IGNORED.keys())
async def test_an_upgrade_to_another_protocol_is_ignored_and_the_connection_goes_on(
    request_bytes: bytes, body: bytes
) -> None:
    async with serving() as url, connect(url) as wire:
        for _ in range(2):
            await wire.send(request_bytes)
            answer = await wire.answer()
            assert (answer.status, answer.body, answer.headers["upgraded"]) == (200, body, "no")


async def test_a_body_after_an_ignored_upgrade_is_not_taken_for_a_request() -> None:
    smuggled = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
    async with serving() as url, connect(url) as wire:
        await wire.send(b"POST / HTTP/1.1\r\n" + H2C + b"Content-Length: %d\r\n\r\n" % len(smuggled) + smuggled)
        assert (await wire.answer()).body == smuggled
        await wire.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await wire.answer()).body == b""


async def test_a_body_after_an_ignored_upgrade_may_arrive_later() -> None:
    async with serving() as url, connect(url) as wire:
        await wire.send(b"POST / HTTP/1.1\r\n" + H2C + b"Content-Length: 5\r\n\r\n")
        await asyncio.sleep(0.05)
        await wire.send(b"hello")
        assert (await wire.answer()).body == b"hello"


async def test_an_upgrade_in_a_request_of_http_1_0_is_ignored() -> None:
    async with serving() as url, connect(url) as wire:
        await wire.send(b"GET / HTTP/1.0\r\n" + UPGRADE + KEY + b"\r\n")
        answer = await wire.answer()
        assert (answer.status, answer.headers["upgraded"]) == (200, "no")
        assert await wire.closed()


async def test_a_request_for_a_tunnel_is_refused() -> None:
    async with serving() as url, connect(url) as wire:
        await wire.send(b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n")
        assert (await wire.answer()).status == 400
        assert await wire.closed()
