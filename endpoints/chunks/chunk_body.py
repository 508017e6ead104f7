"""The body of a chunk request: how its bytes are framed, and how they are read without ever holding all of them."""

import asyncio
import base64
import binascii
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from typing import Protocol

from starlette.requests import ClientDisconnect, Request

from endpoints.body_timeouts import ThroughputGuard
from endpoints.chunks.multipart import MAX_OVERHEAD, Buffer, MultipartChunk
from services.core import validation
from services.core.errors import MalformedRequest
from services.uploads.errors import BodyIncomplete, ChunkSizeMismatch

#: Bytes passed to the store at once: large enough to make thread switches cheap, small enough for the cache.
#: Many bodies at once take smaller batches, so that those of a process never hold much more than ``BATCHES``.
BATCH = 1024 * 1024
SMALLEST_BATCH = 64 * 1024
BATCHES = 6 * 1024 * 1024
SHA256_BYTES = 32
#: The key in the ``extensions`` of the ASGI scope for an :class:`OffloadedBody`, if the server offers one.
OFFLOADED_BODY = "cloudkeep.offloaded_body"

Consumer = Callable[[memoryview], None]


class OffloadedBody(Protocol):
    """A request body that the server can read on a thread, past the event loop.

    Nothing is read from the socket before :meth:`read_on_thread`; an endpoint that does not call it reads the body by
    ASGI as usual. ``tests/endpoints`` runs every server against this contract.
    """

    async def read_on_thread(self, consumer: Consumer, guard: ThroughputGuard) -> bool:
        """Read the whole body; False, with nothing done, when no thread is free or there is nothing to gain.

        ``consumer`` gets every byte, in order and once, in views of at most a mebibyte that are valid only during the
        call, on a thread of a bounded pool. When it raises, the rest of the body is read and dropped, so that the
        response reaches the sender and the connection can be used again; then its error is raised.

        Raises :class:`services.uploads.errors.BodyStalled` if the sender uses up its credit, and
        :class:`services.uploads.errors.BodyIncomplete` if it closes the connection; both end the connection. A
        cancelled call ends the thread before it returns.
        """
        ...


def offloaded_body_of(request: Request) -> OffloadedBody | None:
    """The body that the server offers to read on a thread, if it does."""
    body: OffloadedBody | None = request.scope.get("extensions", {}).get(OFFLOADED_BODY)
    return body


class Framing(Protocol):
    """Extracts the chunk's bytes from the body."""

    def feed(self, data: Buffer) -> Buffer:
        """Take bytes of the body, return those of the chunk: a view of a view, bytes of bytes."""
        ...

    def close(self) -> str | None:
        """End the body; return the SHA-256 that it declared, as it was written."""
        ...


class RawChunk:
    """A body that only consists of the chunk."""

    def __init__(self, content_digest: str | None) -> None:
        self._digest = None if content_digest is None else _sha256_of(content_digest)

    def feed(self, data: Buffer) -> Buffer:
        """See :class:`Framing`."""
        return data

    def close(self) -> str | None:
        """See :class:`Framing`."""
        return self._digest


def framing_of(request: Request, size: int) -> Framing:
    """The framing of a chunk of ``size`` bytes in the request. Refuses a request at once if its headers are wrong.

    Raises :class:`ChunkSizeMismatch` and :class:`MalformedRequest`.
    """
    is_form = request.method == "POST"
    _check_length(request.headers.get("content-length"), size, MAX_OVERHEAD * 2 if is_form else 0)
    if not is_form:
        return RawChunk(request.headers.get("content-digest"))
    content_type = request.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != "multipart/form-data":
        raise MalformedRequest("POST takes multipart/form-data; send raw bytes by PUT.")
    return MultipartChunk(content_type, size)


def declared_digest(framing: Framing) -> str | None:
    """The SHA-256 that the sender declared, in lower-case hex. Raises :class:`InvalidInput` when it is not valid."""
    digest = framing.close()
    return None if digest is None else validation.sha256(digest)


class BatchBudget:
    """Shares the memory for batches among the bodies that are being read."""

    def __init__(self) -> None:
        self._bodies = 0

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Count one more body for the block."""
        self._bodies += 1
        try:
            yield
        finally:
            self._bodies -= 1

    @property
    def batch(self) -> int:
        """Bytes that a body may gather before it passes them on."""
        return max(SMALLEST_BATCH, min(BATCH, BATCHES // max(1, self._bodies)))


#: Of all bodies that this process reads on its event loop.
batch_budget = BatchBudget()


async def batches(request: Request, framing: Framing, guard: ThroughputGuard) -> AsyncGenerator[list[Buffer], None]:
    """The chunk's bytes, about a mebibyte at a time, or less while many bodies come in.

    Raises :class:`services.uploads.errors.BodyStalled` when the sender uses up its credit and
    :class:`BodyIncomplete` when it hangs up.
    """
    batch: list[Buffer] = []
    size = 0
    async with aclosing(body_blocks(request, guard)) as blocks:
        with batch_budget.shared():
            async for data in blocks:
                payload = framing.feed(data)
                if payload:
                    batch.append(payload)
                    size += len(payload)
                if size >= batch_budget.batch:
                    yield batch
                    batch, size = [], 0
            if batch:
                yield batch


async def body_blocks(request: Request, guard: ThroughputGuard) -> AsyncGenerator[bytes, None]:
    """The body as it arrives.

    Raises :class:`services.uploads.errors.BodyStalled` when the sender uses up its credit and :class:`BodyIncomplete`
    when it hangs up.
    """
    stream = request.stream()
    while True:
        try:
            with guard:
                async with asyncio.timeout(guard.credit):
                    data = await anext(stream, None)
        except TimeoutError as error:
            raise guard.stalled() from error
        except ClientDisconnect as error:
            raise BodyIncomplete("The connection ended before the chunk did.") from error
        if data is None:
            return
        guard.received(len(data))
        yield data


def _check_length(content_length: str | None, size: int, max_overhead: int) -> None:
    # Without a Content-Length (HTTP/1.1 chunked transfer coding) the bytes themselves are counted.
    if content_length is not None and not size <= int(content_length) <= size + max_overhead:
        raise ChunkSizeMismatch(f"The slot takes {size} bytes, and the body has {content_length}.")


def _sha256_of(content_digest: str) -> str | None:
    """The SHA-256 of a Content-Digest field (RFC 9530), in hex; other algorithms are ignored."""
    for member in content_digest.split(","):
        algorithm, _, value = member.strip().partition("=")
        if algorithm.lower() == "sha-256":
            return _decode_digest(value.strip())
    return None


def _decode_digest(value: str) -> str:
    if len(value) > 2 and value.startswith(":") and value.endswith(":"):
        try:
            digest = base64.b64decode(value[1:-1], validate=True)
        except (binascii.Error, ValueError):
            digest = b""
        if len(digest) == SHA256_BYTES:
            return digest.hex()
    raise MalformedRequest("Content-Digest must be like 'sha-256=:<base64 of 32 bytes>:' (RFC 9530).")
