"""uvicorn's WebSocket protocol, which says when a connection is gone, and waits for no client for long.

An app is through with a connection before it is gone: after a close of ours that of the client is waited for, and need
not come. What it relies on of uvicorn: ``close_timeout``, and that ``handle_connect`` makes the scope of an app that
runs after it.
"""

import asyncio
from collections.abc import Callable
from typing import Any, cast

from starlette.types import Scope
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

#: For a client to agree to a close. Without any wait a client that is just sending could lose the close and its reason.
CLOSE_SECONDS = 2.0
#: In the scope's ``extensions``: a future that is done when the connection is gone.
_GONE = "cloudkeep.gone"


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """Give it to uvicorn as ``ws=``."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.close_timeout = CLOSE_SECONDS
        self._gone: asyncio.Future[None] = self.loop.create_future()

    def handle_connect(self, event: Request) -> None:
        """Begin the app, unless the handshake is none."""
        super().handle_connect(event)
        if not self.handshake_complete:
            cast(dict[str, Any], self.scope["extensions"])[_GONE] = self._gone

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever wants to know."""
        super().connection_lost(exc)
        self._gone.set_result(None)


def when_gone(scope: Scope, call: Callable[[], None]) -> None:
    """Call once the connection is gone, however it ended; soon, if it is already."""
    gone: asyncio.Future[None] = scope["extensions"][_GONE]
    gone.add_done_callback(lambda _: call())
