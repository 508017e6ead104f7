"""graphql-transport-ws: validates the messages of a connection, and closes it when it is idle or its token expires.

Strawberry expects that every message has the types of the protocol. Any other message would cause a traceback, and end
the connection without a close code.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

from graphql import GraphQLError
from starlette.websockets import WebSocket, WebSocketState
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.exceptions import MissingQueryError
from strawberry.http.async_base_view import AsyncBaseHTTPView
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler, Operation
from strawberry.subscriptions.protocols.graphql_transport_ws.types import Message, SubscribeMessage

from resolvers.context import RequestContext
from schema.execution.errors import FAULT, fault_extensions
from schema.execution.persisted_documents import named_in, names_a_document
from services.accounts.tokens import Viewer
from services.core.clock import host_now
from services.core.errors import ErrorCode
from services.core.log_context import bind_log_context, new_request_id

logger = logging.getLogger("cloudkeep.graphql")

#: The time after which a connection without an operation is closed. By then most tokens have expired, so that clients
#: have to reconnect anyway.
IDLE_SECONDS = 15 * 60.0
#: Upon this code, graphql-ws reconnects with its next operation, or at once if it has just sent one.
IDLE = 1000
#: The protocol's code for too many requests. Clients do not retry.
TOO_MANY_REQUESTS = 4429
#: Upon this code, graphql-ws reconnects up to five times, with growing pauses, before it reports an error.
TRY_AGAIN_LATER = 1013
FORBIDDEN = 4403
#: This code replaces the 4403 with which Strawberry refuses a token: upon 4403, graphql-ws would retry for most of a
#: minute; upon this code, it reports an error at once.
UNAUTHORIZED = 4401

#: The limit of a close frame (RFC 6455, sections 5.5 and 5.5.1), in bytes of UTF-8.
MAX_REASON_BYTES = 123


@dataclass
class WebSocketContext(RequestContext):
    """The context of a connection, which is closed when its token expires or its session ends."""

    websocket: WebSocket = field(kw_only=True)
    _expiry: asyncio.TimerHandle | None = None
    _stop_watching: Callable[[], None] | None = None
    _closing: asyncio.Task[None] | None = None

    @property
    def ends_subscriptions(self) -> bool:
        """No: the connection is closed instead, after which clients reconnect. They do not retry upon an error."""
        return False

    def sign_in(self, viewer: Viewer) -> None:
        """Sign the viewer in, and close the connection when the token expires or the session ends."""
        self.sign_out()
        super().sign_in(viewer)
        ended = partial(self.close, UNAUTHORIZED, "The session has ended")
        self._stop_watching = self.services.accounts.authentication.watch(viewer, ended)
        if viewer.expires_at is None:
            return
        seconds = (viewer.expires_at - host_now()).total_seconds()
        expired = partial(self.close, FORBIDDEN, "The access token has expired")
        self._expiry = asyncio.get_running_loop().call_later(seconds, expired)

    def close(self, code: int, reason: str) -> None:
        """Close the connection in the background, unless it is closed or being closed already."""
        if self.websocket.application_state is WebSocketState.CONNECTED and not self._closing:
            self._closing = asyncio.ensure_future(self.websocket.close(code, reason))

    def sign_out(self) -> None:
        """Sign the viewer out, with whose credentials the connection no longer ends."""
        self.authenticated = None
        if self._expiry:
            self._expiry.cancel()
        if self._stop_watching:
            self._stop_watching()


class OrderlyAdapter(ASGIWebSocketAdapter):
    """Sends one message at a time, so that only one of them is encoded while a slow client reads."""

    def __init__(self, view: AsyncBaseHTTPView[Any, Any, Any, Any, Any, Any, Any], request: Any, response: Any) -> None:
        super().__init__(view, request, response)
        self._sending = asyncio.Lock()

    async def close(self, code: int, reason: str) -> None:
        """Close the connection. The code for a refused token is replaced by one that clients understand."""
        if code == FORBIDDEN:
            code, reason = UNAUTHORIZED, "The access token is invalid or has expired"
        await super().close(code, reason.encode(errors="replace")[:MAX_REASON_BYTES].decode(errors="ignore"))

    async def send_json(self, message: Mapping[str, object]) -> None:
        """Send a message after those before it. Raises :class:`WebSocketDisconnected`."""
        async with self._sending:
            await super().send_json(message)


class ValidatingHandler(BaseGraphQLTransportWSHandler[RequestContext, None]):
    """Validates messages, closes the connection as the protocol requires, and gives every refusal a code."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        #: The extensions of operations that are about to start, by the operation's ID; Strawberry drops them.
        self._extensions: dict[str, dict[str, Any] | None] = {}
        #: The timer that runs while there is no operation.
        self._idle_timer: asyncio.TimerHandle | None = None

    def on_request_accepted(self) -> None:
        """Start the timers for the first message and for the first operation."""
        super().on_request_accepted()
        self._update_idle_timer()

    async def shutdown(self) -> None:
        """End every operation, and stop the idle timer."""
        try:
            await super().shutdown()
        finally:
            self._update_idle_timer(is_closed=True)

    async def handle_message(self, message: Message) -> None:
        """Handle a valid message. Close the connection with 4400 upon an invalid one."""
        if _is_message(message):
            await super().handle_message(message)
        else:
            await self.handle_invalid_message("Failed to parse message")

    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        """Start an operation. Close the connection with 4429 if it has too many open operations."""
        limit = self.max_subscriptions_per_connection
        is_handled_by_strawberry = not self.connection_acknowledged or message["id"] in self.operations
        if limit is not None and len(self.operations) >= limit and not is_handled_by_strawberry:
            await self.websocket.close(TOO_MANY_REQUESTS, f"At most {limit} operations may be open on a connection")
            return
        self._extensions[message["id"]] = named_in(message["payload"])
        message["payload"]["query"] = message["payload"].get("query") or ""
        await super().handle_subscribe(message)
        self._update_idle_timer()

    def forget_id(self, operation_id: str) -> None:
        """Forget an operation that is complete."""
        super().forget_id(operation_id)
        self._update_idle_timer()

    async def cleanup_operation(self, operation_id: str) -> None:
        """End an operation, even if it has not started yet."""
        self._extensions.pop(operation_id, None)
        await super().cleanup_operation(operation_id)
        self._update_idle_timer()

    async def run_operation(self, operation: Operation[RequestContext, None]) -> None:
        """Run an operation. An internal error is reported to the client, which Strawberry does not do."""
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
        except WebSocketDisconnected:
            logger.debug("the client of an operation has gone")
        except Exception:
            logger.exception("fault in an operation of a WebSocket")
            await operation.send_initial_errors([GraphQLError(FAULT, extensions=fault_extensions())])

    def _update_idle_timer(self, *, is_closed: bool = False) -> None:
        if self._idle_timer:
            self._idle_timer.cancel()
            self._idle_timer = None
        if not self.operations and not is_closed:
            close = partial(cast(WebSocketContext, self.context).close, IDLE, "No operation for 15 minutes")
            self._idle_timer = asyncio.get_running_loop().call_later(IDLE_SECONDS, close)

    @staticmethod
    def _get_pre_execution_close_reason(error: GraphQLError) -> str | None:
        """None, which keeps the connection open: an invalid document concerns only one operation."""
        return None


_NO_DOCUMENT = GraphQLError("The request has no document.", extensions={"code": ErrorCode.GRAPHQL_INVALID.value})


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
