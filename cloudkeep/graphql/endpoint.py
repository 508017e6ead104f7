"""The GraphQL endpoint: POST, GET, GraphiQL, graphql-transport-ws and Server-Sent Events on one path.

This package parses requests and renders responses, exactly as GraphQL over HTTP requires. Strawberry runs WebSockets
and event streams.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.exceptions import MissingQueryError
from strawberry.schema import BaseSchema
from strawberry.types.graphql import OperationType

from cloudkeep.graphql.authentication import context_of_request
from cloudkeep.graphql.cookies import set_cookie
from cloudkeep.graphql.event_stream import empty_stream, event_stream, single_event
from cloudkeep.graphql.media_types import EVENT_STREAM, HTML, JSON, RESPONSE_TYPES, accepted
from cloudkeep.graphql.request import (
    EMPTY_REQUEST,
    GraphQLRequest,
    RequestError,
    RequestHeaders,
    from_body,
    from_query_string,
)
from cloudkeep.graphql.response import (
    NO_QUERY,
    OperationResponse,
    batch_response,
    internal_error,
    single_response,
)
from cloudkeep.graphql.websocket_endpoint import WebSocketEndpoint
from endpoints.state import address_of
from resolvers.context import Admission, RequestContext
from services.accounts.errors import Unauthenticated
from services.budgets.connections import ConnectionLimiter
from services.budgets.request_memory import RequestMemory

logger = logging.getLogger("cloudkeep.graphql")

#: The headers of a response to a token that is not valid (RFC 6750, section 3), and to a cookie that is not.
INVALID_TOKEN = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
INVALID_COOKIE = {"WWW-Authenticate": "Bearer"}
EVENT_STREAM_COOKIES = "An event stream cannot set cookies. Accept application/json instead."
#: The types of operation that each method may run, by whether the response is a stream. A GET must be safe, so that a
#: link changes nothing; HEAD is a GET without the body (RFC 9110, sections 9.2.1 and 9.3.2).
ALLOWED_OPERATIONS = {
    "GET": frozenset({OperationType.QUERY}),
    "HEAD": frozenset({OperationType.QUERY}),
    "POST": frozenset({OperationType.QUERY, OperationType.MUTATION}),
}
ALLOWED_STREAMS = {method: allowed | {OperationType.SUBSCRIPTION} for method, allowed in ALLOWED_OPERATIONS.items()}
#: A response is for one viewer, and soon outdated. It may have tokens (RFC 6749, section 5.1).
VARY = "Accept, Authorization, Cookie"


class GraphQLEndpoint(WebSocketEndpoint):
    """An ASGI app that replaces the context, the errors and the limits of Strawberry's.

    ``graphiql`` is the endpoint of GraphiQL's page.
    """

    def __init__(
        self,
        schema: BaseSchema,
        connections: ConnectionLimiter,
        public_url: str,
        origins: Sequence[str],
        memory: RequestMemory,
        graphiql: Callable[[Request], Awaitable[Response]],
    ) -> None:
        super().__init__(schema, connections, public_url, origins, memory)
        self._graphiql = graphiql

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or a WebSocket until its token expires."""
        if scope["type"] == "websocket":
            await self.serve_websocket(WebSocket(scope, receive, send))
            return
        headers = RequestHeaders.of(scope)
        media_types = accepted(headers.accept)
        try:
            response = await self._respond(Request(scope, receive), headers, media_types)
        except ClientDisconnect:
            return
        except RequestError as error:
            response = _error_response(OperationResponse.from_request_error(error), media_types)
        response.headers["Cache-Control"] = "no-store"
        response.headers.add_vary_header(VARY)
        await response(scope, receive, send)

    async def _respond(self, request: Request, headers: RequestHeaders, media_types: Sequence[str]) -> Response:
        if request.method not in ALLOWED_OPERATIONS:
            raise RequestError(405, "GraphQL accepts GET, HEAD and POST.", headers={"Allow": "GET, HEAD, POST"})
        context = await context_of_request(request, headers, self.public_origin)
        response = await self._respond_in(context, request, headers, media_types)
        for cookie in context.cookies.changes:
            header = set_cookie(cookie.name, cookie.value, cookie.max_age, context.base_url)
            response.headers.append("Set-Cookie", header)
        return response

    async def _respond_in(
        self, context: RequestContext, request: Request, headers: RequestHeaders, media_types: Sequence[str]
    ) -> Response:
        if request.method == "POST":
            operations = await from_body(headers, request.receive, self.memory.request(address_of(request)))
        else:
            operations = from_query_string(request.scope["query_string"])
            if operations is EMPTY_REQUEST and HTML in media_types:
                return await self._graphiql(request)
        if isinstance(operations, list):
            return await self._respond_to_batch(operations, context, media_types)
        return await self._respond_to_one(request, operations, context, media_types)

    async def _respond_to_one(
        self, request: Request, operation: GraphQLRequest, context: RequestContext, media_types: Sequence[str]
    ) -> Response:
        media_type = _negotiate(media_types, (*RESPONSE_TYPES, EVENT_STREAM))
        if media_type == EVENT_STREAM:
            return await self._stream(request, operation, context)
        response = await self._execute(operation, context, request.method)
        if response.needs_stream and EVENT_STREAM in media_types:
            return await self._stream(request, operation, context)
        return single_response(response, media_type, _last_admission(context))

    async def _respond_to_batch(
        self, operations: list[GraphQLRequest], context: RequestContext, media_types: Sequence[str]
    ) -> Response:
        """Run the operations one after another, so that mutations keep their order and a batch uses no more of the
        process at a time than a single request.
        """
        media_type = _negotiate(media_types, RESPONSE_TYPES)
        responses = [await self._execute(operation, context, "POST") for operation in operations]
        return batch_response(responses, media_type, context.admissions)

    async def _execute(self, operation: GraphQLRequest, context: RequestContext, method: str) -> OperationResponse:
        try:
            result = await self.schema.execute(
                operation.query,
                variable_values=operation.variables,
                context_value=context,
                operation_name=operation.operation_name,
                allowed_operation_types=ALLOWED_OPERATIONS[method],
                operation_extensions=operation.extensions,
            )
        except MissingQueryError:
            return OperationResponse.from_request_error(NO_QUERY)
        except Exception:
            # The responses of the other operations of a batch must not get lost.
            logger.exception("fault in an operation")
            return internal_error()
        response = OperationResponse.from_result(result)
        if context.token_error and response.is_unauthenticated:
            # A request that may use cookies has no token.
            challenge = INVALID_TOKEN if context.cookies.refusal else INVALID_COOKIE
            return response.refused(Unauthenticated.status, challenge)
        return response

    async def _stream(self, request: Request, operation: GraphQLRequest, context: RequestContext) -> Response:
        if request.method == "HEAD":
            return empty_stream()
        # The head of the response is sent before the operation runs.
        context.cookies.refusal = EVENT_STREAM_COOKIES
        try:
            results = await self.schema.stream(
                operation.query,
                variable_values=operation.variables,
                context_value=context,
                operation_name=operation.operation_name,
                allowed_operation_types=ALLOWED_STREAMS[request.method],
                operation_extensions=operation.extensions,
            )
        except MissingQueryError:
            return single_event(OperationResponse.from_request_error(NO_QUERY))
        except Exception:
            logger.exception("fault in an operation")
            return single_event(internal_error())
        return event_stream(results, _last_admission(context))


def _last_admission(context: RequestContext) -> Admission | None:
    return context.admissions[-1] if context.admissions else None


def _negotiate(accepted_types: Sequence[str], offered: Sequence[str]) -> str:
    """The offered type that the client prefers. Raises :class:`RequestError` if it accepts none of them."""
    for name in accepted_types:
        if name in offered:
            return name
    raise RequestError(
        406, f"The response is {' or '.join(offered)}, which the request's Accept header does not allow."
    )


def _error_response(error: OperationResponse, accepted_types: Sequence[str]) -> Response:
    """The response to a request that is refused as a whole, in a type that the client accepts, if there is one."""
    media_type = next((name for name in accepted_types if name != HTML), JSON)
    return single_event(error) if media_type == EVENT_STREAM else single_response(error, media_type)
