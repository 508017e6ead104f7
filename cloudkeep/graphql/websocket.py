"""graphql-transport-ws: one connection, the messages that its client may send, and when it ends.

Strawberry expects every message to have the types of the protocol. One that has not would end in a traceback, and in a
connection that breaks without a close code.
"""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

from graphql import GraphQLError
from starlette.websockets import WebSocket, WebSocketState
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.exceptions import MissingQueryError
from strawberry.http.async_base_view import AsyncBaseHTTPView
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler, Operation
from strawberry.subscriptions.protocols.graphql_transport_ws.types import Message, SubscribeMessage

from resolvers.context import RequestContext
from schema.execution.errors import FAULT, fault_extensions
from schema.execution.persisted_documents import named_in, names_a_document
from services.accounts.tokens import Viewer
from services.core.clock import now
from services.core.errors import ErrorCode
from services.core.log_context import bind_log_context, new_request_id

logger = logging.getLogger("cloudkeep.graphql")

#: A client that reads nothing for this long is disconnected: uvicorn's own ping would wait for its buffer for ever.
SEND_SECONDS = 10.0
#: For how long a connection may be without an operation. By then most tokens have expired, so that signed-in clients
#: have to reconnect anyway.
IDLE_SECONDS = 15 * 60.0
#: Upon this code graphql-ws reconnects with its next operation, or at once if it has just sent one.
IDLE = 1000
#: The protocol's code for too many requests; clients do not retry.
TOO_MANY_REQUESTS = 4429
#: Upon this code graphql-ws reconnects five times, with growing pauses, before it reports an error.
TRY_AGAIN_LATER = 1013
FORBIDDEN = 4403
#: Strawberry closes with 4403 only when we refuse a token, and graphql-ws would retry that for most of a minute, in
#: case access is granted after all. It reports this code at once.
UNAUTHORIZED = 4401

#: The limit of a close frame (RFC 6455, sections 5.5 and 5.5.1), in bytes of UTF-8.
MAX_REASON_BYTES = 123


@dataclass
class WebSocketContext(RequestContext):
    """The context of a connection, which is closed when its token expires."""

    websocket: WebSocket = field(kw_only=True)
    _expiry: asyncio.TimerHandle | None = None
    _closing: asyncio.Task[None] | None = None

    @property
    def subscriptions_end_at(self) -> None:
        """Never: the connection is closed instead, upon which clients reconnect. An error would end them for good."""

    def sign_in(self, viewer: Viewer) -> None:
        """Make this the viewer's connection, until their token expires."""
        self.cancel_expiry()
        self.authenticated = viewer
        seconds = (viewer.expires_at - now()).total_seconds()
        expired = partial(self.close, FORBIDDEN, "The access token has expired")
        self._expiry = asyncio.get_running_loop().call_later(seconds, expired)

    def close(self, code: int, reason: str) -> None:
        """Close the connection in the background, unless it is closed."""
        if self.websocket.application_state is WebSocketState.CONNECTED:
            self._closing = asyncio.ensure_future(self.websocket.close(code, reason))

    def cancel_expiry(self) -> None:
        """Do not close the connection when its token expires."""
        if self._expiry:
            self._expiry.cancel()


class SendTimeoutAdapter(ASGIWebSocketAdapter):
    """Ends a connection whose client has stopped reading."""

    def __init__(self, view: AsyncBaseHTTPView[Any, Any, Any, Any, Any, Any, Any], request: Any, response: Any) -> None:
        super().__init__(view, request, response)
        self._connection = asyncio.current_task()

    async def close(self, code: int, reason: str) -> None:
        """Close, with a code that clients understand when the token was refused."""
        if code == FORBIDDEN:
            code, reason = UNAUTHORIZED, "The access token is invalid or has expired"
        await super().close(code, reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore"))

    async def send_json(self, message: Mapping[str, object]) -> None:
        """Send, or end the whole connection after ``SEND_SECONDS``."""
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await super().send_json(message)
        except TimeoutError:
            if self._connection:
                self._connection.cancel()


class ValidatingHandler(BaseGraphQLTransportWSHandler[RequestContext, None]):
    """Validates messages, closes as the protocol requires, and reports every operation that is refused, with a code."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        #: Of operations that are about to start, by their ID; Strawberry drops them.
        self._extensions: dict[str, dict[str, Any] | None] = {}
        #: Runs while there is no operation.
        self._idle_timer: asyncio.TimerHandle | None = None

    def on_request_accepted(self) -> None:
        """Start to wait for the first message, and for the first operation."""
        super().on_request_accepted()
        self._update_idle_timer()

    async def shutdown(self) -> None:
        """End every operation, and stop the idle timer."""
        try:
            await super().shutdown()
        finally:
            self._update_idle_timer(is_closed=True)

    async def handle_message(self, message: Message) -> None:
        """Handle a message if it is valid, or else close with 4400."""
        if _is_message(message):
            await super().handle_message(message)
        else:
            await self.handle_invalid_message("Failed to parse message")

    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        """Start an operation, or close with 4429 when the connection has as many open as it may have."""
        limit = self.max_subscriptions_per_connection
        is_handled_by_strawberry = not self.connection_acknowledged or message["id"] in self.operations
        if limit is not None and len(self.operations) >= limit and not is_handled_by_strawberry:
            await self.websocket.close(TOO_MANY_REQUESTS, f"At most {limit} operations at once on one connection")
            return
        self._extensions[message["id"]] = named_in(message["payload"])
        message["payload"]["query"] = message["payload"].get("query") or ""
        await super().handle_subscribe(message)
        self._update_idle_timer()

    def forget_id(self, operation_id: str) -> None:
        """Forget an operation that has completed."""
        super().forget_id(operation_id)
        self._update_idle_timer()

    async def cleanup_operation(self, operation_id: str) -> None:
        """End an operation, which may not have started yet."""
        self._extensions.pop(operation_id, None)
        await super().cleanup_operation(operation_id)
        self._update_idle_timer()

    async def run_operation(self, operation: Operation[RequestContext, None]) -> None:
        """Run an operation. An internal error is reported, too, and does not end it silently."""
        bind_log_context(request_id=new_request_id())
        try:
            results = await self.schema.stream(
                operation.query,
                variable_values=operation.variables,
                context_value=self.context,
                operation_name=operation.operation_name,
                operation_extensions=self._extensions.pop(operation.id, None),
            )
            async with aclosing(results):
                await self._send_result_stream(operation, results)
            await operation.send_operation_message({"id": operation.id, "type": "complete"})
        except MissingQueryError:
            await operation.send_initial_errors([_NO_DOCUMENT])
        except Exception:
            logger.exception("fault in an operation of a WebSocket")
            await operation.send_initial_errors([GraphQLError(FAULT, extensions=fault_extensions())])

    def _update_idle_timer(self, *, is_closed: bool = False) -> None:
        if self._idle_timer:
            self._idle_timer.cancel()
            self._idle_timer = None
        if not self.operations and not is_closed:
            close = partial(cast(WebSocketContext, self.context).close, IDLE, "There was no operation for 15 minutes")
            self._idle_timer = asyncio.get_running_loop().call_later(IDLE_SECONDS, close)

    @staticmethod
    def _get_pre_execution_close_reason(error: GraphQLError) -> str | None:
        """Keep the connection open: a document that is not valid concerns one operation alone."""
        return None


_NO_DOCUMENT = GraphQLError("There is no document.", extensions={"code": ErrorCode.GRAPHQL_INVALID.value})


def _is_message(message: object) -> bool:
    if not isinstance(message, dict) or not isinstance(message.get("id", ""), str):
        return False
    return message.get("type") != "subscribe" or _is_request(message.get("payload"))


def _is_request(payload: object) -> bool:
    if not isinstance(payload, dict):
        return False
    request = cast(Mapping[str, object], payload)
    return (
        isinstance(request.get("extensions"), dict | None)
        and isinstance(request.get("query"), str | None)
        and (request.get("query") is not None or names_a_document(named_in(request)))
        and isinstance(request.get("variables"), dict | None)
        and isinstance(request.get("operationName"), str | None)
    )
