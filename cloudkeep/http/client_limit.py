"""Limits the requests that a client has in progress, by the address that trusted proxies name.

:class:`cloudkeep.server.connection_gate.ConnectionGate` limits the connections of a client that connects by itself. A
proxy uses its connections for all of its clients, and sends several requests of one client at once.
"""

from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from cloudkeep.server.connection_gate import RETRY_AFTER
from cloudkeep.server.refusals import Reason
from endpoints.problems import problem
from services.budgets.connections import ConnectionLimiter, TooManyConnections
from services.core.counters import ConnectionCounters
from services.core.errors import ErrorCode

_HEADERS = {"Retry-After": str(RETRY_AFTER), "Connection": "close"}


class ClientLimit:
    """ASGI middleware. One request too many gets 429, and the handshake of a WebSocket does before it is accepted."""

    def __init__(self, app: ASGIApp, requests: ConnectionLimiter, counters: ConnectionCounters) -> None:
        self._app = app
        self._requests = requests
        self._counters = counters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        client = scope.get("client")
        try:
            release = self._requests.acquire(client[0] if client else "")
        except TooManyConnections as error:
            await self._refuse(str(error), scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        finally:
            release()

    async def _refuse(self, message: str, scope: Scope, receive: Receive, send: Send) -> None:
        self._counters.refused[Reason.ADDRESS] += 1
        response = problem(429, ErrorCode.TOO_MANY_CONNECTIONS.value, message, _HEADERS)
        if scope["type"] == "websocket":
            await WebSocket(scope, receive, send).send_denial_response(response)
        else:
            await response(scope, receive, send)
