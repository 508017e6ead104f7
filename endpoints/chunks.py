"""``POST`` and ``PUT /uploads/{upload}/chunks/{index}``: one chunk comes in."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from endpoints.body_timeouts import BodyTimeouts, ThroughputGuard
from endpoints.chunk_body import Framing, batches, declared_digest, framing_of
from endpoints.lent_body import offloaded_body_of
from endpoints.state import address_of, services_of
from services.container import Services
from services.core.errors import UrlInvalid
from services.core.signed_urls import SlotAuthorization
from services.uploads.ingest import ChunkSink, Receipt, parse_upload_id
from storage.tracing import add, span

#: Digits of the largest size, 2**53.
MAX_DIGITS = 16


def chunk_route(patience: BodyTimeouts) -> Route:
    """The route. A body that comes too slowly for this patience is given up."""

    async def receive_chunk(request: Request) -> Response:
        services = services_of(request)
        with services.counts.chunk(), span("chunk"):
            receipt = await _receive(request, services, ThroughputGuard(patience))
        services.counts.chunk_bytes += receipt.size
        return _answer(receipt)

    return Route("/uploads/{upload_id}/chunks/{index}", receive_chunk, methods=["POST", "PUT"])


async def _receive(request: Request, services: Services, sender: ThroughputGuard) -> Receipt:
    right = _right(request)
    query = request.query_params
    services.signed_urls.check_slot(right, query.get("expires", ""), query.get("signature", ""))
    framing = framing_of(request, right.size)
    async with services.ingest.open(right, address_of(request), sender.silence) as sink:
        add({"chunk.index": right.index, "chunk.size": right.size})
        return await _fill(request, framing, sink, sender)


async def _fill(request: Request, framing: Framing, sink: ChunkSink, sender: ThroughputGuard) -> Receipt:
    if not await _fill_on_a_thread(request, framing, sink, sender):
        async for batch in batches(request, framing, sender):
            await sink.write(batch)
    return await sink.commit(declared_digest(framing))


async def _fill_on_a_thread(request: Request, framing: Framing, sink: ChunkSink, sender: ThroughputGuard) -> bool:
    def pour(block: memoryview) -> None:
        payload = framing.feed(block)
        if payload:
            sink.store(payload)

    lent = offloaded_body_of(request)
    return lent is not None and sink.stores_on_threads and await lent.take(pour, sender)


def _right(request: Request) -> SlotAuthorization:
    upload_id = parse_upload_id(request.path_params["upload_id"])
    index = _number(request.path_params["index"])
    size = _number(request.query_params.get("size", ""))
    return SlotAuthorization(upload_id, index, size)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS):
        raise UrlInvalid("This URL was not made by this server, or it was altered.")
    return int(text)


def _answer(receipt: Receipt) -> Response:
    body = {
        "index": receipt.index,
        "size": receipt.size,
        "sha256": receipt.sha256,
        "receivedChunks": receipt.received_chunks,
        "chunkCount": receipt.chunk_count,
        "complete": receipt.complete,
    }
    return JSONResponse(body, headers={"ETag": f'"{receipt.sha256}"'})
