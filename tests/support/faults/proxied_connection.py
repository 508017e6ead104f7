"""One client's connection through a proxy, with a fault."""

import asyncio
import socket
import struct
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

BLOCK = 16 * 1024
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Act(Enum):
    """The faults of a connection."""

    PASS = auto()
    #: Both sides are closed in an orderly way.
    CUT = auto()
    #: Both sides get a RST.
    RESET = auto()
    #: Nothing passes any more, in either direction, without notice.
    STALL = auto()
    #: The direction ends, the other one goes on.
    HALF_CLOSE = auto()
    #: A few bytes at a time.
    TRICKLE = auto()
    #: The head of the first request never arrives.
    SWALLOW_HEAD = auto()
    #: What the client sends goes to the server on a second connection as well, at the same time.
    DUPLICATE = auto()
    #: The same, once the first answer has started.
    REPEAT = auto()


class Way(Enum):
    """A direction."""

    REQUEST = auto()
    ANSWER = auto()


@dataclass(frozen=True)
class Fault:
    """A fault after ``after`` bytes in that direction; ``piece`` bytes at a time, when it trickles."""

    act: Act
    after: int = 0
    way: Way = Way.REQUEST
    piece: int = 1024


NONE = Fault(Act.PASS)
COPYING = frozenset({Act.DUPLICATE, Act.REPEAT})


class Relay(Protocol):
    """The interface of a proxy for its connections."""

    echoes: list[bytearray]

    def keep(self, task: "asyncio.Task[None]") -> None:
        """A task that the proxy ends at its own end."""

    async def count(self, size: int) -> None:
        """A client has sent so many bytes."""

    def to_server(self) -> AbstractAsyncContextManager[Streams]:
        """A further connection to the server."""


class ProxiedConnection:
    """One client's connection with its fault."""

    def __init__(self, proxy: Relay, fault: Fault, client: Streams, server: Streams) -> None:
        self._proxy = proxy
        self._fault = fault
        self._client = client
        self._server = server
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._answered = asyncio.Event()
        self._copies: asyncio.Queue[bytes] = asyncio.Queue()

    async def run(self) -> None:
        """Pass on until both directions have ended, or the fault ends them."""
        ways = {
            asyncio.ensure_future(self._pump(Way.REQUEST, self._client[0], self._server[1])),
            asyncio.ensure_future(self._pump(Way.ANSWER, self._server[0], self._client[1])),
        }
        if self._fault.act in COPYING:
            self._proxy.keep(asyncio.ensure_future(self._send_copies()))
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            await _ended(ways)

    async def _pump(self, way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        fault = self._fault if self._fault.way is way else NONE
        passed = 0
        while data := await reader.read(BLOCK):
            await self._note(way, data)
            if fault.act is not Act.PASS and fault.act not in COPYING and passed + len(data) >= fault.after:
                before, data = data[: fault.after - passed], data[fault.after - passed :]
                await self._send(writer, before)
                await self._strike(fault, data, reader, writer)
                return
            await self._send(writer, data)
            passed += len(data)
        self._end(writer)

    async def _note(self, way: Way, data: bytes) -> None:
        if way is Way.REQUEST:
            await self._proxy.count(len(data))
            if self._fault.act in COPYING:
                self._copies.put_nowait(data)
        else:
            self._answered.set()

    async def _send(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        await self._flowing.wait()
        writer.write(data)
        await writer.drain()

    async def _strike(
        self, fault: Fault, data: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        match fault.act:
            case Act.CUT:
                self._client[1].close()
                self._server[1].close()
                raise EOFError
            case Act.RESET:
                reset(self._client[1])
                reset(self._server[1])
                raise EOFError
            case Act.STALL:
                self._flowing.clear()
                await asyncio.Event().wait()
            case Act.HALF_CLOSE:
                self._end(writer)
            case Act.TRICKLE:
                await self._trickle(data, reader, writer, fault.piece)
            case Act.SWALLOW_HEAD:
                await self._swallow_head(data, reader, writer)

    async def _trickle(
        self, data: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, piece: int
    ) -> None:
        while data:
            for start in range(0, len(data), piece):
                await self._send(writer, data[start : start + piece])
                await asyncio.sleep(0.001)
            data = await reader.read(BLOCK)
        self._end(writer)

    async def _swallow_head(self, data: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while b"\r\n\r\n" not in data and (more := await reader.read(BLOCK)):
            data += more
        data = data.partition(b"\r\n\r\n")[2]
        while data:
            await self._send(writer, data)
            data = await reader.read(BLOCK)
        self._end(writer)

    async def _send_copies(self) -> None:
        """A task of its own, because the client may disconnect once it has its answer."""
        if self._fault.act is Act.REPEAT:
            await self._answered.wait()
        echo = bytearray()
        self._proxy.echoes.append(echo)
        async with self._proxy.to_server() as (reader, writer):
            listening = asyncio.ensure_future(_collect(reader, echo))
            try:
                while True:
                    writer.write(await self._copies.get())
                    await writer.drain()
            finally:
                await _ended({listening})

    def _end(self, writer: asyncio.StreamWriter) -> None:
        """End one direction, or the connection with TLS, which has no half-close."""
        if not writer.can_write_eof():
            raise EOFError
        if not writer.transport.is_closing():
            writer.write_eof()


async def _collect(reader: asyncio.StreamReader, into: bytearray) -> None:
    while data := await reader.read(BLOCK):
        into += data


async def _ended(tasks: set[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection as the system of a program that crashed does."""
    sock: socket.socket | None = writer.get_extra_info("socket")
    if sock is not None and not writer.transport.is_closing():
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
