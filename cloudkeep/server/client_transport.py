"""The transport of a client's connection, which uvicorn's protocols use in place of the event loop's own.

It lingers when it is closed while the client is still sending, see :mod:`cloudkeep.server.lingering_close`, and ends
connections whose clients read too slowly, see :mod:`cloudkeep.server.slow_readers`.
"""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from cloudkeep.server.lingering_close import linger
from cloudkeep.server.slow_readers import ReaderGuard
from endpoints.response_timeouts import ResponseTimeouts

#: Bytes that wait for a client before the app has to wait, too. Then it waits until none are left, so that at most one
#: block of a download, or one event, is in the buffer.
HIGH_WATER = 8 * 1024
#: Bytes that the kernel accepts before it sends them. Its own limit may grow to megabytes for each connection.
UNSENT = 128 * 1024
#: From Linux's <linux/tcp.h>; Python does not name it in every version.
_TCP_NOTSENT_LOWAT = 25


class ClientTransport:
    """Wraps a transport. ``is_sending()`` says whether the client was answered before it has sent everything.

    ``cut_off`` is called for a client that reads too slowly. Everything else is the transport's own.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        is_sending: Callable[[], bool],
        timeouts: ResponseTimeouts,
        cut_off: Callable[[], None],
    ) -> None:
        self._transport = transport
        self._is_sending = is_sending
        self.is_lingering = False
        self._has_ended = False
        self._guard = ReaderGuard(transport, timeouts, cut_off)
        transport.set_write_buffer_limits(high=HIGH_WATER, low=0)
        with suppress(OSError):  # a unix socket, or another system than Linux
            sock: socket.socket = transport.get_extra_info("socket")
            sock.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, UNSENT)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def forget_protocol(self) -> None:
        """Drop the references to the protocol of a connection that has ended.

        Otherwise only the garbage collector could free them, and with thousands of connections it takes 0.1 s at once.
        """
        self._is_sending = bool
        self._guard.forget_protocol()

    def write(self, data: bytes) -> None:
        """Send bytes, and watch the client if they have to wait. Once the connection closes, they are dropped."""
        if self.is_closing():
            return
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > HIGH_WATER:
            self._guard.watch()

    def write_eof(self) -> None:
        """Close this side of the connection. A protocol that does so lingers by itself: ``close`` is then final."""
        self._has_ended = True
        self._transport.write_eof()

    def is_closing(self) -> bool:
        """Whether the connection closes or lingers."""
        return self.is_lingering or self._transport.is_closing()

    def close(self) -> None:
        """Close the connection after what was written is sent, and linger if necessary."""
        if self.is_closing():
            return
        if self._transport.get_write_buffer_size():
            self._guard.watch()
        if self._is_sending() and not self._has_ended and self._transport.can_write_eof():
            self.is_lingering = True
            linger(self._transport)
        else:
            self._transport.close()

    def resume_reading(self) -> None:
        """Read again, unless the connection lingers, which reads by itself."""
        if not self.is_lingering:
            self._transport.resume_reading()

    def pause_reading(self) -> None:
        """Stop reading, unless the connection lingers."""
        if not self.is_lingering:
            self._transport.pause_reading()
