"""A WebSocket is released exactly when its connection has ended."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from cloudkeep.server import bounded_websocket
from cloudkeep.server.bounded_websocket import on_connection_lost
from tests.support.server import listening_socket, serve_app

App = Callable[[WebSocket], Awaitable[object]]
Client = Callable[[ClientConnection], Awaitable[object]]

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


@asynccontextmanager
async def serving(app: App) -> AsyncIterator[tuple[int, asyncio.Event]]:
    """The port of a server, and an event that is set when a connection is released."""
    gone = asyncio.Event()

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            on_connection_lost(scope, gone.set)
            await app(WebSocket(scope, receive, send))

    with listening_socket() as listener:
        async with serve_app(serve, listener):
            yield listener.getsockname()[1], gone


async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)


async def accept_and_close(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.close(4400)


async def refuse(websocket: WebSocket) -> None:
    await websocket.close()


async def break_down(websocket: WebSocket) -> None:
    await websocket.accept()
    raise RuntimeError("an internal error")


async def close(connection: ClientConnection) -> None:
    await connection.close()


async def vanish(connection: ClientConnection) -> None:
    connection.transport.abort()


async def wait(connection: ClientConnection) -> None:
    with suppress(ConnectionClosed):
        await connection.recv()


@pytest.mark.parametrize(
    ("app", "client"),
    [
        (echo, close),
        (echo, vanish),
        (accept_and_close, wait),
        (accept_and_close, vanish),
        (refuse, wait),
        (break_down, wait),
    ],
)
async def test_a_connection_is_released_however_it_ends(app: App, client: Client) -> None:
    async with asyncio.timeout(60), serving(app) as (port, gone):
        with suppress(WebSocketException):
            await client(await connect(f"ws://127.0.0.1:{port}", proxy=None))
        await gone.wait()


async def closed_by_hand(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection whose client has received a close frame, and has not sent its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HANDSHAKE)
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
    assert (await reader.readexactly(4))[2:] == (4400).to_bytes(2)
    return reader, writer


async def test_a_closed_connection_is_released_soon_whatever_its_client_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bounded_websocket, "CLOSE_SECONDS", 0.05)
    async with asyncio.timeout(60), serving(accept_and_close) as (port, gone):
        reader, writer = await closed_by_hand(port)
        assert await reader.read() == b""
        await gone.wait()
        writer.close()


async def test_a_connection_is_not_released_before_its_client_has_closed_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_websocket, "CLOSE_SECONDS", 600)
    async with asyncio.timeout(60), serving(accept_and_close) as (port, gone):
        _, writer = await closed_by_hand(port)
        assert not gone.is_set()
        writer.close()
        await gone.wait()
