"""The GraphQL endpoint: POST, GET, GraphiQL, graphql-transport-ws and Server-Sent Events on one path.

This package parses requests and renders responses, exactly as GraphQL over HTTP requires. Strawberry runs WebSockets
and event streams.
"""

import logging
from collections import deque
from collections.abc import Sequence
from datetime import timedelta

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError, MissingQueryError
from strawberry.schema import BaseSchema
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types.graphql import OperationType
from strawberry.types.unset import UNSET, UnsetType

from cloudkeep.graphql.authentication import request_context
from cloudkeep.graphql.event_stream import empty_stream, event_stream, single_event
from cloudkeep.graphql.graphiql import graphiql
from cloudkeep.graphql.media_types import EVENT_STREAM, HTML, JSON, RESPONSE_TYPES, accepted
from cloudkeep.graphql.request import (
    EMPTY_REQUEST,
    GraphQLRequest,
    RequestError,
    RequestHeaders,
    bearer_token,
    from_body,
    from_query_string,
    parse_json,
)
from cloudkeep.graphql.response import (
    NO_QUERY,
    OperationResponse,
    batch_response,
    encode_json,
    internal_error,
    single_response,
)
from cloudkeep.graphql.websocket import (
    TRY_AGAIN_LATER,
    UNAUTHORIZED,
    OrderlyAdapter,
    ValidatingHandler,
    WebSocketContext,
)
from cloudkeep.server.bounded_websocket import limit_memory, on_connection_lost
from cloudkeep.server.refused_origins import RefusedOrigins
from endpoints.state import address_of
from resolvers.context import Admission, RequestContext
from services.accounts.errors import Unauthenticated
from services.budgets.connections import ConnectionLimiter, TooManyConnections
from services.budgets.request_memory import RequestMemory
from services.core.log_context import bind_log_context

logger = logging.getLogger("cloudkeep.graphql")

SUBSCRIPTIONS_PER_CONNECTION = 50
CONNECTION_INIT_TIMEOUT = timedelta(seconds=10)
#: The headers of a response to a token that is not valid (RFC 6750, section 3).
CHALLENGE = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
#: Strawberry acknowledges a connection without a payload for this value, which it declares as Any.
NO_PAYLOAD: UnsetType = UNSET

#: The types of operation that each method may run, by whether the response is a stream. A GET must be safe, so that a
#: link changes nothing; HEAD is a GET without the body (RFC 9110, sections 9.2.1 and 9.3.2).
ALLOWED_OPERATIONS = {
    "GET": frozenset({OperationType.QUERY}),
    "HEAD": frozenset({OperationType.QUERY}),
    "POST": frozenset({OperationType.QUERY, OperationType.MUTATION}),
}
ALLOWED_STREAMS = {method: allowed | {OperationType.SUBSCRIPTION} for method, allowed in ALLOWED_OPERATIONS.items()}
#: The response to a GET is for one viewer, and soon outdated.
NO_STORE = {"Cache-Control": "no-store", "Vary": "Accept, Authorization"}


class GraphQLEndpoint(GraphQL[RequestContext, None]):
    """An ASGI app that replaces the context, the errors and the limits of Strawberry's.

    Pages of the server's own origin and of ``origins`` may open a WebSocket; ``*`` stands for every origin.
    ``connections`` limits the WebSockets of an address, and ``memory`` its requests that are not complete.
    """

    websocket_adapter_class = OrderlyAdapter
    graphql_transport_ws_handler_class = ValidatingHandler

    def __init__(
        self,
        schema: BaseSchema,
        connections: ConnectionLimiter,
        origins: Sequence[str] = (),
        memory: RequestMemory | None = None,
    ) -> None:
        super().__init__(
            schema,
            allowed_origins=origins,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,),
            connection_init_wait_timeout=CONNECTION_INIT_TIMEOUT,
            max_subscriptions_per_connection=SUBSCRIPTIONS_PER_CONNECTION,
        )
        self._connections = connections
        self._memory = memory or RequestMemory()
        self._refused_origins = RefusedOrigins()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or a WebSocket until its token expires."""
        if scope["type"] == "websocket":
            await self._serve_websocket(WebSocket(scope, receive, send))
            return
        headers = RequestHeaders.of(scope)
        media_types = accepted(headers.accept)
        try:
            response = await self._respond(Request(scope, receive), headers, media_types)
        except ClientDisconnect:
            return
        except RequestError as error:
            response = _error_response(OperationResponse.from_request_error(error), media_types)
        if scope["method"] != "POST":
            response.headers.update(NO_STORE)
        await response(scope, receive, send)

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> RequestContext:
        """The context of a WebSocket. Raises :class:`Unauthenticated` for a token that is not valid."""
        context = await request_context(request, request.headers.get("authorization", ""))
        if context.token_error:
            raise Unauthenticated(context.token_error)
        return context

    async def on_ws_connect(self, context: RequestContext) -> UnsetType | dict[str, object] | None:
        """Sign in with the token in the connection's parameters: browsers cannot set headers on a WebSocket."""
        assert isinstance(context, WebSocketContext)
        parameters = context.connection_params or {}
        authorization = {name.lower(): value for name, value in parameters.items()}.get("authorization")
        token = bearer_token(authorization if isinstance(authorization, str) else "")
        if token:
            try:
                viewer = await context.services.authentication.by_bearer_token(token)
                bind_log_context(account_id=viewer.account_id)
                context.sign_in(viewer)
            except Unauthenticated as error:
                raise ConnectionRejectionError from error
        return NO_PAYLOAD

    async def create_websocket_response(self, request: WebSocket, subprotocol: str | None) -> WebSocket:
        """Accept a WebSocket, and count it until its connection has ended.

        Raises :class:`TooManyConnections`, but only after it is accepted: for a failed handshake, browsers and
        graphql-ws report an error without its reason.
        """
        limit_memory(request.scope, self._memory.request(address_of(request)))
        websocket = await super().create_websocket_response(request, subprotocol)
        on_connection_lost(request.scope, self._connections.acquire(address_of(request)))
        return websocket

    def is_websocket_origin_allowed(self, request: WebSocket, origin: str) -> bool:
        """Whether a page of this origin may open a WebSocket. An origin that is refused is logged."""
        is_allowed = super().is_websocket_origin_allowed(request, origin)
        if not is_allowed:
            self._refused_origins.add(origin)
        return is_allowed

    def decode_json(self, data: str | bytes) -> object:
        """Parse JSON. Raises JSONDecodeError for any invalid text."""
        return parse_json(data)

    def encode_json(self, data: object) -> str | bytes:
        """JSON on one line."""
        return encode_json(data)

    async def _respond(self, request: Request, headers: RequestHeaders, media_types: Sequence[str]) -> Response:
        if request.method not in ALLOWED_OPERATIONS:
            raise RequestError(405, "GraphQL accepts GET, HEAD and POST.", headers={"Allow": "GET, HEAD, POST"})
        context = await request_context(request, headers.authorization)
        if request.method == "POST":
            operations = await from_body(headers, request.receive, self._memory.request(address_of(request)))
        else:
            operations = from_query_string(request.scope["query_string"])
            if operations is EMPTY_REQUEST and HTML in media_types:
                return graphiql()
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
            return response.refused(Unauthenticated.status, CHALLENGE)
        return response

    async def _stream(self, request: Request, operation: GraphQLRequest, context: RequestContext) -> Response:
        if request.method == "HEAD":
            return empty_stream()
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

    async def _serve_websocket(self, websocket: WebSocket) -> None:
        try:
            opened = await self.get_context(websocket, websocket)
        except Unauthenticated:
            await websocket.close(UNAUTHORIZED)
            return
        context = WebSocketContext(
            opened.services,
            opened.address,
            opened.base_url,
            user_agent=opened.user_agent,
            websocket=websocket,
            admissions=deque(maxlen=1),
        )
        if opened.authenticated:
            context.sign_in(opened.authenticated)
        try:
            await self.run(websocket, context=context)
        except TooManyConnections as error:
            await websocket.close(TRY_AGAIN_LATER, str(error))
        finally:
            context.cancel_expiry()


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
