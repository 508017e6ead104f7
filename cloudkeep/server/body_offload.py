"""uvicorn's HTTP protocol, in which a thread can read the body of an upload directly from the socket.

Through the event loop a body is copied several times, in pieces of 64 KiB, each with a message of its own. That costs
more than hashing and writing it. So where a route streams its body, the protocol stops reading after the headers and
offers a :class:`endpoints.chunks.chunk_body.OffloadedBody` in the ASGI scope. The endpoint takes it or reads by ASGI as
usual.

Bodies over TLS, in chunked transfer coding, behind a pipelined request or already received with their headers are never
offered. What this relies on in uvicorn: ``cycle`` (body, more_body, keep_alive, waiting_for_100_continue), ``flow``,
``parser``, ``pipeline``; a change there shows in ``tests/cloudkeep/server/test_body_offload.py``.
"""

import asyncio
import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from cloudkeep.server.body_reader import BodyReader, ReadCancelled, SocketBody
from cloudkeep.server.bounded_http import BoundedProtocol
from cloudkeep.server.connection_gate import ConnectionGate
from endpoints.body_timeouts import ThroughputGuard
from endpoints.chunks.chunk_body import OFFLOADED_BODY, Consumer
from endpoints.routes import streams_body
from services.uploads.errors import BodyIncomplete, BodyStalled

NICENESS = 10
#: Bodies on threads at once, unless the settings say otherwise. Any more go through the event loop, so that slow
#: senders cannot starve the others.
THREADS = 16


def _lower_priority() -> None:
    """Give the event loop and the database's thread priority: queries wait for those, not for bodies."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


class BodyThreads:
    """A bounded pool of threads that read bodies."""

    def __init__(self, size: int = THREADS) -> None:
        self._pool = ThreadPoolExecutor(size, "offloaded-body", _lower_priority)
        self._size = self._free = size
        self._local = threading.local()

    @property
    def busy(self) -> int:
        """The number of bodies that threads are reading at the moment."""
        return self._size - self._free

    def close(self) -> None:
        """Let idle threads end."""
        self._pool.shutdown(wait=False)

    @contextlib.contextmanager
    def reserve(self) -> Iterator[bool]:
        """Reserve a thread for the block, without waiting; False when none is free."""
        if not self._free:
            yield False
            return
        self._free -= 1
        try:
            yield True
        finally:
            self._free += 1

    def read(self, body: SocketBody, consumer: Consumer) -> asyncio.Future[None]:
        """Read a body on a thread, into the buffer of that thread."""
        return asyncio.get_running_loop().run_in_executor(self._pool, self._read, body, consumer)

    def _read(self, body: SocketBody, consumer: Consumer) -> None:
        if not hasattr(self._local, "reader"):
            self._local.reader = BodyReader()
        self._local.reader.read(body, consumer)


class OffloadingProtocol(BoundedProtocol):
    """Pass it to uvicorn as ``http=``. ``threads`` are those of the process."""

    threads: ClassVar[BodyThreads] = BodyThreads()

    def on_headers_complete(self) -> None:
        """Stop reading before a body that may be read on a thread, and offer it."""
        super().on_headers_complete()
        length = self._offloadable_length()
        if length:
            self.flow.pause_reading()
            extensions = cast(dict[str, Any], self.scope["extensions"])
            extensions[OFFLOADED_BODY] = _UvicornBody(self, self.cycle, length)

    def _offloadable_length(self) -> int | None:
        if not self._has_own_cycle() or self.pipeline or self.scheme != "http":
            return None
        if not streams_body(self.scope["method"], self.scope["path"]):
            return None
        headers = dict(self.headers)
        length = headers.get(b"content-length", b"")
        return int(length) if b"transfer-encoding" not in headers and length.isdigit() else None


def offloading_protocol(threads: int, gate: ConnectionGate | None = None) -> type[BoundedProtocol]:
    """The protocol for a process with this many threads for bodies; without any, one that offloads nothing.

    ``gate`` admits its connections; without one, only their total is limited.
    """
    gate = gate or ConnectionGate()
    if not threads:
        return type("BoundedProtocol", (BoundedProtocol,), {"gate": gate})
    return type("OffloadingProtocol", (OffloadingProtocol,), {"gate": gate, "threads": BodyThreads(threads)})


@dataclass
class _UvicornBody:
    """See :class:`endpoints.chunks.chunk_body.OffloadedBody`."""

    protocol: OffloadingProtocol
    cycle: RequestResponseCycle
    length: int

    async def read_on_thread(self, consumer: Consumer, guard: ThroughputGuard) -> bool:
        """See :class:`endpoints.chunks.chunk_body.OffloadedBody`."""
        with self.protocol.threads.reserve() as is_reserved:
            if not is_reserved or not self.cycle.more_body or self.protocol.transport.is_closing():
                return False
            try:
                await self._read(consumer, guard)
            except (BodyStalled, BodyIncomplete, ReadCancelled, asyncio.CancelledError):
                self.cycle.keep_alive = False
                self.protocol.has_unread_body = True
                raise
            finally:
                self.cycle.more_body = False
                self.protocol.reset_parser()
            return True

    async def _read(self, consumer: Consumer, guard: ThroughputGuard) -> None:
        self._send_continue()
        buffered = bytes(self.cycle.body)
        self.cycle.body = bytearray()
        duplicate = socket.socket(fileno=os.dup(self.protocol.transport.get_extra_info("socket").fileno()))
        body = SocketBody(duplicate, buffered, self.length, os.eventfd(0), guard)
        reading = self.protocol.threads.read(body, consumer)
        reading.add_done_callback(lambda _: body.close())
        await _until_done(reading, body.cancel)

    def _send_continue(self) -> None:
        if self.cycle.waiting_for_100_continue:
            self.cycle.waiting_for_100_continue = False
            self.protocol.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")


async def _until_done(reading: asyncio.Future[None], cancel: int) -> None:
    """Wait for the thread, also after a cancellation, which wakes it. Its descriptors are closed afterwards."""
    try:
        await asyncio.shield(reading)
    except asyncio.CancelledError:
        # Descriptors are closed by a callback of this loop, so this one is open as long as the thread has not ended.
        if not reading.done():
            os.eventfd_write(cancel, 1)
        while not reading.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({reading})
        raise
