"""``POST`` and ``PUT`` of one chunk of an upload, by a signed URL."""

from collections.abc import Awaitable, Callable
from contextlib import aclosing

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from endpoints.body_timeouts import BodyTimeouts, ThroughputGuard
from endpoints.chunks.chunk_body import Framing, batches, declared_digest, framing_of, offloaded_body_of
from endpoints.state import address_of, services_of
from services.access.signed_urls import SlotAuthorization
from services.container import Services
from services.core.decimals import parse_decimal
from services.core.errors import UrlInvalid
from services.core.ids import Prefix, require_key
from services.uploads.chunk_sinks import ChunkSink, Receipt
from storage.tracing import add, span

#: Digits of the largest size, 2**53.
MAX_DIGITS = 16


def chunk_endpoint(timeouts: BodyTimeouts) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint. A body that arrives more slowly than ``timeouts`` allow is refused."""

    async def receive_chunk(request: Request) -> Response:
        services = services_of(request)
        with services.counters.chunk(), span("chunk"):
            receipt = await _receive(request, services, ThroughputGuard(timeouts))
        services.counters.chunk_bytes += receipt.size
        return _response(receipt)

    return receive_chunk


async def _receive(request: Request, services: Services, guard: ThroughputGuard) -> Receipt:
    authorization = _authorization(request)
    query = request.query_params
    services.signed_urls.check_slot(authorization, query.get("expires", ""), query.get("signature", ""))
    framing = framing_of(request, authorization.size)
    async with services.ingest.open(authorization, address_of(request), guard.silent_seconds) as sink:
        add({"chunk.index": authorization.index, "chunk.size": authorization.size})
        return await _fill(request, framing, sink, guard)


async def _fill(request: Request, framing: Framing, sink: ChunkSink, guard: ThroughputGuard) -> Receipt:
    if not await _fill_on_thread(request, framing, sink, guard):
        async with aclosing(batches(request, framing, guard)) as found:
            async for batch in found:
                await sink.write(batch)
    return await sink.commit(declared_digest(framing))


async def _fill_on_thread(request: Request, framing: Framing, sink: ChunkSink, guard: ThroughputGuard) -> bool:
    def store(block: memoryview) -> None:
        payload = framing.feed(block)
        if payload:
            sink.store(payload)

    body = offloaded_body_of(request)
    return body is not None and sink.stores_on_threads and await body.read_on_thread(store, guard)


def slot_authorization_of(upload_id: str, index: str, size: str) -> SlotAuthorization:
    """The authorization in the parts of a slot's URL, whose signature is not checked yet.

    Raises :class:`services.core.errors.NotFound` and :class:`UrlInvalid`.
    """
    return SlotAuthorization(require_key(Prefix.UPLOAD, upload_id), _number(index), _number(size))


def _authorization(request: Request) -> SlotAuthorization:
    path, query = request.path_params, request.query_params
    return slot_authorization_of(path["upload_id"], path["index"], query.get("size", ""))


def _number(text: str) -> int:
    number = parse_decimal(text, MAX_DIGITS)
    if number is None:
        raise UrlInvalid("This URL was not made by this server, or it was altered.")
    return number


def receipt_document(receipt: Receipt) -> dict[str, object]:
    """The receipt of a chunk for its sender."""
    return {
        "index": receipt.index,
        "size": receipt.size,
        "sha256": receipt.sha256,
        "receivedChunks": receipt.received_chunks,
        "chunkCount": receipt.chunk_count,
        "complete": receipt.complete,
    }


def _response(receipt: Receipt) -> Response:
    return JSONResponse(receipt_document(receipt), headers={"ETag": f'"{receipt.sha256}"'})
