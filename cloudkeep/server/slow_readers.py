"""Ends connections whose clients read too slowly, so that they cannot hold responses in memory without end.

While bytes wait in a connection's write buffer, its client has credit, in seconds: waiting uses it up, and bytes that
the client's kernel acknowledges restore it, up to its first value. So a client may fall silent for that long, and must
accept bytes at the minimum rate otherwise. The write buffer alone would not show that: the kernel accepts more bytes
only when a large part of its own buffer is free, which a slow client may take minutes for.
"""

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress

from endpoints.response_timeouts import ResponseTimeouts

#: Seconds between two checks of a connection with waiting bytes, at most.
CHECK_SECONDS = 1.0
#: The 64-bit number of acknowledged bytes in Linux's ``struct tcp_info`` (tcpi_bytes_acked, RFC 4898).
_ACKNOWLEDGED = struct.Struct("=120xQ")
#: Linux's ``struct linger``: on, for 0 seconds.
_NO_LINGERING = struct.pack("ii", 1, 0)


class ReaderGuard:
    """Watches the client of one connection while bytes wait for it. Before it ends one, it calls ``cut_off``."""

    def __init__(self, transport: asyncio.Transport, timeouts: ResponseTimeouts, cut_off: Callable[[], object]) -> None:
        self._transport = transport
        self._timeouts = timeouts
        self._cut_off = cut_off
        self._loop = asyncio.get_running_loop()
        self._credit = 0.0
        self._checked_at = 0.0
        self._acknowledged = 0
        self.is_watching = False

    def forget_protocol(self) -> None:
        """Drop the reference to the protocol of a connection that has ended."""
        self._cut_off = bool

    def watch(self) -> None:
        """Watch until no bytes wait any more."""
        if not self.is_watching:
            self.is_watching = True
            self._credit = self._timeouts.silence
            self._acknowledged = _acknowledged_bytes(self._transport)
            self._schedule()

    def _schedule(self) -> None:
        self._checked_at = self._loop.time()
        self._loop.call_later(min(CHECK_SECONDS, self._timeouts.silence / 4), self._check)

    def _check(self) -> None:
        if not self._transport.get_write_buffer_size():
            self.is_watching = False
            return
        acknowledged = _acknowledged_bytes(self._transport)
        earned = max(0, acknowledged - self._acknowledged) / self._timeouts.rate
        self._acknowledged = acknowledged
        passed = self._loop.time() - self._checked_at
        self._credit = min(self._timeouts.silence, self._credit + earned) - passed
        if self._credit > 0:
            self._schedule()
        else:
            self._cut_off()
            _reset(self._transport)


def _reset(transport: asyncio.Transport) -> None:
    """End a connection by a reset: otherwise the kernel would keep its buffer and wait for the client, too."""
    with suppress(OSError):
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGERING)
    transport.abort()


def _acknowledged_bytes(transport: asyncio.Transport) -> int:
    """The bytes that the client's kernel has acknowledged; on a unix socket, how much less waits."""
    try:
        info = transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _ACKNOWLEDGED.size)
        (acknowledged,) = _ACKNOWLEDGED.unpack(info)
        return int(acknowledged)
    except (OSError, struct.error):
        return -transport.get_write_buffer_size()
