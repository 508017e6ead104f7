"""What a request may take before it is answered: its head, the framing of its body, and requests in advance."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from cloudkeep.server.request_limits import MAX_FIELDS, MAX_HEAD_BYTES, MAX_PIPELINED
from tests.endpoints.wire import Answer, Wire, connect
from tests.support.server import listening_socket, serve_app

GET = b"GET / HTTP/1.1\r\nHost: x\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
MIB = 2**20


class App:
    """Answers with the number of fields in the head and of bytes in the body."""

    def __init__(self) -> None:
        self.requests = 0
        self.go_on = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        self.requests += 1
        if scope["path"] == "/wait":
            await self.go_on.wait()
        try:
            body = await Request(scope, receive).body()
        except ClientDisconnect:
            return
        content = f"{len(scope['headers'])} {len(body)}".encode()
        length = (b"content-length", str(len(content)).encode())
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": content})


@pytest.fixture
def app() -> App:
    return App()


@pytest_asyncio.fixture
async def url(app: App) -> AsyncIterator[str]:
    with listening_socket() as listener:
        async with serve_app(app, listener):
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"


async def refusal(wire: Wire) -> Answer:
    """The response, after which the connection ends."""
    answer = await wire.answer()
    assert answer.headers["connection"] == "close"
    assert answer.headers["content-type"] == "application/problem+json"
    assert await wire.closed()
    return answer


async def refusal_of_endless(wire: Wire, piece: bytes) -> tuple[Answer, int]:
    """Send a piece again and again until the server refuses; its response, and the number of bytes sent."""
    response, sent = asyncio.create_task(refusal(wire)), 0
    with contextlib.suppress(OSError):
        while sent < 64 * MIB and not response.done():
            await wire.send(piece)
            sent += len(piece)
            await asyncio.sleep(0)
    return await response, sent


ENDLESS = {
    "a value": (GET + b"X: ", b"a" * 8192, 431),
    "a name": (GET, b"a" * 8192, 431),
    "spaces before a value": (GET + b"X:", b" " * 8192, 431),
    "a target": (b"GET /", b"a" * 8192, 414),
    "a target in large pieces": (b"GET /", b"a" * MIB, 414),
    "many fields": (GET, b"X: a\r\n" * 1000, 431),
    "empty lines": (b"", b"\r\n" * 4096, 400),
}


@pytest.mark.parametrize(("start", "piece", "status"), ENDLESS.values(), ids=ENDLESS.keys())
async def test_a_head_without_an_end_is_refused_while_it_arrives(
    url: str, app: App, start: bytes, piece: bytes, status: int
) -> None:
    async with connect(url) as wire:
        if start:
            await wire.send(start)
        response, sent = await refusal_of_endless(wire, piece)
        assert response.status == status
    assert sent < 16 * MIB
    assert app.requests == 0


@pytest.mark.parametrize("size", [1, 1000], ids=["bytes", "pieces"])
async def test_a_head_is_counted_in_whatever_pieces_it_arrives(url: str, size: int) -> None:
    async with connect(url) as wire:
        await wire.send(GET + b"X: " + b"a" * (MAX_HEAD_BYTES - 200))
        for _ in range(300):
            await wire.send(b"a" * size)
            await asyncio.sleep(0)
        assert (await refusal(wire)).json()["code"] == "REQUEST_TOO_LARGE"


async def test_a_head_just_below_the_limits_is_answered(url: str) -> None:
    fields = b"".join(b"X-%d: %s\r\n" % (number, b"a" * 600) for number in range(MAX_FIELDS - 1))
    async with connect(url) as wire:
        for _ in range(2):
            await wire.send(GET + fields + b"\r\n")
            assert (await wire.answer()).body == b"%d 0" % MAX_FIELDS


async def test_a_head_with_one_field_too_many_is_refused(url: str) -> None:
    async with connect(url) as wire:
        await wire.send(GET + b"X: a\r\n" * MAX_FIELDS + b"\r\n")
        assert (await refusal(wire)).status == 431


async def test_every_head_of_a_connection_is_counted_by_itself(url: str) -> None:
    async with connect(url) as wire:
        for _ in range(3):
            await wire.send(GET + b"X: " + b"a" * (MAX_HEAD_BYTES - 200) + b"\r\n\r\n")
            assert (await wire.answer()).status == 200


FRAMING = {
    "a chunk extension": (CHUNKED + b"1", b";a=" + b"b" * 8192),
    "trailers": (CHUNKED + b"0\r\n", b"X: a\r\n" * 1000),
    "a trailer": (CHUNKED + b"0\r\nX: ", b"a" * 8192),
    "tiny chunks": (CHUNKED, b"1\r\na\r\n" * 1000),
}


@pytest.mark.parametrize(("start", "piece"), FRAMING.values(), ids=FRAMING.keys())
async def test_framing_that_outweighs_a_body_is_refused(url: str, start: bytes, piece: bytes) -> None:
    async with connect(url) as wire:
        await wire.send(start)
        response, sent = await refusal_of_endless(wire, piece)
        assert response.status in {400, 431}
    assert sent < 16 * MIB


async def test_small_chunks_and_a_trailer_are_accepted_and_the_trailer_is_dropped(url: str) -> None:
    async with connect(url) as wire:
        await wire.send(CHUNKED + b"a\r\n0123456789\r\n" * 2000 + b"0\r\nHost: other\r\n\r\n")
        assert (await wire.answer()).body == b"2 20000"


async def test_a_client_may_send_some_requests_in_advance(url: str) -> None:
    async with connect(url) as wire:
        await wire.send((GET + b"\r\n") * MAX_PIPELINED)
        for _ in range(MAX_PIPELINED):
            assert (await wire.answer()).status == 200


async def test_requests_in_advance_beyond_the_limit_are_not_taken(url: str, app: App) -> None:
    async with connect(url) as wire:
        await wire.send(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n" + (GET + b"\r\n") * 1000)
        await asyncio.sleep(0.1)
        app.go_on.set()
        for _ in range(MAX_PIPELINED + 1):
            assert (await wire.answer()).status == 200
        assert await wire.closed()
    assert app.requests == MAX_PIPELINED + 1


async def test_a_refusal_does_not_disturb_the_response_to_an_earlier_request(url: str, app: App) -> None:
    async with connect(url) as wire:
        await wire.send(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        await wire.send(GET + b"X: a\r\n" * 200)
        await asyncio.sleep(0.1)
        app.go_on.set()
        assert (await wire.answer()).body == b"1 0"
        assert await wire.closed()


@pytest.mark.parametrize(
    "request_head",
    [
        b"hello\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
async def test_what_is_not_http_is_refused_without_a_line_in_the_log(
    url: str, request_head: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with connect(url) as wire:
        await wire.send(request_head)
        answer = await refusal(wire)
        assert (answer.status, answer.json()["code"]) == (400, "MALFORMED_REQUEST")
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []
