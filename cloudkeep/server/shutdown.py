"""What the app knows of a process that is about to stop, and the answer to requests that its end cuts off."""

import asyncio
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from endpoints.problems import problem
from services.core.errors import ErrorCode

_HEADERS = {"Retry-After": "1", "Connection": "close"}


@dataclass
class Drain:
    """``begun`` once the process is about to stop: it is not ready any more, and closes connections."""

    begun: bool = False


class ShutdownMiddleware:
    """ASGI middleware: refuses with 503 what is cancelled before it was answered, once ``drain`` has begun."""

    def __init__(self, app: ASGIApp, drain: Drain) -> None:
        self._app = app
        self._drain = drain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except asyncio.CancelledError:
            if begun or not self._drain.begun:
                raise
            refusal = problem(503, ErrorCode.NOT_READY.value, "This process is stopping; send it again.", _HEADERS)
            await refusal(scope, receive, send)
