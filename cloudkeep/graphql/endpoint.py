"""The GraphQL endpoint: POST, GET, GraphiQL, graphql-transport-ws and Server-Sent Events on one path.

Requests and answers are our own, to the letter of GraphQL over HTTP; WebSockets and event streams are Strawberry's.
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

from cloudkeep.graphql.event_stream import event_stream, single_event
from cloudkeep.graphql.graphiql import graphiql
from cloudkeep.graphql.media_types import ANSWERS, EVENTS, HTML, JSON, accepted
from cloudkeep.graphql.request import NOTHING, Asked, Fields, Refusal, asked_by_url, parsed, posted
from cloudkeep.graphql.response import NO_QUERY, Answer, encoded, fault, response_of, response_of_batch
from cloudkeep.graphql.websocket import (
    TRY_AGAIN_LATER,
    UNAUTHORIZED,
    PatientAdapter,
    SocketContext,
    StrictHandler,
)
from cloudkeep.server.bounded_websocket import on_connection_lost
from endpoints.state import address_of, services_of
from resolvers.context import Admission, RequestContext
from services.accounts.errors import Unauthenticated
from services.budgets.connections import Connections, TooManyConnections
from services.core.context import note

logger = logging.getLogger("cloudkeep.graphql")

SUBSCRIPTIONS_PER_CONNECTION = 50
CONNECTION_INIT_TIMEOUT = timedelta(seconds=10)

BEARER = "bearer "
#: RFC 6750, section 3: a token came, and does not hold.
CHALLENGE = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
#: Strawberry's way to acknowledge a connection without saying anything more; typed as Any there.
NO_PAYLOAD: UnsetType = UNSET

#: What each method may run, answered once or as a stream. A GET changes nothing, so that a link cannot either.
ALLOWED = {
    "GET": frozenset({OperationType.QUERY}),
    "POST": frozenset({OperationType.QUERY, OperationType.MUTATION}),
}
STREAMED = {method: allowed | {OperationType.SUBSCRIPTION} for method, allowed in ALLOWED.items()}
#: An answer to a GET is of a moment and for one person.
UNSTORED = {"Cache-Control": "no-store", "Vary": "Accept, Authorization"}


class GraphQLEndpoint(GraphQL[RequestContext, None]):
    """An ASGI app with our context, our errors and our limits.

    Pages of ``origins`` may open a WebSocket, as those of our own origin may; ``*`` is every page. ``connections`` says
    how many WebSockets an address may have.
    """

    websocket_adapter_class = PatientAdapter
    graphql_transport_ws_handler_class = StrictHandler

    def __init__(self, schema: BaseSchema, connections: Connections, origins: Sequence[str] = ()) -> None:
        super().__init__(
            schema,
            allowed_origins=origins,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,),
            connection_init_wait_timeout=CONNECTION_INIT_TIMEOUT,
            max_subscriptions_per_connection=SUBSCRIPTIONS_PER_CONNECTION,
        )
        self._connections = connections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or a WebSocket until its token expires."""
        if scope["type"] == "websocket":
            await self._serve_websocket(WebSocket(scope, receive, send))
            return
        fields = Fields.of(scope)
        media_types = accepted(fields.accept)
        try:
            response = await self._respond(Request(scope, receive), fields, media_types)
        except ClientDisconnect:
            return
        except Refusal as refusal:
            response = _refused(Answer.refused(refusal), media_types)
        except Unauthenticated as error:
            response = _refused(Answer.of_error(error, CHALLENGE), media_types)
        if scope["method"] == "GET":
            response.headers.update(UNSTORED)
        await response(scope, receive, send)

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> RequestContext:
        """The context of a WebSocket. Raises :class:`Unauthenticated` on a token that does not hold."""
        return self._context(request, request.headers.get("authorization", ""))

    async def on_ws_connect(self, context: RequestContext) -> UnsetType | dict[str, object] | None:
        """Take the token from the connection's parameters, where browsers can put it."""
        assert isinstance(context, SocketContext)
        parameters = context.connection_params or {}
        given = {name.lower(): value for name, value in parameters.items()}.get("authorization")
        token = _bearer(given if isinstance(given, str) else "")
        if token:
            try:
                viewer = context.services.accounts.authenticate(token)
                note(account_id=viewer.account_id)
                context.sign_in(viewer)
            except Unauthenticated as error:
                raise ConnectionRejectionError from error
        return NO_PAYLOAD

    async def create_websocket_response(self, request: WebSocket, subprotocol: str | None) -> WebSocket:
        """Accept a WebSocket, and count it for as long as it is there.

        Raises :class:`TooManyConnections` for one that has been accepted: of a handshake that fails, whatever its
        status, browsers and graphql-ws say nothing but that there was an error.
        """
        accepted = await super().create_websocket_response(request, subprotocol)
        on_connection_lost(request.scope, self._connections.take(address_of(request)))
        return accepted

    def decode_json(self, data: str | bytes) -> object:
        """JSON, or a ``JSONDecodeError`` whatever is wrong with it."""
        return parsed(data)

    def encode_json(self, data: object) -> str | bytes:
        """JSON on one line."""
        return encoded(data)

    async def _respond(self, request: Request, fields: Fields, media_types: Sequence[str]) -> Response:
        if request.method not in ALLOWED:
            raise Refusal(405, "GraphQL is asked by GET or POST.", headers={"Allow": "GET, POST"})
        context = self._context(request, fields.authorization)
        if request.method == "POST":
            asked = await posted(fields, request.receive)
        else:
            asked = asked_by_url(request.scope["query_string"])
            if asked is NOTHING and HTML in media_types:
                return graphiql()
        if isinstance(asked, list):
            return await self._respond_to_batch(asked, context, media_types)
        return await self._respond_to_one(request, asked, context, media_types)

    async def _respond_to_one(
        self, request: Request, asked: Asked, context: RequestContext, media_types: Sequence[str]
    ) -> Response:
        media_type = _chosen(media_types, (*ANSWERS, EVENTS))
        if media_type == EVENTS:
            return await self._stream(request, asked, context)
        answer = await self._answer(asked, context, request.method)
        if answer.needs_stream and EVENTS in media_types:
            return await self._stream(request, asked, context)
        return response_of(answer, media_type, _last(context))

    async def _respond_to_batch(
        self, asked: list[Asked], context: RequestContext, media_types: Sequence[str]
    ) -> Response:
        """One after another: mutations in their order, and no request takes more of the process than another."""
        media_type = _chosen(media_types, ANSWERS)
        answers = [await self._answer(one, context, "POST") for one in asked]
        return response_of_batch(answers, media_type, context.admissions)

    async def _answer(self, asked: Asked, context: RequestContext, method: str) -> Answer:
        try:
            result = await self.schema.execute(
                asked.query,
                variable_values=asked.variables,
                context_value=context,
                operation_name=asked.operation_name,
                allowed_operation_types=ALLOWED[method],
                operation_extensions=asked.extensions,
            )
        except MissingQueryError:
            return Answer.refused(NO_QUERY)
        except Exception:
            # The other operations of a batch have been run, or will be, and their answers must not get lost.
            logger.exception("fault in an operation")
            return fault()
        return Answer.of(result)

    async def _stream(self, request: Request, asked: Asked, context: RequestContext) -> Response:
        try:
            results = await self.schema.stream(
                asked.query,
                variable_values=asked.variables,
                context_value=context,
                operation_name=asked.operation_name,
                allowed_operation_types=STREAMED[request.method],
                operation_extensions=asked.extensions,
            )
        except MissingQueryError:
            return single_event(Answer.refused(NO_QUERY))
        except Exception:
            logger.exception("fault in an operation")
            return single_event(fault())
        return event_stream(results, _last(context))

    def _context(self, connection: Request | WebSocket, authorization: str) -> RequestContext:
        services = services_of(connection)
        token = _bearer(authorization)
        viewer = services.accounts.authenticate(token) if token else None
        if viewer:
            note(account_id=viewer.account_id)
        return RequestContext(services, address_of(connection), viewer)

    async def _serve_websocket(self, websocket: WebSocket) -> None:
        try:
            plain = await self.get_context(websocket, websocket)
        except Unauthenticated:
            await websocket.close(UNAUTHORIZED)
            return
        context = SocketContext(plain.services, plain.address, websocket=websocket, admissions=deque(maxlen=1))
        if plain.authenticated:
            context.sign_in(plain.authenticated)
        try:
            await self.run(websocket, context=context)
        except TooManyConnections as error:
            await websocket.close(TRY_AGAIN_LATER, str(error))
        finally:
            context.leave()


def _last(context: RequestContext) -> Admission | None:
    return context.admissions[-1] if context.admissions else None


def _bearer(header: str) -> str:
    """The token of an Authorization header (RFC 6750, section 2.1); empty when there is none."""
    return header[len(BEARER) :].strip() if header[: len(BEARER)].lower() == BEARER else ""


def _chosen(media_types: Sequence[str], offered: Sequence[str]) -> str:
    """What the client wants most of what is offered. Raises :class:`Refusal`."""
    for name in media_types:
        if name in offered:
            return name
    raise Refusal(406, f"The answer is {' or '.join(offered)}.")


def _refused(answer: Answer, media_types: Sequence[str]) -> Response:
    """The answer to a request that was refused as a whole, in a type that its sender reads if there is one."""
    media_type = next((name for name in media_types if name != HTML), JSON)
    return single_event(answer) if media_type == EVENTS else response_of(answer, media_type)
