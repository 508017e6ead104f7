"""Closes a connection whose client is still sending, so that the client can read its response.

A kernel that has unread bytes when a socket is closed, or receives any afterwards, sends a reset, upon which the client
may lose the response. So the server closes its own direction first, drops what still arrives for a limited time, and
only then closes the connection (RFC 9112, section 9.6).
"""

import asyncio

#: The longest silence of a client that does not close its own direction, in seconds: a client that is still sending
#: sends, and any other one needs a round trip.
SILENCE_SECONDS = 2.0
#: The longest time for all of that, in seconds, and the most bytes. The largest chunk has 95 MiB.
TOTAL_SECONDS = 10.0
MAX_BYTES = 128 * 2**20
#: Dropped bytes of all connections go into this buffer.
_DROPPED = bytearray(64 * 1024)


def linger(transport: asyncio.Transport) -> None:
    """Close this side of a connection now, and the connection once the client has closed its own, or at a limit.

    The transport's protocol receives no more data. It still gets ``connection_lost``.
    """
    transport.set_protocol(_Drain(transport, transport.get_protocol()))
    transport.write_eof()
    transport.resume_reading()


class _Drain(asyncio.BufferedProtocol):
    """Drops what arrives."""

    def __init__(self, transport: asyncio.Transport, previous: asyncio.BaseProtocol) -> None:
        self._transport = transport
        self._previous = previous
        self._bytes = 0
        self._loop = asyncio.get_running_loop()
        self._latest = self._loop.time() + TOTAL_SECONDS
        self._timer = self._loop.call_later(min(SILENCE_SECONDS, TOTAL_SECONDS), transport.abort)

    def get_buffer(self, sizehint: int) -> bytearray:
        """A buffer whose content is never read."""
        return _DROPPED

    def buffer_updated(self, nbytes: int) -> None:
        """Count what was dropped, and end the connection at a limit."""
        self._bytes += nbytes
        self._timer.cancel()
        if self._bytes > MAX_BYTES:
            self._transport.abort()
        else:
            self._timer = self._loop.call_at(
                min(self._latest, self._loop.time() + SILENCE_SECONDS), self._transport.abort
            )

    def pause_writing(self) -> None:
        """Pass it on."""
        self._previous.pause_writing()

    def resume_writing(self) -> None:
        """Pass it on."""
        self._previous.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the timer, and pass it on."""
        self._timer.cancel()
        self._previous.connection_lost(exc)
