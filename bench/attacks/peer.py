"""One connection of an attacker."""

import asyncio
import contextlib
import re
import socket
from collections.abc import Awaitable, Callable
from math import inf

#: Bytes read at once.
BLOCK = 64 * 1024
#: Bytes that the kernels of both sides may hold for a client that does not read.
FOUND = 8 * BLOCK
#: Bytes of a WebSocket's frames that are searched for a close frame.
KEPT = 8 * 1024 * 1024
#: Bytes sent at once, so that several connections share the rate.
PIECE = 16 * 1024
STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
CLOSE = 8


class PeerClosed(Exception):
    """The server has closed the connection."""


class Peer:
    """A connection over a plain socket. Call :meth:`watch` to read what the server sends; otherwise nothing is read."""

    def __init__(self, sock: socket.socket, take: Callable[[int], Awaitable[None]]) -> None:
        self._socket = sock
        self._take = take
        self._received = bytearray()
        self._status = ""
        self._end = ""
        self._watcher: asyncio.Task[None] | None = None
        self._news = asyncio.Event()

    @property
    def outcome(self) -> str:
        """How the connection stands or ended.

        The code of the server's close frame, else ``reset`` if a response without an error was cut short, else the
        status of the last response (101 does not count), else ``reset`` or ``closed``, and ``open`` where the server
        has done nothing.
        """
        if self._status == "101":
            return _close_code(bytes(self._received.partition(b"\r\n\r\n")[2])) or self._end or "open"
        is_cut_short = self._end == "reset" and self._status < "400"
        return "reset" if is_cut_short else self._status or self._end or "open"

    def watch(self) -> None:
        """Read from now on."""
        self._watcher = asyncio.ensure_future(self._read_all())

    async def send(self, data: bytes) -> None:
        """Send bytes at the attacker's rate. Raises :class:`PeerClosed`."""
        loop = asyncio.get_running_loop()
        for start in range(0, len(data), PIECE):
            piece = data[start : start + PIECE]
            await self._take(len(piece))
            if self._end:
                raise PeerClosed
            try:
                await loop.sock_sendall(self._socket, piece)
            except OSError as error:
                # The answer may have arrived before the reset.
                await asyncio.sleep(0)
                self._end = "reset"
                raise PeerClosed from error

    async def answered(self) -> None:
        """Wait for more bytes of a watched connection. Raises :class:`PeerClosed`."""
        self._news.clear()
        if self._end:
            raise PeerClosed
        await self._news.wait()

    async def receive(self) -> None:
        """Read once from a connection that is not watched, such as the response to a handshake."""
        try:
            self._keep(await asyncio.get_running_loop().sock_recv(self._socket, BLOCK))
        except OSError as error:
            self._end = "reset"
            raise PeerClosed from error

    async def closed(self) -> None:
        """Wait until the server closes a watched connection."""
        if self._watcher:
            await asyncio.shield(self._watcher)

    async def find_end(self) -> None:
        """Read what the kernel has received for an unwatched connection, to learn whether it was closed."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2):
                await self._read_all(FOUND)

    def close(self) -> None:
        """Close the connection."""
        if self._watcher:
            self._watcher.cancel()
        self._socket.close()

    async def _read_all(self, most: float = inf) -> None:
        loop, received = asyncio.get_running_loop(), 0
        try:
            while data := await loop.sock_recv(self._socket, BLOCK):
                self._keep(data)
                self._news.set()
                received += len(data)
                if received >= most:
                    return
            self._end = "closed"
        except OSError:
            self._end = "reset"
        self._news.set()

    def _keep(self, data: bytes) -> None:
        """Keep the last status, and the start of what follows 101."""
        if self._status == "101":
            self._received += data[: max(0, KEPT - len(self._received))]
        elif statuses := STATUS.findall(data):
            self._status = statuses[-1].decode()
            self._received[:] = data


def _close_code(frames: bytes) -> str | None:
    """The code of the first close frame, as text (RFC 6455, section 5.2: frames of a server have no mask)."""
    at = 0
    while at + 2 <= len(frames):
        opcode, length, start = frames[at] & 0x0F, frames[at + 1] & 0x7F, at + 2
        if length >= 126:
            size = 2 if length == 126 else 8
            length, start = int.from_bytes(frames[start : start + size]), start + size
        if opcode == CLOSE and length >= 2:
            return str(int.from_bytes(frames[start : start + 2]))
        at = start + length
    return None
