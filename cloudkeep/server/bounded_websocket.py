"""uvicorn's WebSocket protocol, which reports the end of a connection, and limits every wait for a client.

A connection ends later than its app: after the server has closed it, the server waits for the client to close it too,
which may never happen. This module relies on two internals of uvicorn: ``close_timeout``, and that ``handle_connect``
makes the scope before the app runs.
"""

import asyncio
from collections.abc import Callable
from typing import Any, cast

from starlette.types import Scope
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

#: For a client to agree to a close. Without any wait a client that is just sending could lose the close and its reason.
CLOSE_SECONDS = 2.0
#: The key in the scope's ``extensions`` of a future that is done when the connection has ended.
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
    """Call ``callback`` once when the connection ends for any reason, or soon if it has ended already."""
    connection_lost: asyncio.Future[None] = scope["extensions"][_CONNECTION_LOST]
    connection_lost.add_done_callback(lambda _: callback())
