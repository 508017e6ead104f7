"""Requests in progress are limited by the client's address, also behind a trusted proxy."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from starlette.types import Receive, Scope, Send

from cloudkeep.http.client_limit import ClientLimit
from cloudkeep.http.proxy_headers import ProxyHeaders
from cloudkeep.http.trusted_proxies import TrustedProxies
from cloudkeep.server.body_offload import offloading_protocol
from cloudkeep.server.connection_gate import ConnectionGate
from services.budgets.connections import ConnectionLimiter
from services.core.counters import ConnectionCounters
from tests.endpoints.wire import Wire, connect
from tests.support.server import listening_socket, serve_app
from tests.support.waiting import eventually

LIMIT = 3
PROXY = "127.0.0.1"
FIELDS = {"X-Forwarded-For": "X-Forwarded-For: {}", "Forwarded": "Forwarded: for={}"}
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)


class Stand:
    """A server behind a proxy, which is the test."""

    def __init__(self, header: str) -> None:
        self.counters = ConnectionCounters()
        self.requests = ConnectionLimiter(LIMIT)
        self.go_on = asyncio.Event()
        self.app = ProxyHeaders(ClientLimit(self._serve, self.requests, self.counters), [PROXY], header)
        self.url = ""
        self.field = FIELDS[header]
        self._stack = AsyncExitStack()

    async def request(self, client: str, start: bytes = b"GET / HTTP/1.1\r\nHost: x\r\n", body: bytes = b"") -> Wire:
        """Send a request for a client by a connection of its own."""
        wire = await self._stack.enter_async_context(connect(self.url))
        await wire.send(start + self.field.format(client).encode() + b"\r\n\r\n" + body)
        return wire

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            while (await receive())["type"] != "websocket.disconnect":
                pass
        if scope["type"] == "http":
            await self.go_on.wait()
            while (await receive()).get("more_body"):
                pass
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body"})


@asynccontextmanager
async def serving(header: str) -> AsyncIterator[Stand]:
    stand = Stand(header)
    gate = ConnectionGate(1, is_proxy=TrustedProxies([PROXY]).trusts_peer, counters=stand.counters)
    with listening_socket() as listener:
        stand.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with serve_app(stand.app, listener, offloading_protocol(1, gate)), stand._stack:
            yield stand


@pytest.mark.parametrize("header", FIELDS)
async def test_a_client_behind_a_proxy_has_as_many_requests_in_progress_as_it_may_have(header: str) -> None:
    async with serving(header) as stand:
        waiting = [await stand.request("192.0.2.1") for _ in range(LIMIT)]
        assert await eventually(lambda: _open(stand, LIMIT))
        answer = await (await stand.request("192.0.2.1")).answer()
        assert (answer.status, answer.json()["code"]) == (429, "TOO_MANY_CONNECTIONS")
        assert answer.headers["retry-after"] == "5"
        waiting.append(await stand.request("192.0.2.2"))
        stand.go_on.set()
        for wire in waiting:
            assert (await wire.answer()).status == 200
        assert (await (await stand.request("192.0.2.1")).answer()).status == 200
    assert stand.counters.refused == {"address": 1}


async def test_a_handshake_counts_and_is_refused_before_it_is_accepted() -> None:
    async with serving("X-Forwarded-For") as stand:
        opened = [await stand.request("192.0.2.1", HANDSHAKE) for _ in range(LIMIT)]
        for wire in opened:
            assert (await wire.answer()).status == 101
        answer = await (await stand.request("192.0.2.1", HANDSHAKE)).answer()
        assert (answer.status, answer.json()["code"]) == (429, "TOO_MANY_CONNECTIONS")
        assert (await (await stand.request("192.0.2.2", HANDSHAKE)).answer()).status == 101
        opened[0].close()
        assert await eventually(lambda: _open(stand, LIMIT))
        assert (await (await stand.request("192.0.2.1", HANDSHAKE)).answer()).status == 101


async def test_half_bodies_count_and_end_with_their_connections() -> None:
    start = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n"
    async with serving("X-Forwarded-For") as stand:
        stand.go_on.set()
        halves = [await stand.request("192.0.2.1", start, b"a") for _ in range(LIMIT)]
        assert await eventually(lambda: _open(stand, LIMIT))
        assert (await (await stand.request("192.0.2.1")).answer()).status == 429
        for wire in halves:
            wire.close()
        assert await eventually(lambda: _open(stand, 0))


async def test_a_client_cannot_choose_the_address_that_counts() -> None:
    async with serving("X-Forwarded-For") as stand:
        for number in range(LIMIT):
            await stand.request(f"198.51.100.{number}, 192.0.2.1")
        assert await eventually(lambda: _open(stand, LIMIT))
        assert (await (await stand.request("198.51.100.9, 192.0.2.1")).answer()).status == 429


async def _open(stand: Stand, number: int) -> bool:
    return stand.requests.open == number
