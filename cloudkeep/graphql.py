"""The GraphQL endpoint: POST, GraphiQL, graphql-transport-ws and Server-Sent Events on one path."""

import asyncio
import json
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from cross_web import AsyncHTTPRequestAdapter, HTTPException
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketState
from strawberry.asgi import ASGIWebSocketAdapter, GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http import GraphQLRequestData
from strawberry.http.async_base_view import AsyncBaseHTTPView
from strawberry.schema import BaseSchema
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL, GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types.unset import UNSET, UnsetType

from cloudkeep.graphql_ws import StrictHandler
from endpoints.state import services_of
from resolvers.context import RequestContext
from services.clock import now
from services.errors import ErrorCode, Unauthenticated
from services.tokens import Viewer

#: The hashes of ten thousand chunks fit in.
MAX_BODY = 1024 * 1024
SUBSCRIPTIONS_PER_CONNECTION = 50
CONNECTION_INIT_TIMEOUT = timedelta(seconds=10)
#: A reader that takes nothing for this long is cut off: uvicorn's own ping would wait for its buffer for ever.
SEND_SECONDS = 10.0
FORBIDDEN = 4403
#: What Strawberry closes with 4403 is always our refusal of a token, and graphql-ws would try that again for most of a
#: minute, in case access is granted after all. This code it reports at once.
UNAUTHORIZED = 4401

#: A closing frame holds no more than this (RFC 6455, sections 5.5 and 5.5.1), in bytes of UTF-8.
LONGEST_REASON = 123

BEARER = "bearer "
#: RFC 6750, section 3: a token came, and does not hold.
CHALLENGE = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
#: Strawberry's way to acknowledge a connection without saying anything more; typed as Any there.
NO_PAYLOAD: UnsetType = UNSET


@dataclass
class SocketContext(RequestContext):
    """The context of a connection, which ends with its token."""

    websocket: WebSocket = field(kw_only=True)
    _expiry: asyncio.TimerHandle | None = None
    _closing: asyncio.Task[None] | None = None

    def sign_in(self, viewer: Viewer) -> None:
        """From now on the connection is the viewer's, until their token expires."""
        self.leave()
        self.authenticated = viewer
        seconds = (viewer.expires_at - now()).total_seconds()
        self._expiry = asyncio.get_running_loop().call_later(seconds, self._expire)

    def leave(self) -> None:
        """The connection has ended by itself."""
        if self._expiry:
            self._expiry.cancel()

    def _expire(self) -> None:
        if self.websocket.application_state is WebSocketState.CONNECTED:
            self._closing = asyncio.ensure_future(self.websocket.close(FORBIDDEN, "The access token has expired"))


class PatientAdapter(ASGIWebSocketAdapter):
    """Gives up a connection whose client stopped reading."""

    def __init__(self, view: AsyncBaseHTTPView[Any, Any, Any, Any, Any, Any, Any], request: Any, response: Any) -> None:
        super().__init__(view, request, response)
        self._connection = asyncio.current_task()

    async def close(self, code: int, reason: str) -> None:
        """Close, and say so in a way that clients understand when it is about the token."""
        if code == FORBIDDEN:
            code, reason = UNAUTHORIZED, "The access token is not valid or has expired"
        await super().close(code, reason.encode()[:LONGEST_REASON].decode(errors="ignore"))

    async def send_json(self, message: Mapping[str, object]) -> None:
        """Send, or end the whole connection after ``SEND_SECONDS``."""
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await super().send_json(message)
        except TimeoutError:
            if self._connection:
                self._connection.cancel()


class GraphQLEndpoint(GraphQL[RequestContext, None]):
    """Strawberry's ASGI app with our context, our errors and our limits.

    Pages of ``origins`` may open a WebSocket, as those of our own origin may; ``*`` is every page.
    """

    websocket_adapter_class = PatientAdapter
    graphql_transport_ws_handler_class = StrictHandler

    def __init__(self, schema: BaseSchema, origins: Sequence[str] = ()) -> None:
        super().__init__(
            schema,
            allowed_origins=origins,
            allow_queries_via_get=False,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL, GRAPHQL_SSE_PROTOCOL),
            connection_init_wait_timeout=CONNECTION_INIT_TIMEOUT,
            max_subscriptions_per_connection=SUBSCRIPTIONS_PER_CONNECTION,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or a WebSocket until its token expires."""
        if scope["type"] == "websocket":
            await self._serve_websocket(WebSocket(scope, receive, send))
            return
        request = Request(scope, _limited(receive))
        try:
            response: Response = await self.run(request)
        except ClientDisconnect:
            return
        except HTTPException as error:
            response = _refusal(error)
        except Unauthenticated as error:
            body = {"errors": [{"message": str(error), "extensions": error.extensions}]}
            response = JSONResponse(body, error.status, CHALLENGE)
        await response(scope, receive, send)

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> RequestContext:
        """The request's context. Raises :class:`Unauthenticated` on a token that does not hold."""
        services = services_of(request)
        token = _bearer(request.headers.get("authorization"))
        viewer = services.accounts.authenticate(token) if token else None
        return RequestContext(services, address_of(request), viewer)

    async def on_ws_connect(self, context: RequestContext) -> UnsetType | dict[str, object] | None:
        """Take the token from the connection's parameters, where browsers can put it."""
        assert isinstance(context, SocketContext)
        parameters = context.connection_params or {}
        given = {name.lower(): value for name, value in parameters.items()}.get("authorization")
        token = _bearer(given if isinstance(given, str) else None)
        if token:
            try:
                context.sign_in(context.services.accounts.authenticate(token))
            except Unauthenticated as error:
                raise ConnectionRejectionError from error
        return NO_PAYLOAD

    async def parse_http_body(self, request: AsyncHTTPRequestAdapter) -> GraphQLRequestData | list[GraphQLRequestData]:
        """The request. What cannot be read is the client's fault, also where the parser of a header gives up."""
        try:
            return await super().parse_http_body(request)
        except ValueError as error:
            raise HTTPException(400, "Unable to parse the request") from error

    def parse_json(self, data: str | bytes) -> Any:
        """A request is an object, or a list of them; anything else would fail much later and as our fault."""
        parsed = super().parse_json(data)
        if not isinstance(parsed, dict | list):
            raise HTTPException(400, "A GraphQL request is a JSON object")
        return parsed

    def decode_json(self, data: str | bytes) -> object:
        """JSON, or a ``JSONDecodeError`` whatever is wrong with it."""
        try:
            return super().decode_json(data)
        except (UnicodeDecodeError, RecursionError) as error:
            raise json.JSONDecodeError("not readable", "", 0) from error

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
        finally:
            context.leave()


def address_of(connection: HTTPConnection) -> str:
    """Where a request comes from."""
    return connection.client.host if connection.client else "local"


def _bearer(header: str | None) -> str | None:
    """The token of an Authorization header (RFC 6750, section 2.1); None when there is none."""
    return header[len(BEARER) :].strip() if header and header.lower().startswith(BEARER) else None


def _limited(receive: Receive) -> Receive:
    """Refuse a body larger than any query needs, while it arrives."""
    seen = 0

    async def limited() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > MAX_BODY:
            raise HTTPException(413, f"A GraphQL request has at most {MAX_BODY} bytes")
        return message

    return limited


def _refusal(error: HTTPException) -> Response:
    code = ErrorCode.REQUEST_TOO_LARGE if error.status_code == 413 else ErrorCode.MALFORMED_REQUEST
    body = {"errors": [{"message": error.reason, "extensions": {"code": code.value}}]}
    headers = {"Allow": "GET, POST"} if error.status_code == 405 else None
    return JSONResponse(body, error.status_code, headers)
