"""Results as Server-Sent Events, in graphql-sse's distinct connections mode.

An operation that is refused also gets status 200 and an event, as the protocol requires: upon any other status,
graphql-sse retries five times and does not show the body.
"""

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import cast

from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send
from strawberry.http import GraphQLHTTPResponse
from strawberry.http.streaming import SSETransport
from strawberry.schema.schema import StreamResult
from strawberry.types import ExecutionResult

from cloudkeep.graphql.heartbeats import with_heartbeats
from cloudkeep.graphql.response import Json, OperationResponse, budget_headers, encode_json, internal_error
from cloudkeep.server.bounded_http import ENDLESS_RESPONSE
from resolvers.context import Admission

logger = logging.getLogger("cloudkeep.graphql")

_SSE = SSETransport()


def event_stream(results: StreamResult, admission: Admission | None) -> Response:
    """A stream of results, with heartbeats in between. Its headers have the status of the budgets."""
    stream = with_heartbeats(_events(results), _SSE.heartbeat_message(encode_json), _SSE.heartbeat_interval)
    return EventStream(stream, headers={**_SSE.headers, **budget_headers(admission)})


class EventStream(StreamingResponse):
    """A response that the server aborts when it stops, and whose events are made only when its client can read them.

    When the server stops, the client has to see an error. After the protocol's ``complete``, or a regular end of the
    body, graphql-sse would regard the subscription as complete, and not reconnect.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Mark the response as one that does not end by itself, and send it."""
        scope.setdefault("extensions", {})[ENDLESS_RESPONSE] = {}
        await super().__call__(scope, receive, send)

    async def stream_response(self, send: Send) -> None:
        """Send events, and take the next one when the one before has left the write buffer.

        The server accepts a message, and waits for space in the buffer before the next one. So an empty one waits.
        """

        async def send_and_wait(message: Message) -> None:
            await send(message)
            if message.get("body") and message.get("more_body"):
                await send({"type": "http.response.body", "body": b"", "more_body": True})

        await super().stream_response(send_and_wait)


def single_event(operation: OperationResponse) -> Response:
    """A stream with the result of one operation as its only event."""
    return Response(_next(operation.body) + _SSE.encode_complete(), headers=_SSE.headers)


def empty_stream() -> Response:
    """The headers of a stream, in response to HEAD. The operation does not run, because the body is not sent."""
    return Response(headers=_SSE.headers)


async def _events(results: StreamResult) -> AsyncGenerator[str, None]:
    try:
        async with aclosing(results):
            async for result in results:
                assert isinstance(result, ExecutionResult)
                event = _next(OperationResponse.from_result(result).body)
                # The result may be much larger than its text, and the client may need a while to read that.
                del result
                yield event
                del event
    except Exception:
        logger.exception("fault in an event stream")
        yield _next(internal_error().body)
    yield _SSE.encode_complete()


def _next(body: Json) -> str:
    return _SSE.encode_next(cast(GraphQLHTTPResponse, body), encode_json)
