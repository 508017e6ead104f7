"""What a client may send over a WebSocket: frames, fragments, and nothing that breaks the protocol."""

import asyncio
import contextlib
import logging
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from cloudkeep.server import websocket_frames
from cloudkeep.server.websocket_frames import FRAME_BURST, MAX_FRAGMENTS, FrameCounter, TooManyFrames
from tests.support.server import listening_socket, serve_app

HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
FIN, CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x80, 0, 1, 2, 8, 9, 10


def frame(first: int, payload: bytes = b"", *, masked: bool = True) -> bytes:
    """A frame whose first byte and payload are given; the mask is zero."""
    size, mask = len(payload), 0x80 if masked else 0
    if size < 126:
        header = struct.pack("!BB", first, mask | size)
    elif size < 2**16:
        header = struct.pack("!BBH", first, mask | 126, size)
    else:
        header = struct.pack("!BBQ", first, mask | 127, size)
    return header + (bytes(4) if masked else b"") + payload


EMPTY_FRAGMENT, PING_FRAME = frame(CONTINUATION), frame(FIN | PING)


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers each message with its length."""
    if scope["type"] != "websocket":
        return
    websocket = WebSocket(scope, receive, send)
    await websocket.accept()
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            await websocket.send_text(str(len(message.get("text") or message.get("bytes") or "")))


@asynccontextmanager
async def opened() -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A WebSocket, by hand."""
    with listening_socket() as listener:
        async with serve_app(app, listener):
            reader, writer = await asyncio.open_connection(*listener.getsockname())
            try:
                writer.write(HANDSHAKE)
                assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
                yield reader, writer
            finally:
                writer.close()


async def received(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """The opcode and the payload of the next frame."""
    async with asyncio.timeout(15):
        first, size = await reader.readexactly(2)
        if size == 126:
            size = int.from_bytes(await reader.readexactly(2))
        return first & 0x0F, await reader.readexactly(size)


async def closing_code(reader: asyncio.StreamReader) -> int:
    """The code in the server's close frame, after which the connection ends; other frames are skipped."""
    while (each := await received(reader))[0] != CLOSE:
        pass
    assert await reader.read() == b""
    return int.from_bytes(each[1][:2])


FLOODS = {
    "empty fragments": (frame(TEXT), EMPTY_FRAGMENT),
    "pings": (b"", PING_FRAME),
    "unsolicited pongs": (b"", frame(FIN | PONG)),
    "tiny messages": (b"", frame(FIN | TEXT, b"a")),
    "tiny fragments": (frame(BINARY), frame(CONTINUATION, b"a")),
    "pings between fragments": (frame(TEXT), frame(CONTINUATION, b"a") + PING_FRAME),
}


@pytest.mark.parametrize(("start", "each"), FLOODS.values(), ids=FLOODS.keys())
async def test_a_flood_of_frames_is_closed_with_1008(start: bytes, each: bytes) -> None:
    async with opened() as (reader, writer):
        writer.write(start + each * 20_000)
        assert await closing_code(reader) == 1008


async def test_frames_are_counted_in_whatever_pieces_they_arrive() -> None:
    async with opened() as (reader, writer):
        for byte in PING_FRAME * (FRAME_BURST + 100):
            writer.write(bytes([byte]))
            await writer.drain()
        assert await closing_code(reader) == 1008


async def test_a_message_may_have_many_fragments_and_be_large() -> None:
    piece = bytes(2**20 // (MAX_FRAGMENTS - 1) - 1)
    async with opened() as (reader, writer):
        writer.write(frame(BINARY, piece) + frame(CONTINUATION, piece) * (MAX_FRAGMENTS - 2) + frame(FIN))
        assert await received(reader) == (TEXT, str(len(piece) * (MAX_FRAGMENTS - 1)).encode())


async def test_a_client_may_send_many_messages_at_once() -> None:
    async with opened() as (reader, writer):
        writer.write(frame(FIN | TEXT, b"hello") * 200)
        for _ in range(200):
            assert await received(reader) == (TEXT, b"5")


def test_frames_are_paid_by_the_second() -> None:
    counter = FrameCounter(0.0)
    for second in range(100):
        counter.count(PING_FRAME * int(websocket_frames.FRAME_RATE), float(second))
    counter.count(PING_FRAME * (FRAME_BURST - int(websocket_frames.FRAME_RATE)), 100.0)
    with pytest.raises(TooManyFrames, match="per second"):
        counter.count(PING_FRAME * 21, 100.0)


def test_the_fragments_of_a_message_are_counted_however_slowly_they_arrive() -> None:
    counter = FrameCounter(0.0)
    counter.count(frame(TEXT), 0.0)
    for minute in range(1, MAX_FRAGMENTS):
        counter.count(EMPTY_FRAGMENT, minute * 60.0)
    with pytest.raises(TooManyFrames, match="one message"):
        counter.count(EMPTY_FRAGMENT, MAX_FRAGMENTS * 60.0)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 100_000])
@pytest.mark.parametrize("step", [1, 3, 4096])
def test_frames_of_every_length_are_followed_in_pieces_of_every_size(size: int, step: int) -> None:
    counter, data = FrameCounter(0.0), frame(FIN | BINARY, bytes(size)) * FRAME_BURST
    data = data if size < 1000 else data[: 3 * len(data) // FRAME_BURST] + PING_FRAME * (FRAME_BURST - 3)
    for start in range(0, len(data), step):
        counter.count(data[start : start + step], 0.0)
    with pytest.raises(TooManyFrames):
        counter.count(PING_FRAME, 0.0)


BROKEN = {
    "text that is not UTF-8": (frame(FIN | TEXT, b"\xff"), 1007),
    "a fragmented text that is not UTF-8": (frame(TEXT, b"\xc3") + frame(FIN, b"("), 1007),
    # The library answers the close before it passes the text on.
    "text that is not UTF-8 before a close": (frame(FIN | TEXT, b"\xff") + frame(FIN | CLOSE, b"\x03\xe8"), 1000),
    "a reason that is not UTF-8": (frame(FIN | CLOSE, b"\x03\xe8\xff"), 1007),
    "a code that does not exist": (frame(FIN | CLOSE, b"\x03\xed"), 1002),
    "a code of one byte": (frame(FIN | CLOSE, b"\x03"), 1002),
    "a control frame that is too long": (frame(FIN | PING, bytes(126)), 1002),
    "a fragmented control frame": (frame(PING), 1002),
    "reserved bits": (frame(FIN | 0x40 | TEXT, b"a"), 1002),
    "an unknown opcode": (frame(FIN | 3, b"a"), 1002),
    "a continuation of nothing": (frame(FIN, b"a"), 1002),
    "a message within a message": (frame(TEXT, b"a") + frame(FIN | TEXT, b"b"), 1002),
    "a frame without a mask": (frame(FIN | TEXT, b"a", masked=False), 1002),
    "a message above 1 MiB": (struct.pack("!BBQ", FIN | BINARY, 0x80 | 127, 2**24 + 1), 1009),
    "a length of 64 bits": (struct.pack("!BBQ", FIN | BINARY, 0x80 | 127, 2**64 - 1), 1009),
}


@pytest.mark.parametrize(("data", "code"), BROKEN.values(), ids=BROKEN.keys())
async def test_what_breaks_the_protocol_is_closed_with_its_code_and_without_a_line_in_the_log(
    data: bytes, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened() as (reader, writer):
        writer.write(frame(FIN | TEXT, b"hello"))
        assert await received(reader) == (TEXT, b"5")
        writer.write(data + frame(FIN | TEXT, b"more") * 10)
        assert await closing_code(reader) == code
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_frames_after_a_close_are_dropped_without_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async with opened() as (reader, writer):
        writer.write(frame(FIN | CLOSE, b"\x03\xe8") + frame(FIN | TEXT, b"a") * 10 + b"a" * 10_000)
        assert await closing_code(reader) == 1000
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []
