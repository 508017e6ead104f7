"""uvicorn's WebSocket protocol, which reports the end of a connection, and limits what it takes from a client.

A connection ends later than its app: after the server has closed it, the server waits for the client to close it too,
which may never happen. What this relies on in uvicorn: ``close_timeout``; that ``handle_connect`` makes the scope
before the app runs; that ``handle_parser_exception`` closes the connection; ``conn``, ``frames``, ``close_sent``,
``close_timer``, ``writable``, ``handshake_initiated`` and ``handshake_complete``.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from starlette.types import Message, Scope
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode
from websockets.http11 import Request

from cloudkeep.server.client_transport import ClientTransport
from cloudkeep.server.refusals import Reason, malformed
from cloudkeep.server.websocket_frames import FrameCounter, TooManyFrames
from services.budgets.request_memory import IncompleteRequest, TooMuchMemory

#: For a client to agree to a close. Without any wait a client that is just sending could lose the close and its reason.
CLOSE_SECONDS = 2.0
#: For the app to accept a handshake, which it does without waiting for anything.
HANDSHAKE_SECONDS = 10.0
#: The key in the scope's ``extensions`` of a future that is done when the connection has ended.
_CONNECTION_LOST = "cloudkeep.connection_lost"
#: The key of a :class:`_Memory`.
_MEMORY = "cloudkeep.memory"


@dataclass
class _Memory:
    """Where a message that is not complete is counted. The scope has this and not the protocol, which has the scope."""

    incomplete: IncompleteRequest | None = None


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """Pass it to uvicorn as ``ws=``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.close_timeout = CLOSE_SECONDS
        self._connection_lost: asyncio.Future[None] = self.loop.create_future()
        self._frames = FrameCounter(self.loop.time())
        #: Whether the connection has failed, so that whatever still arrives is dropped.
        self._has_failed = False
        self._refused: Counter[str] = Counter()
        self._release: Callable[[], None] | None = None
        self._memory = _Memory()
        self._handshake_timer = self.loop.call_later(HANDSHAKE_SECONDS, self._end_handshake)

    def adopt(self, refused: Counter[str], release: Callable[[], None] | None) -> None:
        """Count refusals in ``refused``, and call ``release`` when the connection has ended."""
        self._refused = refused
        self._release = release
        if self._has_failed:
            refused[Reason.HANDSHAKE] += 1

    def handle_connect(self, event: Request) -> None:
        """Start the app, if the handshake is valid. Nothing more is read before the app has accepted it."""
        super().handle_connect(event)
        if not self.handshake_complete:
            extensions = cast(dict[str, Any], self.scope["extensions"])
            extensions |= {_CONNECTION_LOST: self._connection_lost, _MEMORY: self._memory}
            self.transport.pause_reading()

    def data_received(self, data: bytes) -> None:
        """Count the frames, and parse them."""
        if self._has_failed:
            return
        try:
            if self.handshake_initiated:
                self._frames.count(data, self.loop.time())
        except TooManyFrames as error:
            self._fail(CloseCode.POLICY_VIOLATION, str(error), Reason.FRAMES)
            return
        super().data_received(data)
        if not self.handshake_initiated:
            self._refuse_handshake()
        self._count_memory()

    async def send(self, message: Message) -> None:  # type: ignore[override]
        """Send a message of the app. Raises :class:`OSError` once the connection has failed."""
        if self._has_failed:
            raise ClientDisconnected
        await super().send(message)  # type: ignore[arg-type]
        if message["type"] == "websocket.accept":
            self._handshake_timer.cancel()
            self.transport.resume_reading()

    def handle_ping(self) -> None:
        """Send a pong, unless the client reads nothing, so that pongs do not fill the memory."""
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()

    def send_receive_event_to_app(self) -> None:
        """Pass a message on, or close with 1007 if a text is not UTF-8; uvicorn would log a traceback."""
        if self._has_failed:
            return
        if self.curr_msg_data_type == "text":
            self.frames = [b"".join(self.frames)]
            try:
                self.frames[0].decode()
            except UnicodeDecodeError:
                self._fail(CloseCode.INVALID_DATA, "A text message must be UTF-8", Reason.WEBSOCKET)
                return
        super().send_receive_event_to_app()

    def handle_parser_exception(self) -> None:
        """Close the connection, whose client has broken the protocol."""
        self._close_failed(Reason.WEBSOCKET)

    def shutdown(self) -> None:
        """Close the connection because the server stops, unless it closes already.

        The server calls this twice, and the library raises an error for a second close frame, which would end the stop.
        """
        if not self.transport.is_closing():
            super().shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        """Run the callbacks of :func:`on_connection_lost`, and leave no reference cycle for the garbage collector."""
        super().connection_lost(exc)
        self._handshake_timer.cancel()
        if self._release:
            self._release()
        if self._memory.incomplete:
            self._memory.incomplete.close()
        self._connection_lost.set_result(None)
        self.conn.parser.close()
        if isinstance(self.transport, ClientTransport):
            self.transport.forget_protocol()

    def _count_memory(self) -> None:
        """Count the bytes of the message that is not complete, and close with 1013 if they are too many."""
        incomplete = self._memory.incomplete
        if not incomplete or self._has_failed or self.transport.is_closing():
            return
        try:
            incomplete.resize(len(self.conn.reader.buffer) + sum(map(len, self.frames)))
        except TooMuchMemory as error:
            self._fail(CloseCode.TRY_AGAIN_LATER, str(error), Reason.WEBSOCKET)

    def _fail(self, code: CloseCode, text: str, reason: Reason) -> None:
        self.conn.fail(code, text)
        self._close_failed(reason)

    def _close_failed(self, reason: Reason) -> None:
        """Send the close frame, tell the app, and wait for the client to close the connection."""
        self._has_failed = True
        self._refused[reason] += 1
        self.frames = []
        self.conn.reader.discard()
        if self._memory.incomplete:
            self._memory.incomplete.close()
        close = self.conn.close_sent
        assert close
        self.queue.put_nowait({"type": "websocket.disconnect", "code": close.code, "reason": close.reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self._wait_for_close()

    def _wait_for_close(self) -> None:
        """Send no more, and drop what still arrives, for ``close_timeout`` seconds or until the client has closed."""
        self.stop_keepalive()
        if self.transport.is_closing() or not self.transport.can_write_eof():
            self.transport.close()
            return
        self.transport.write_eof()
        self.transport.resume_reading()
        if self.close_timer is None:
            self.close_timer = self.loop.call_later(self.close_timeout, self.transport.close)

    def _refuse_handshake(self) -> None:
        """Send the library's response to a handshake that it could not parse, or our own."""
        self._has_failed = self.handshake_complete = self.close_sent = True
        response = b"".join(self.conn.data_to_send())
        self.transport.write(response or malformed("The handshake of a WebSocket is not valid.").response())
        self._wait_for_close()

    def _end_handshake(self) -> None:
        if not self.handshake_complete:
            self._refused[Reason.HANDSHAKE] += 1
            self.transport.close()


def limit_memory(scope: Scope, incomplete: IncompleteRequest) -> None:
    """Count the bytes of messages that are not complete in ``incomplete``, from now to the end of the connection."""
    scope["extensions"][_MEMORY].incomplete = incomplete


def on_connection_lost(scope: Scope, callback: Callable[[], None]) -> None:
    """Call ``callback`` once when the connection ends for any reason, or soon if it has ended already."""
    connection_lost: asyncio.Future[None] = scope["extensions"][_CONNECTION_LOST]
    connection_lost.add_done_callback(lambda _: callback())
