"""Many connections at once keep the event loop busy in small steps only."""

import asyncio
import gc
import socket
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from weakref import WeakSet

import pytest
import uvicorn
import uvloop
from starlette.types import ASGIApp, Receive, Scope, Send

from cloudkeep.server.body_offload import OffloadingProtocol
from cloudkeep.server.bounded_websocket import BoundedWebSocket
from cloudkeep.server.connection_gate import HANDSHAKES_PER_TURN
from cloudkeep.server.graceful_server import ACCEPTED_PER_TURN, GracefulServer
from cloudkeep.server.shutdown import Drain
from tests.support.server import listening_socket
from tests.support.waiting import eventually

CROWD = 64
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        while (await receive())["type"] != "websocket.disconnect":
            pass
    else:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})


class Turns:
    """Counts the turns of the event loop, and what happens in each."""

    def __init__(self) -> None:
        self.number = 0
        self.events: Counter[int] = Counter()
        self._count()

    def note(self) -> None:
        self.events[self.number] += 1

    def stop(self) -> None:
        self._handle.cancel()

    def _count(self) -> None:
        self.number += 1
        self._handle = asyncio.get_running_loop().call_soon(self._count)


@asynccontextmanager
async def serving(
    listener: socket.socket,
    app: ASGIApp = app,
    http: type[OffloadingProtocol] = OffloadingProtocol,
    ws: type[BoundedWebSocket] = BoundedWebSocket,
) -> AsyncIterator[None]:
    config = uvicorn.Config(app, http=http, ws=ws, log_level="warning", lifespan="off")
    server = GracefulServer(config, Drain(), 0, asyncio.Event().wait)
    task = asyncio.create_task(server._serve([listener.dup()]))
    try:
        while not server.started:
            await asyncio.sleep(0.01)
        yield
    finally:
        server.should_exit = True
        await task


@contextmanager
def connected(listener: socket.socket, count: int = CROWD) -> Iterator[list[socket.socket]]:
    """Connections that the kernel has made, whether the server has accepted them or not."""
    sockets = [socket.create_connection(listener.getsockname()) for _ in range(count)]
    try:
        yield sockets
    finally:
        for each in sockets:
            each.close()


def test_several_connections_are_accepted_in_a_turn() -> None:
    accepted = asyncio.Event()

    async def count_turns() -> Counter[int]:
        turns = Turns()

        class Protocol(OffloadingProtocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                super().connection_made(transport)
                turns.note()
                if turns.events.total() == CROWD:
                    accepted.set()

        with listening_socket() as listener, connected(listener):
            async with serving(listener, http=Protocol):
                await accepted.wait()
        turns.stop()
        return turns.events

    found = uvloop.run(count_turns())
    assert max(found.values()) <= ACCEPTED_PER_TURN
    assert len(found) < CROWD / 2


async def test_only_a_few_handshakes_start_in_a_turn() -> None:
    turns, started = Turns(), asyncio.Event()

    async def counting(scope: Scope, receive: Receive, send: Send) -> None:
        turns.note()
        if turns.events.total() == CROWD:
            started.set()
        await app(scope, receive, send)

    with listening_socket() as listener:
        async with serving(listener, counting):
            with connected(listener) as sockets:
                for each in sockets:
                    each.sendall(HANDSHAKE)
                await started.wait()
    turns.stop()
    assert max(turns.events.values()) <= HANDSHAKES_PER_TURN


async def test_a_handshake_whose_client_has_gone_before_its_turn_frees_its_place() -> None:
    class Protocol(OffloadingProtocol):
        gate = type(OffloadingProtocol.gate)()

    async def nothing_open() -> bool:
        return not Protocol.gate.counters.open

    with listening_socket() as listener:
        async with serving(listener, http=Protocol):
            with connected(listener) as sockets:
                for each in sockets:
                    each.sendall(HANDSHAKE)
            await eventually(nothing_open)


@pytest.mark.parametrize("sent", [b"", REQUEST[:9], REQUEST, HANDSHAKE, b"\0\r\n"])
async def test_connections_that_have_ended_leave_nothing_to_the_garbage_collector(sent: bytes) -> None:
    protocols: WeakSet[Any] = WeakSet()
    made: list[int] = []

    class Http(OffloadingProtocol):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            protocols.add(self)
            made.append(1)

    class Ws(BoundedWebSocket):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            protocols.add(self)

    async def nothing_left() -> bool:
        return len(made) == CROWD and not protocols

    gc.disable()
    try:
        with listening_socket() as listener:
            async with serving(listener, http=Http, ws=Ws):
                with connected(listener) as sockets:
                    for each in sockets:
                        each.sendall(sent)
                await eventually(nothing_left)
    finally:
        gc.enable()
