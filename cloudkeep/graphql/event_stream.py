"""Results as Server-Sent Events, in graphql-sse's distinct connections mode.

Every refusal is an event of an accepted stream, too: the protocol wants it, and graphql-sse would try anything but a
status of 200 again, five times, and tell nobody what the body said.
"""

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import cast

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send
from strawberry.http import GraphQLHTTPResponse
from strawberry.http.streaming import SSETransport, merge_stream_with_heartbeat
from strawberry.schema.schema import StreamResult
from strawberry.types import ExecutionResult

from cloudkeep.graphql.response import Answer, Json, encoded, fault, price_fields
from cloudkeep.server.bounded_http import ENDLESS_RESPONSE
from resolvers.context import Admission

logger = logging.getLogger("cloudkeep.graphql")

_SSE = SSETransport()


def event_stream(results: StreamResult, admission: Admission | None) -> Response:
    """The results as they come, what their price was in front of them, and a sign of life while none comes."""
    stream = merge_stream_with_heartbeat(
        lambda: _events(results),
        lambda: _SSE.heartbeat_message(encoded),
        _SSE.heartbeat_interval,
        send_initial_heartbeat=False,
    )
    return EventStream(stream(), headers={**_SSE.headers, **price_fields(admission)})


class EventStream(StreamingResponse):
    """A response that a server which is about to stop breaks off.

    Its client has to see an error: upon the protocol's ``complete``, or a body that ends as it should, it would believe
    that the subscription is over, and graphql-sse would not ask again.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Say what it is, and respond."""
        scope.setdefault("extensions", {})[ENDLESS_RESPONSE] = {}
        await super().__call__(scope, receive, send)


def single_event(answer: Answer) -> Response:
    """A stream of one event, which is there already."""
    return Response(_next(answer.body) + _SSE.encode_complete(), headers=_SSE.headers)


async def _events(results: StreamResult) -> AsyncGenerator[str, None]:
    try:
        async with aclosing(results):
            async for result in results:
                assert isinstance(result, ExecutionResult)
                yield _next(Answer.of(result).body)
    except Exception:
        logger.exception("fault in an event stream")
        yield _next(fault().body)
    yield _SSE.encode_complete()


def _next(body: Json) -> str:
    return _SSE.encode_next(cast(GraphQLHTTPResponse, body), encoded)
