"""uvicorn's WebSocket protocol, which reports when a connection is gone, and limits every wait for a client.

An app is done with a connection before it is gone: after we close it, we wait for the client to close it too, which
need not happen. What this relies on in uvicorn: ``close_timeout``, and that ``handle_connect`` makes the scope of an
app that runs after it.
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
_CONNECTION_LOST = "cloudkeep.connection_lost"


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """Pass it to uvicorn as ``ws=``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.close_timeout = CLOSE_SECONDS
        self._connection_lost: asyncio.Future[None] = self.loop.create_future()

    def handle_connect(self, event: Request) -> None:
        """Start the app, if the handshake is valid."""
        super().handle_connect(event)
        if not self.handshake_complete:
            cast(dict[str, Any], self.scope["extensions"])[_CONNECTION_LOST] = self._connection_lost

    def connection_lost(self, exc: Exception | None) -> None:
        """Run the callbacks of :func:`on_connection_lost`."""
        super().connection_lost(exc)
        self._connection_lost.set_result(None)


def on_connection_lost(scope: Scope, callback: Callable[[], None]) -> None:
    """Call once the connection is gone, however it ended; soon, if it is already."""
    connection_lost: asyncio.Future[None] = scope["extensions"][_CONNECTION_LOST]
    connection_lost.add_done_callback(lambda _: callback())
