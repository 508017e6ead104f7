"""The blocking half of a lent body: receive into one reused buffer, hand it on, until everything was served."""

import mmap
import os
import select
import socket
from dataclasses import dataclass

from endpoints.body_timeouts import ThroughputGuard
from endpoints.lent_body import Consume
from services.uploads.errors import BodyIncomplete

#: Bytes per turn: smaller ones cost calls, larger ones leave the processor's cache.
BLOCK = 1024 * 1024


class Interrupted(Exception):
    """The event loop wants its socket back."""


@dataclass(frozen=True)
class Body:
    """A body of ``length`` bytes, of which ``kept`` came with the head. ``socket`` is non-blocking.

    The thread gives up when ``sender`` has no credit left, and as soon as the descriptor ``wake`` can be read.
    """

    socket: socket.socket
    kept: bytes
    length: int
    wake: int
    sender: ThroughputGuard

    def close(self) -> None:
        """Close both descriptors, which are this body's own."""
        self.socket.close()
        os.close(self.wake)


class SocketReader:
    """One thread's buffer. A mmap is page-aligned; the kernel copies up to twice as slowly to what malloc gives."""

    def __init__(self) -> None:
        self._buffer = memoryview(mmap.mmap(-1, BLOCK))

    def read(self, body: Body, consume: Consume) -> None:
        """Hand a whole body to ``consume``.

        When ``consume`` raises, the rest is read all the same before its error is raised. Raises :class:`BodyStalled`,
        :class:`BodyIncomplete`, and :class:`Interrupted`.
        """
        pouring = _Pouring(consume)
        pouring.pour(memoryview(body.kept))
        left, readiness = body.length - len(body.kept), _Readiness(body)
        while left:
            block = self._buffer[: min(BLOCK, left)]
            _fill(block, body, readiness)
            pouring.pour(block)
            left -= len(block)
        if pouring.failure:
            raise pouring.failure


class _Pouring:
    """Stops consuming at the first failure, and remembers it."""

    def __init__(self, consume: Consume) -> None:
        self._consume = consume
        self.failure: Exception | None = None

    def pour(self, block: memoryview) -> None:
        if self.failure is None and block:
            try:
                self._consume(block)
            except Exception as error:
                self.failure = error


class _Readiness:
    """Waits until the socket has something. The socket stays non-blocking, for its mode is shared with the loop's."""

    def __init__(self, body: Body) -> None:
        self._sender = body.sender
        self._wake = body.wake
        self._poll = select.poll()
        self._poll.register(body.socket, select.POLLIN)
        self._poll.register(body.wake, select.POLLIN)

    def wait(self) -> None:
        with self._sender:
            ready = self._poll.poll(self._sender.credit * 1000)
        if not ready:
            raise self._sender.stalled()
        if any(descriptor == self._wake for descriptor, _ in ready):
            raise Interrupted


def _fill(block: memoryview, body: Body, readiness: _Readiness) -> None:
    filled = 0
    while filled < len(block):
        try:
            count = body.socket.recv_into(block[filled:])
        except BlockingIOError:
            readiness.wait()
            continue
        except OSError as error:
            raise _hung_up() from error
        if not count:
            raise _hung_up()
        body.sender.sent(count)
        filled += count


def _hung_up() -> BodyIncomplete:
    return BodyIncomplete("The connection ended before the chunk did.")
