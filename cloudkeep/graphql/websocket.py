"""graphql-transport-ws: one connection, what its client may say, and when it ends.

Strawberry takes every message for what the protocol's types promise; one that is not ends in a traceback of ours and a
connection that breaks without a word.
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
from schema.execution.errors import FAULT, INVALID_REQUEST, fault_extensions
from schema.execution.persisted_documents import named_in, names_a_document
from services.accounts.tokens import Viewer
from services.core.clock import now
from services.core.context import new_request_id, note

logger = logging.getLogger("cloudkeep.graphql")

#: A reader that takes nothing for this long is cut off: uvicorn's own ping would wait for its buffer for ever.
SEND_SECONDS = 10.0
#: So long a connection may be without an operation. After that whoever is signed in has to come again anyway, unless
#: tokens were set to hold for longer.
IDLE_SECONDS = 15 * 60.0
#: Upon this one graphql-ws connects again when there is something to ask, or at once if it has just asked something.
IDLE = 1000
#: The protocol's code for too much at once; clients do not try it again.
TOO_MANY = 4429
#: The one upon which graphql-ws comes again, five times and with growing pauses, before it tells its user.
TRY_AGAIN_LATER = 1013
FORBIDDEN = 4403
#: What Strawberry closes with 4403 is always our refusal of a token, and graphql-ws would try that again for most of a
#: minute, in case access is granted after all. This code it reports at once.
UNAUTHORIZED = 4401

#: A closing frame holds no more than this (RFC 6455, sections 5.5 and 5.5.1), in bytes of UTF-8.
LONGEST_REASON = 123


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
        expired = partial(self.close, FORBIDDEN, "The access token has expired")
        self._expiry = asyncio.get_running_loop().call_later(seconds, expired)

    def close(self, code: int, reason: str) -> None:
        """Close in the background, unless that is done."""
        if self.websocket.application_state is WebSocketState.CONNECTED:
            self._closing = asyncio.ensure_future(self.websocket.close(code, reason))

    def leave(self) -> None:
        """The connection has ended by itself."""
        if self._expiry:
            self._expiry.cancel()


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


class StrictHandler(BaseGraphQLTransportWSHandler[RequestContext, None]):
    """Closes as the protocol wants it, and tells every operation that is refused so, with a code."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        #: Of operations that are about to begin, by their ID; Strawberry drops them.
        self._extensions: dict[str, dict[str, Any] | None] = {}
        #: Runs while there is no operation.
        self._idle: asyncio.TimerHandle | None = None

    def on_request_accepted(self) -> None:
        """Wait for the first message, and for the first operation."""
        super().on_request_accepted()
        self._watch()

    async def shutdown(self) -> None:
        """End every operation, and wait for none any more."""
        try:
            await super().shutdown()
        finally:
            self._watch(over=True)

    async def handle_message(self, message: Message) -> None:
        """Take a message, if it is one; 4400 if it is not."""
        if _is_message(message):
            await super().handle_message(message)
        else:
            await self.handle_invalid_message("Failed to parse message")

    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        """Begin an operation; 4429 when the connection has as many under way as it may have."""
        limit = self.max_subscriptions_per_connection
        known = not self.connection_acknowledged or message["id"] in self.operations
        if limit is not None and len(self.operations) >= limit and not known:
            await self.websocket.close(TOO_MANY, f"At most {limit} operations at once on one connection")
            return
        self._extensions[message["id"]] = named_in(message["payload"])
        message["payload"]["query"] = message["payload"].get("query") or ""
        await super().handle_subscribe(message)
        self._watch()

    def forget_id(self, operation_id: str) -> None:
        """An operation has ended by itself."""
        super().forget_id(operation_id)
        self._watch()

    async def cleanup_operation(self, operation_id: str) -> None:
        """End an operation, which may not have begun yet."""
        self._extensions.pop(operation_id, None)
        await super().cleanup_operation(operation_id)
        self._watch()

    async def run_operation(self, operation: Operation[RequestContext, None]) -> None:
        """Run an operation. A fault of ours is an error, too, and not a silent end."""
        note(request_id=new_request_id())
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

    def _watch(self, *, over: bool = False) -> None:
        if self._idle:
            self._idle.cancel()
            self._idle = None
        if not self.operations and not over:
            idle = partial(cast(SocketContext, self.context).close, IDLE, "There was no operation for 15 minutes")
            self._idle = asyncio.get_running_loop().call_later(IDLE_SECONDS, idle)

    @staticmethod
    def _get_pre_execution_close_reason(error: GraphQLError) -> str | None:
        """A document that is not valid is the mistake of one operation, and does not end the others."""
        return None


_NO_DOCUMENT = GraphQLError("There is no document.", extensions={"code": INVALID_REQUEST})


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
