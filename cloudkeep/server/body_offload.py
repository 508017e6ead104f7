"""uvicorn's HTTP protocol, which lends the socket of a chunk's body to a thread.

What it relies on of uvicorn: ``cycle`` (body, more_body, keep_alive, waiting_for_100_continue), ``flow``, ``parser``,
``pipeline``; a change there shows in ``tests/cloudkeep/server/test_body_offload.py``. Bodies over TLS, in chunked
transfer coding, behind a pipelined request or already received with their head go the ordinary way.
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

import httptools
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from cloudkeep.server.body_reader import Body, Interrupted, SocketReader
from cloudkeep.server.bounded_http import CHUNK_PATH, BoundedProtocol
from endpoints.body_timeouts import ThroughputGuard
from endpoints.lent_body import EXTENSION, Consume
from services.uploads.errors import BodyIncomplete, BodyStalled

METHODS = frozenset({"PUT", "POST"})
NICENESS = 10
#: Bodies on threads at once, unless the settings say otherwise; more go by the event loop, so slow senders cannot
#: starve anybody.
THREADS = 16


def _step_back() -> None:
    """Let the event loop and the database's thread go first: who asks a question waits for them, not for the bodies."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


class Threads:
    """The bounded pool, and how many of it are free."""

    def __init__(self, size: int = THREADS) -> None:
        self._pool = ThreadPoolExecutor(size, "lent-socket", _step_back)
        self._size = self._free = size
        self._local = threading.local()

    @property
    def busy(self) -> int:
        """How many bodies are on threads now."""
        return self._size - self._free

    def close(self) -> None:
        """Let go of the threads that are idle."""
        self._pool.shutdown(wait=False)

    @contextlib.contextmanager
    def borrowed(self) -> Iterator[bool]:
        """Whether a thread is kept for the block; never waits."""
        if not self._free:
            yield False
            return
        self._free -= 1
        try:
            yield True
        finally:
            self._free += 1

    def read(self, body: Body, consume: Consume) -> asyncio.Future[None]:
        """Read a body on a thread, into that thread's own buffer."""
        return asyncio.get_running_loop().run_in_executor(self._pool, self._read, body, consume)

    def _read(self, body: Body, consume: Consume) -> None:
        if not hasattr(self._local, "reader"):
            self._local.reader = SocketReader()
        self._local.reader.read(body, consume)


class OffloadingProtocol(BoundedProtocol):
    """Give it to uvicorn as ``http=``. ``threads`` are those of the process."""

    threads: ClassVar[Threads] = Threads()

    def on_headers_complete(self) -> None:
        """Stop reading where a body begins that somebody may want on a thread."""
        super().on_headers_complete()
        length = self._lendable_length()
        if length:
            self.flow.pause_reading()
            extensions = cast(dict[str, Any], self.scope["extensions"])
            extensions[EXTENSION] = _UvicornBody(self, self.cycle, length)

    def fresh_parser(self) -> None:
        """Forget the body that the old parser is still waiting for."""
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)

    def _lendable_length(self) -> int | None:
        # A request to upgrade has no cycle of its own: the last one, if any, is another request's.
        begun = getattr(self.cycle, "scope", None) is self.scope
        if not begun or self.pipeline or self.scheme != "http":
            return None
        if self.scope["method"] not in METHODS or not CHUNK_PATH.fullmatch(self.scope["path"]):
            return None
        headers = dict(self.headers)
        length = headers.get(b"content-length", b"")
        return int(length) if b"transfer-encoding" not in headers and length.isdigit() else None


def offloading_protocol(threads: int) -> type[BoundedProtocol]:
    """The protocol for a process with so many threads for bodies; without any, one that lends nothing."""
    if not threads:
        return BoundedProtocol
    return type("OffloadingProtocol", (OffloadingProtocol,), {"threads": Threads(threads)})


@dataclass
class _UvicornBody:
    """See :class:`endpoints.lent_body.OffloadedBody`."""

    protocol: OffloadingProtocol
    cycle: RequestResponseCycle
    length: int

    async def take(self, consume: Consume, sender: ThroughputGuard) -> bool:
        """See :class:`endpoints.lent_body.OffloadedBody`."""
        with self.protocol.threads.borrowed() as borrowed:
            if not borrowed or not self.cycle.more_body or self.protocol.transport.is_closing():
                return False
            try:
                await self._read(consume, sender)
            except (BodyStalled, BodyIncomplete, Interrupted, asyncio.CancelledError):
                self.cycle.keep_alive = False
                raise
            finally:
                self.cycle.more_body = False
                self.protocol.fresh_parser()
            return True

    async def _read(self, consume: Consume, sender: ThroughputGuard) -> None:
        self._say_continue()
        kept = bytes(self.cycle.body)
        self.cycle.body = bytearray()
        lent = socket.socket(fileno=os.dup(self.protocol.transport.get_extra_info("socket").fileno()))
        body = Body(lent, kept, self.length, os.eventfd(0), sender)
        reading = self.protocol.threads.read(body, consume)
        reading.add_done_callback(lambda _: body.close())
        await _until_done(reading, body.wake)

    def _say_continue(self) -> None:
        if self.cycle.waiting_for_100_continue:
            self.cycle.waiting_for_100_continue = False
            self.protocol.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")


async def _until_done(reading: asyncio.Future[None], wake: int) -> None:
    """Wait for the thread. A cancellation wakes it up and waits all the same: the thread uses what is closed after."""
    try:
        await asyncio.shield(reading)
    except asyncio.CancelledError:
        # Descriptors are closed by a callback of this loop, so this one is open as long as the thread has not ended.
        if not reading.done():
            os.eventfd_write(wake, 1)
        while not reading.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({reading})
        raise
