"""The blocking half of :mod:`cloudkeep.server.body_offload`: reads a request body from a socket, on a thread."""

import mmap
import os
import select
import socket
from dataclasses import dataclass

from endpoints.body_timeouts import ThroughputGuard
from endpoints.chunks.chunk_body import Consumer
from services.uploads.errors import BodyIncomplete

#: Bytes read at once: smaller blocks cost system calls, larger ones leave the processor's cache.
BLOCK = 1024 * 1024


class ReadCancelled(Exception):
    """The event loop has cancelled the read."""


@dataclass(frozen=True)
class SocketBody:
    """A body of ``length`` bytes, of which ``buffered`` arrived with the headers. ``socket`` is non-blocking.

    Reading stops when ``guard`` has no credit left, and as soon as the descriptor ``cancel`` is readable.
    """

    socket: socket.socket
    buffered: bytes
    length: int
    cancel: int
    guard: ThroughputGuard

    def close(self) -> None:
        """Close both descriptors, which belong to this body."""
        self.socket.close()
        os.close(self.cancel)


class BodyReader:
    """Reads bodies into the buffer of its thread.

    The buffer is a mmap, which is page-aligned: the kernel copies up to twice as slowly to memory from malloc.
    """

    def __init__(self) -> None:
        self._buffer = memoryview(mmap.mmap(-1, BLOCK))

    def read(self, body: SocketBody, consumer: Consumer) -> None:
        """Pass a whole body to ``consumer``.

        When ``consumer`` raises, the rest of the body is read first, and then the error is raised. Raises
        :class:`BodyStalled`, :class:`BodyIncomplete`, and :class:`ReadCancelled`.
        """
        sink = _Sink(consumer)
        sink.feed(memoryview(body.buffered))
        remaining, poller = body.length - len(body.buffered), _Poller(body)
        while remaining:
            block = self._buffer[: min(BLOCK, remaining)]
            _fill(block, body, poller)
            sink.feed(block)
            remaining -= len(block)
        if sink.error:
            raise sink.error


class _Sink:
    """Passes blocks to the consumer until it raises, and keeps its error."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer
        self.error: Exception | None = None

    def feed(self, block: memoryview) -> None:
        if self.error is None and block:
            try:
                self._consumer(block)
            except Exception as error:
                self.error = error


class _Poller:
    """Waits until the socket is readable.

    The socket stays non-blocking, because it shares its mode with the one of the event loop.
    """

    def __init__(self, body: SocketBody) -> None:
        self._guard = body.guard
        self._cancel = body.cancel
        self._poll = select.poll()
        self._poll.register(body.socket, select.POLLIN)
        self._poll.register(body.cancel, select.POLLIN)

    def wait(self) -> None:
        with self._guard:
            ready = self._poll.poll(self._guard.credit * 1000)
        if not ready:
            raise self._guard.stalled()
        if any(descriptor == self._cancel for descriptor, _ in ready):
            raise ReadCancelled


def _fill(block: memoryview, body: SocketBody, poller: _Poller) -> None:
    filled = 0
    while filled < len(block):
        try:
            count = body.socket.recv_into(block[filled:])
        except BlockingIOError:
            poller.wait()
            continue
        except OSError as error:
            raise _disconnected() from error
        if not count:
            raise _disconnected()
        body.guard.received(count)
        filled += count


def _disconnected() -> BodyIncomplete:
    return BodyIncomplete("The connection ended before the chunk did.")
