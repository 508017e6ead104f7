"""How a server ends: what is under way, what comes by open connections, and what a proxy is told before."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from cloudkeep import graceful
from cloudkeep.draining import Drain
from cloudkeep.graceful import GracefulServer
from cloudkeep.graphql_events import EventStream
from cloudkeep.lending import lending_to
from endpoints.health import health_routes
from tests.support.server import listening_socket
from tests.support.waiting import eventually

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _hello(_: Request) -> Response:
    return PlainTextResponse("hello")


async def _events(_: Request) -> Response:
    async def endless() -> AsyncIterator[str]:
        yield ":\n\n"
        await asyncio.Event().wait()

    return EventStream(endless(), media_type="text/event-stream")


async def _socket(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        await websocket.receive_text()
    except WebSocketDisconnect:
        return


class Running:
    """A server on a port of its own."""

    def __init__(self, server: GracefulServer, port: int, task: asyncio.Task[None]) -> None:
        self.server, self.port, self.task = server, port, task

    async def connect(self) -> Connection:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def ended(self) -> None:
        await asyncio.wait_for(self.task, 60)


@asynccontextmanager
async def serving(drain_seconds: float = 0.0) -> AsyncIterator[Running]:
    drain = Drain()
    supervisor, signs = os.pipe()
    routes = [
        Route("/", _hello),
        Route("/events", _events),
        WebSocketRoute("/socket", _socket),
        *health_routes(lambda: drain.begun),
    ]
    config = uvicorn.Config(
        Starlette(routes=routes), http=lending_to(1), ws="websockets-sansio", log_level="warning", lifespan="off"
    )
    server = GracefulServer(config, drain, drain_seconds, signs)
    with listening_socket() as listener:
        task = asyncio.create_task(server._serve([listener.dup()]))

        async def started() -> bool:
            return server.started

        await eventually(started)
        running = Running(server, listener.getsockname()[1], task)
        try:
            yield running
        finally:
            server.should_exit = True
            await running.ended()
            os.close(supervisor)
            os.close(signs)


async def ask(connection: Connection, path: str = "/") -> str:
    """The head of the answer."""
    reader, writer = connection
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
    return head.decode().lower()


async def test_while_it_drains_a_server_serves_but_is_not_ready_and_closes_what_it_has_answered() -> None:
    async with serving(600) as running:
        idle = await running.connect()
        assert "connection: close" not in await ask(idle)
        running.server.handle_exit(signal.SIGTERM, None)
        assert "connection: close" in await ask(idle)
        head = await ask(await running.connect(), "/readyz")
        assert head.startswith("http/1.1 503 ")
        assert (await ask(await running.connect(), "/healthz")).startswith("http/1.1 200 ")
        # A second signal ends the waiting.
        running.server.handle_exit(signal.SIGTERM, None)
        await running.ended()


async def test_a_server_ends_when_it_has_drained() -> None:
    async with serving(0.2) as running:
        running.server.handle_exit(signal.SIGTERM, None)
        await running.ended()


async def test_a_retired_server_answers_what_comes_by_open_connections_and_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(graceful, "LINGER_SECONDS", 1.0)
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


async def test_a_retired_server_tells_subscriptions_to_come_again() -> None:
    async with serving() as running:
        events = await running.connect()
        await ask(events, "/events")
        async with connect(f"ws://127.0.0.1:{running.port}/socket") as websocket:
            running.server.retire()
            with pytest.raises(ConnectionClosed) as closed:
                await asyncio.wait_for(websocket.recv(), 60)
            assert closed.value.rcvd
            assert closed.value.rcvd.code == 1012
        # A body in chunks that has no last one: whoever reads it knows that something is missing (RFC 9112, section 8).
        assert not (await asyncio.wait_for(events[0].read(), 60)).endswith(b"0\r\n\r\n")
