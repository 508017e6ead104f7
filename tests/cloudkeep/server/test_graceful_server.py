"""The stop of a server: readiness, requests in progress, and requests on open connections."""

import asyncio
import itertools
import json
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from cloudkeep.graphql.event_stream import EventStream
from cloudkeep.server import graceful_server
from cloudkeep.server.body_offload import offloading_protocol
from cloudkeep.server.bounded_websocket import BoundedWebSocket
from cloudkeep.server.graceful_server import GracefulServer
from cloudkeep.server.shutdown import Drain, ShutdownMiddleware
from endpoints.health import alive, readiness_endpoint
from tests.support.server import listening_socket
from tests.support.waiting import eventually

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _hello(_: Request) -> Response:
    return PlainTextResponse("hello")


async def _never(_: Request) -> Response:
    await asyncio.Event().wait()
    raise AssertionError


async def _events(_: Request) -> Response:
    async def endless() -> AsyncIterator[str]:
        yield ":\n\n"
        await asyncio.Event().wait()

    return EventStream(endless(), media_type="text/event-stream")


async def _flood(_: Request) -> Response:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(2**20)

    return StreamingResponse(endless())


async def _socket(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        await websocket.receive_text()
    except WebSocketDisconnect:
        return


async def _silent(websocket: WebSocket) -> None:
    """Fills the buffers of a client that reads nothing."""
    await websocket.accept()
    with suppress(WebSocketDisconnect):
        while True:
            await websocket.send_bytes(bytes(2**20))


class Running:
    """A running server."""

    def __init__(self, server: GracefulServer, listener: socket.socket, task: asyncio.Task[None]) -> None:
        self.server, self.listener, self.task = server, listener, task
        self.port: int = listener.getsockname()[1]

    async def connect(self) -> Connection:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def is_busy(self, requests: int = 1) -> None:
        """Return as soon as this many requests are in progress."""

        async def under_way() -> bool:
            return len(self.server.server_state.tasks) == requests

        await eventually(under_way)

    async def ended(self) -> None:
        await asyncio.wait_for(self.task, 60)


@asynccontextmanager
async def serving(drain_seconds: float = 0.0) -> AsyncIterator[Running]:
    drain = Drain()
    routes = [
        Route("/", _hello),
        Route("/never", _never),
        Route("/events", _events),
        Route("/flood", _flood),
        WebSocketRoute("/socket", _socket),
        WebSocketRoute("/silent", _silent),
        Route("/healthz", alive),
        Route("/readyz", readiness_endpoint(lambda: drain.started)),
    ]
    app = ShutdownMiddleware(Starlette(routes=routes), drain)
    config = uvicorn.Config(app, http=offloading_protocol(1), ws=BoundedWebSocket, log_level="warning", lifespan="off")
    server = GracefulServer(config, drain, drain_seconds, asyncio.Event().wait)
    with listening_socket() as listener:
        task = asyncio.create_task(server._serve([listener.dup()]))

        async def started() -> bool:
            return server.started

        await eventually(started)
        running = Running(server, listener, task)
        try:
            yield running
        finally:
            server.should_exit = True
            await running.ended()


async def ask(connection: Connection, path: str = "/") -> str:
    """The head of the response."""
    reader, writer = connection
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
    return head.decode().lower()


async def test_a_draining_server_serves_requests_is_not_ready_and_closes_connections() -> None:
    async with serving(600) as running:
        idle = await running.connect()
        assert "connection: close" not in await ask(idle)
        running.server.handle_exit(signal.SIGTERM, None)
        assert "connection: close" in await ask(idle)
        head = await ask(await running.connect(), "/readyz")
        assert head.startswith("http/1.1 503 ")
        assert (await ask(await running.connect(), "/healthz")).startswith("http/1.1 200 ")
        # A second signal ends the draining.
        running.server.handle_exit(signal.SIGTERM, None)
        await running.ended()


async def test_a_server_stops_after_draining() -> None:
    async with serving(0.2) as running:
        running.server.handle_exit(signal.SIGTERM, None)
        await running.ended()


async def test_a_retired_server_serves_open_connections_and_then_stops(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(graceful_server, "LINGER_SECONDS", 1.0)
    async with serving() as running:
        used, fresh, silent = [await running.connect() for _ in range(3)]
        await ask(used)

        async def accepted() -> bool:
            return len(running.server.server_state.connections) == 3

        await eventually(accepted)
        running.server.retire()
        for connection in (used, fresh):
            assert "connection: close" in await ask(connection)
        await running.ended()
        assert await silent[0].read() == b""


async def test_a_retired_server_closes_subscriptions_so_that_clients_reconnect() -> None:
    async with serving() as running:
        events = await running.connect()
        await ask(events, "/events")
        async with connect(f"ws://127.0.0.1:{running.port}/socket") as websocket:
            running.server.retire()
            with pytest.raises(ConnectionClosed) as closed:
                await asyncio.wait_for(websocket.recv(), 60)
            assert closed.value.rcvd
            assert closed.value.rcvd.code == 1012
        # A chunked body without the last chunk is incomplete, as its client can see (RFC 9112, section 8).
        assert not (await asyncio.wait_for(events[0].read(), 60)).endswith(b"0\r\n\r\n")


def ask_until_refused(port: int) -> int:
    """Send one request per connection until no connection can be made. Returns the number of responses.

    Raises an error if a connection gets no response.
    """
    for count in itertools.count():
        try:
            connection = socket.create_connection(("127.0.0.1", port), 60)
        except ConnectionRefusedError:
            return count
        with connection:
            connection.settimeout(60)
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = connection.recv(4096)
            assert answer.startswith(b"HTTP/1.1 200 "), answer
    raise AssertionError


async def test_every_client_that_could_connect_to_a_stopping_server_gets_a_response() -> None:
    async with serving(0.3) as running:
        asking = [asyncio.create_task(asyncio.to_thread(ask_until_refused, running.port)) for _ in range(4)]
        running.server.handle_exit(signal.SIGTERM, None)
        running.listener.close()
        assert all(await asyncio.gather(*asking))
        await running.ended()


async def test_a_request_in_the_kernels_buffer_is_served_when_idle_connections_are_closed() -> None:
    async with serving() as running:
        used, fresh, half = [await running.connect() for _ in range(3)]
        await ask(used)
        await used[0].readexactly(len("hello"))
        half[1].write(b"GET / HT")

        async def accepted() -> bool:
            return len(running.server.server_state.connections) == 3

        await eventually(accepted)
        running.server.handle_exit(signal.SIGTERM, None)
        for connection in list(running.server.server_state.connections):
            peer = connection.transport.get_extra_info("peername")
            for _, writer in (used, fresh):
                if writer.get_extra_info("sockname") == peer:
                    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            connection.shutdown()
        half[1].write(b"TP/1.1\r\nHost: localhost\r\n\r\n")
        for reader, _ in (used, fresh, half):
            assert b"connection: close" in await asyncio.wait_for(reader.readuntil(b"hello"), 60)
        await running.ended()


async def test_a_request_that_outlasts_the_stop_gets_503(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graceful_server, "FINISH_SECONDS", 0.2)
    async with serving() as running:
        asking = await running.connect()
        answer = asyncio.create_task(ask(asking, "/never"))
        await running.is_busy()
        running.server.handle_exit(signal.SIGTERM, None)
        head = await answer
        assert head.startswith("http/1.1 503 ")
        assert {"retry-after: 1", "connection: close"} <= set(head.split("\r\n"))
        assert json.loads(await asking[0].read())["code"] == "NOT_READY"
        await running.ended()


@pytest.mark.parametrize("waits", [False, True], ids=["idle connections are kept", "only requests remain"])
async def test_stopping_a_retired_server_takes_no_longer_than_usual(
    monkeypatch: pytest.MonkeyPatch, waits: bool
) -> None:
    monkeypatch.setattr(graceful_server, "FINISH_SECONDS", 0.2)
    monkeypatch.setattr(graceful_server, "FINISH_REPLACED_SECONDS", 3600)
    monkeypatch.setattr(graceful_server, "LINGER_SECONDS", 0.0 if waits else 3600.0)
    async with serving() as running:
        asking, deaf = await running.connect(), await running.connect()
        answer = asyncio.create_task(ask(asking, "/never"))
        await ask(deaf, "/flood")
        await running.is_busy(2)
        running.server.retire()

        async def waiting() -> bool:
            return (running.server._finish_timeout is not None) == waits

        await eventually(waiting)
        running.server.handle_exit(signal.SIGTERM, None)
        assert (await answer).startswith("http/1.1 503 ")
        assert json.loads(await asking[0].read())["code"] == "NOT_READY"
        await running.ended()


HANDSHAKE = (
    b"GET /silent HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
CLOSE = b"\x88\x80\0\0\0\0"


@pytest.mark.parametrize("last", [b"", CLOSE], ids=["nothing", "its own close"])
async def test_a_client_that_reads_nothing_cannot_disturb_the_stop(
    last: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graceful_server, "FINISH_REPLACED_SECONDS", 0.5)
    monkeypatch.setattr(graceful_server, "LINGER_SECONDS", 0.5)
    async with serving() as running:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.setblocking(False)
            await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", running.port))
            await asyncio.get_running_loop().sock_sendall(client, HANDSHAKE)
            await running.is_busy()
            await asyncio.sleep(0.2)
            await asyncio.get_running_loop().sock_sendall(client, last)
            running.server.retire()
            await running.ended()


def test_a_socket_that_other_processes_accept_from_never_becomes_blocking() -> None:
    with listening_socket() as shared:
        shared.setblocking(False)
        # As an API process gets it: Python does not know the mode of a descriptor.
        with socket.socket(fileno=os.dup(shared.fileno())) as inherited:
            for duplicate in graceful_server.more_listeners([inherited]):
                duplicate.close()
            assert not os.get_blocking(shared.fileno())
