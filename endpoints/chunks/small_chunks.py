"""``POST`` of the only chunks of several small files in one form."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from endpoints.body_timeouts import BodyTimeouts, ThroughputGuard
from endpoints.chunks.chunk import receipt_document
from endpoints.chunks.chunk_body import body_blocks
from endpoints.chunks.small_chunks_body import SmallPart, small_groups
from endpoints.problems import refusal_document
from endpoints.state import address_of, services_of
from services.uploads.chunk_sinks import Receipt
from services.uploads.small_chunks import SmallChunk
from storage.tracing import add, span


def small_chunks_endpoint(timeouts: BodyTimeouts) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint. A body that arrives more slowly than ``timeouts`` allow is refused."""

    async def receive(request: Request) -> Response:
        with services_of(request).counters.chunk(), span("chunks"):
            documents = await _receive(request, ThroughputGuard(timeouts))
            add({"chunks": len(documents)})
        return JSONResponse({"chunks": documents})

    return receive


async def _receive(request: Request, guard: ThroughputGuard) -> list[Mapping[str, object]]:
    """Store the chunks. Returns a receipt or a problem for each."""
    services, address = services_of(request), address_of(request)
    documents: list[Mapping[str, object]] = []

    def check(part: SmallPart) -> None:
        services.signed_urls.check_slot(part.authorization, part.expires, part.signature)

    blocks = body_blocks(request, guard)
    async with aclosing(small_groups(request.headers.get("content-type", ""), blocks, check)) as groups:
        async for group in groups:
            chunks = [SmallChunk(part.authorization.upload_id, part.content) for part in group]
            for outcome in await services.small_chunks.receive(chunks, address):
                if isinstance(outcome, Receipt):
                    services.counters.chunk_bytes += outcome.size
                    documents.append(receipt_document(outcome))
                else:
                    documents.append(refusal_document(outcome))
    return documents
