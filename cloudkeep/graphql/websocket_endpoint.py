"""The WebSockets of the GraphQL endpoint: who may open one, and who is signed in on it.

Strawberry runs the protocol.
"""

from collections import deque
from collections.abc import Sequence
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.http.websocket_origin import normalize_origin
from strawberry.schema import BaseSchema
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types.unset import UNSET, UnsetType

from cloudkeep.graphql.authentication import context_of_websocket, sign_in_by_token
from cloudkeep.graphql.request import RequestHeaders, bearer_token, parse_json
from cloudkeep.graphql.response import encode_json
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
from resolvers.context import RequestContext
from services.accounts.errors import Unauthenticated
from services.budgets.connections import ConnectionLimiter, TooManyConnections
from services.budgets.request_memory import RequestMemory
from services.core.errors import TemporarilyUnavailable

SUBSCRIPTIONS_PER_CONNECTION = 50
CONNECTION_INIT_TIMEOUT = timedelta(seconds=10)
#: Strawberry acknowledges a connection without a payload for this value, which it declares as Any.
NO_PAYLOAD: UnsetType = UNSET


class WebSocketEndpoint(GraphQL[RequestContext, None]):
    """Strawberry's ASGI app, with CloudKeep's context and limits for WebSockets.

    Pages of the server's own origin and of ``origins`` may open a WebSocket; ``*`` stands for every origin. Pages
    of the request's own host and of ``public_url`` may also use cookies. ``connections`` limits the WebSockets of an
    address, and ``memory`` its requests that are not complete.
    """

    websocket_adapter_class = OrderlyAdapter
    graphql_transport_ws_handler_class = ValidatingHandler

    def __init__(
        self,
        schema: BaseSchema,
        connections: ConnectionLimiter,
        public_url: str,
        origins: Sequence[str] = (),
        memory: RequestMemory | None = None,
    ) -> None:
        super().__init__(
            schema,
            allowed_origins=(public_url, *origins),
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,),
            connection_init_wait_timeout=CONNECTION_INIT_TIMEOUT,
            max_subscriptions_per_connection=SUBSCRIPTIONS_PER_CONNECTION,
        )
        self.public_origin = normalize_origin(public_url) or ""
        self._connections = connections
        self.memory = memory or RequestMemory()
        self._refused_origins = RefusedOrigins()

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> RequestContext:
        """The context of a WebSocket. Raises :class:`Unauthenticated` for a token that is not valid.

        A cookie that is not valid is only an error without a token in ``connection_init``. Raises
        :class:`TemporarilyUnavailable` if the token cannot be checked at the moment.
        """
        headers = RequestHeaders.of(request.scope)
        context = await context_of_websocket(request, headers, self.public_origin)
        if context.token_error and headers.authorization:
            raise context.token_error
        return context

    async def on_ws_connect(self, context: RequestContext) -> UnsetType | dict[str, object] | None:
        """Sign in with the token in the connection's parameters: browsers cannot set headers on a WebSocket.

        This token takes the place of one in the handshake, and of a cookie.
        """
        assert isinstance(context, WebSocketContext)
        parameters = context.connection_params or {}
        authorization = {name.lower(): value for name, value in parameters.items()}.get("authorization")
        token = bearer_token(authorization if isinstance(authorization, str) else "")
        if token:
            await sign_in_by_token(context, token)
        if isinstance(context.token_error, Unauthenticated):
            raise ConnectionRejectionError
        if context.token_error:
            await context.websocket.close(TRY_AGAIN_LATER, str(context.token_error))
            raise WebSocketDisconnected
        return NO_PAYLOAD

    async def create_websocket_response(self, request: WebSocket, subprotocol: str | None) -> WebSocket:
        """Accept a WebSocket, and count it until its connection has ended.

        Raises :class:`TooManyConnections`, but only after it is accepted: for a failed handshake, browsers and
        graphql-ws report an error without its reason.
        """
        limit_memory(request.scope, self.memory.request(address_of(request)))
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

    async def serve_websocket(self, websocket: WebSocket) -> None:
        """Serve a WebSocket until its token expires."""
        try:
            opened = await self.get_context(websocket, websocket)
        except Unauthenticated:
            await websocket.close(UNAUTHORIZED)
            return
        except TemporarilyUnavailable as error:
            await websocket.close(TRY_AGAIN_LATER, str(error))
            return
        context = WebSocketContext(
            opened.services,
            opened.address,
            opened.base_url,
            token_error=opened.token_error,
            user_agent=opened.user_agent,
            websocket=websocket,
            admissions=deque(maxlen=1),
            cookies=opened.cookies,
        )
        if opened.authenticated:
            context.sign_in(opened.authenticated)
        try:
            await self.run(websocket, context=context)
        except TooManyConnections as error:
            await websocket.close(TRY_AGAIN_LATER, str(error))
        finally:
            context.sign_out()
