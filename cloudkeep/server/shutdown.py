"""Tells the app that its process is about to stop, and responds to the requests that the stop cancels."""

import asyncio
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from endpoints.problems import problem
from services.core.errors import ErrorCode

_HEADERS = {"Retry-After": "1", "Connection": "close"}


@dataclass
class Drain:
    """Whether the process is about to stop. Once ``started``, it is no longer ready, and closes connections."""

    started: bool = False


class ShutdownMiddleware:
    """ASGI middleware: once ``drain`` has started, a request that is cancelled before its response gets 503."""

    def __init__(self, app: ASGIApp, drain: Drain) -> None:
        self._app = app
        self._drain = drain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_response = False

        async def send_noting(message: Message) -> None:
            nonlocal has_response
            has_response = True
            await send(message)

        try:
            await self._app(scope, receive, send_noting)
        except asyncio.CancelledError:
            if has_response or not self._drain.started:
                raise
            response = problem(
                503, ErrorCode.NOT_READY.value, "This process is stopping. Send the request again.", _HEADERS
            )
            await response(scope, receive, send)
