"""uvicorn's HTTP protocol, with a limit on every wait for a client.

uvicorn waits without limit for headers, for a body, and for the rest of a body that was refused. A client that has
disappeared would keep its connection without end, and any client could continue to send after a refusal.
:mod:`cloudkeep.server.request_limits` limits the bytes, and :mod:`cloudkeep.server.connection_gate` the connections.
This module relies on internals of uvicorn: ``cycle``, ``connections``, ``timeout_keep_alive_task``.
"""

import asyncio
import re
from collections.abc import Callable
from enum import Enum, auto
from typing import ClassVar, cast

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from cloudkeep.server.bounded_websocket import BoundedWebSocket
from cloudkeep.server.client_transport import ClientTransport
from cloudkeep.server.connection_gate import RETRY_AFTER, ConnectionGate
from cloudkeep.server.listener_drain import is_readable
from cloudkeep.server.refusals import Reason, RequestRefused
from cloudkeep.server.request_limits import LimitedProtocol
from cloudkeep.server.shutdown import Drain
from endpoints.response_timeouts import ResponseTimeouts
from endpoints.routes import streams_body
from endpoints.state import RESPONSE_TIMEOUTS, SERVICES
from services.budgets.request_memory import FREE_BYTES, IncompleteRequest, TooMuchMemory
from services.core.errors import ErrorCode

#: The key in the scope's ``extensions`` that marks a response that does not end by itself.
ENDLESS_RESPONSE = "cloudkeep.endless_response"
#: The largest chunk has 95 MiB. A client that sends its whole body before it reads the response can finish, and then
#: reads why it was refused. Beyond this limit the connection is closed.
MAX_REFUSED_BYTES = 128 * 2**20


#: A request target in absolute form: its authority, and what follows.
_ABSOLUTE_FORM = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)(.*)", re.DOTALL)


class Phase(Enum):
    """The part of a request that the server is waiting for."""

    HEADERS = auto()
    BODY = auto()
    #: The rest of a body whose request has its response already.
    REFUSED_BODY = auto()


#: The longest wait in each phase, in seconds. A body that is not streamed has at most 1 MiB, and a connection may be as
#: slow as 2 KiB/s.
TIMEOUTS = {Phase.HEADERS: 30.0, Phase.BODY: 540.0, Phase.REFUSED_BODY: 30.0}
#: The longest silence within a body that is not streamed, in seconds, and its lowest average rate, in bytes per second.
BODY_SILENCE = 30.0
BODY_RATE = 1024


class BoundedProtocol(LimitedProtocol):
    """The base of the class that uvicorn gets as ``http=``. It closes connections that exceed ``TIMEOUTS``.

    ``gate`` admits the connections of the process.
    """

    gate: ClassVar[ConnectionGate] = ConnectionGate()
    _phase: Phase | None = None
    _timer: asyncio.TimerHandle | None = None
    #: The moments when the body is too slow and when the phase has taken too long, by the clock of the event loop.
    _body_due = _phase_due = 0.0
    _refused_bytes = 0
    #: Whether a thread has stopped reading a body before its end, of which the parser knows nothing.
    has_unread_body = False
    #: The memory that the connection holds for requests which have not started.
    _incomplete: IncompleteRequest | None = None
    #: Gives back the place of the connection.
    _release: Callable[[], None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start to wait for the first headers, if the connection is admitted."""
        super().connection_made(self._client_transport(transport))  # type: ignore[arg-type]
        try:
            self._release = self.gate.admit(self.client[0] if self.client else None)
        except RequestRefused as refusal:
            self._refuse_connection(refusal)
        self._update_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timer, give back the place, and leave no reference cycle for the garbage collector."""
        super().connection_lost(exc)
        self._update_timer()
        self.cycle = None  # type: ignore[assignment]
        cast(ClientTransport, self.transport).forget_protocol()
        if self._release:
            self._release()
            self._release = None
        if self._incomplete:
            self._incomplete.close()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over as soon as its handshake may start. Nothing more is read before that."""
        self.transport.pause_reading()
        self.gate.handshakes.call(self.client[0] if self.client else "", self._start_websocket)

    def _start_websocket(self) -> None:
        """Hand the connection over, with its place, unless it was closed in the meantime."""
        if self not in self.connections or self.transport.is_closing():
            return
        self.parser = None  # type: ignore[assignment]
        super().handle_websocket_upgrade()
        self._update_timer()
        protocol = self.transport.get_protocol()
        assert isinstance(protocol, BoundedWebSocket)
        # Not before: after an error, this protocol is still the one that learns of the connection's end.
        protocol.adopt(self.gate.counters.refused, self._release)
        self._release = None

    def close_if_idle(self) -> bool:
        """Close the connection, unless a request has just arrived. Returns whether it is closed."""
        if self.transport.is_closing() or is_readable(self.transport.get_extra_info("socket").fileno()):
            return False
        self.transport.close()
        return True

    def on_headers_complete(self) -> None:
        """Announce in the last response that the connection closes, if the process stops (RFC 9112, section 9.6)."""
        self._apply_absolute_form()
        super().on_headers_complete()
        if self._has_own_cycle():
            self.scope["extensions"] = {}
            drain: Drain | None = getattr(self.server_state, "drain", None)
            if drain and drain.started:
                self.cycle.keep_alive = False

    def end_stream(self) -> None:
        """Close the connection if it carries an endless response, so that its client sees that it was cut short."""
        cycle: RequestResponseCycle | None = self.cycle
        if cycle and not cycle.response_complete and ENDLESS_RESPONSE in (cycle.scope.get("extensions") or {}):
            self.transport.close()

    def shutdown(self) -> None:
        """See :class:`HttpToolsProtocol`, which would let an endless response go on.

        A request that has started to arrive gets its response, although uvicorn has not seen all of its headers.
        """
        self.end_stream()
        if isinstance(self.transport, ClientTransport) and self.transport.is_lingering:
            self.transport.abort()
        elif self.is_refused or not self._has_pending_request():
            super().shutdown()

    def data_received(self, data: bytes) -> None:
        """Update the timer for what comes next."""
        super().data_received(data)
        self._count_memory()
        self._update_timer()

    def on_response_complete(self) -> None:
        """Update the timer for what comes next."""
        super().on_response_complete()
        self._count_memory()
        self._update_timer()

    def on_body(self, body: bytes) -> None:
        """Limit how much of a refused body is taken, and how slowly another one may arrive."""
        super().on_body(body)
        if self._phase is Phase.BODY:
            latest = self.loop.time() + BODY_SILENCE
            self._body_due = min(self._body_due + len(body) / BODY_RATE, latest)
        if self._has_own_cycle() and self.cycle.response_complete:
            self._refused_bytes += len(body)
            if self._refused_bytes > MAX_REFUSED_BYTES:
                self._close()

    def on_message_complete(self) -> None:
        """Record the end of a body. uvicorn does not do so when its request has been answered already."""
        super().on_message_complete()
        if self._has_own_cycle():
            self.cycle.more_body = False

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """Answer a streamed body whose sender has closed only its own direction, as it may after the last byte."""
        cycle: RequestResponseCycle | None = self.cycle
        if not cycle or cycle.more_body or cycle.response_complete or not _is_streamed(cycle):
            return None
        cycle.keep_alive = False
        return self.scheme == "http"

    def _count_memory(self) -> None:
        """Count the bytes that the connection holds for requests which have not started, and refuse too many."""
        held = 0 if self.is_refused else self.held_bytes
        if self._incomplete is None:
            if held < FREE_BYTES:
                return
            self._incomplete = self.gate.memory.request(self.client[0] if self.client else "")
        try:
            self._incomplete.resize(held)
        except TooMuchMemory as error:
            self._incomplete.close()
            self._refuse(RequestRefused(429, str(error), Reason.MEMORY, ErrorCode.TOO_MANY_CONNECTIONS, RETRY_AFTER))

    def _refuse_connection(self, refusal: RequestRefused) -> None:
        self.gate.counters.refused[refusal.reason] += 1
        self.is_refused = True
        self._release = self.gate.linger()
        if self._release:
            self.transport.write(refusal.response())
            self.transport.close()
        else:
            self.transport.abort()

    def _refuse(self, refusal: RequestRefused) -> None:
        self.gate.counters.refused[refusal.reason] += 1
        super()._refuse(refusal)

    def _has_pending_request(self) -> bool:
        """Whether a request without a response has started to arrive, even if its bytes are still in the kernel."""
        cycle: RequestResponseCycle | None = self.cycle
        if self.transport.is_closing() or (cycle and (cycle.more_body or not cycle.response_complete)):
            return False
        has_started = self.scope is not (cycle and cycle.scope)
        return has_started or is_readable(self.transport.get_extra_info("socket").fileno())

    def _apply_absolute_form(self) -> None:
        """Have the host in a target such as ``http://host/path`` replace that of Host (RFC 9112, section 3.2.2)."""
        target = _ABSOLUTE_FORM.fullmatch(self.url)
        if target:
            self.headers[:] = [(name, target[1] if name == b"host" else value) for name, value in self.headers]
            self.url = target[2] if target[2].startswith(b"/") else b"/" + target[2]

    def _update_timer(self) -> None:
        self.gate.set_idle(self, self._is_idle())
        phase = self._next_phase()
        if phase is self._phase:
            return
        if self._timer:
            self._timer.cancel()
            self._timer = None
        self._phase = phase
        self._refused_bytes = 0
        if phase:
            seconds = TIMEOUTS[phase]
            self._body_due = self.loop.time() + BODY_SILENCE
            self._phase_due = self.loop.time() + seconds
            self._timer = self.loop.call_later(min(seconds, BODY_SILENCE), self._check_time)

    def _check_time(self) -> None:
        """Close the connection when the time of its phase is over."""
        due = min(self._phase_due, self._body_due) if self._phase is Phase.BODY else self._phase_due
        if self.loop.time() < due:
            self._timer = self.loop.call_at(due, self._check_time)
        else:
            self._close()

    def _is_idle(self) -> bool:
        """Whether the connection waits for a request, or for the rest of its head."""
        cycle: RequestResponseCycle | None = self.cycle
        is_free = not cycle or (cycle.response_complete and not cycle.more_body)
        return is_free and self in self.connections and not self.is_refused

    def _next_phase(self) -> Phase | None:
        if self not in self.connections or self.transport.is_closing():
            return None
        if self.cycle is None:
            return Phase.HEADERS
        if self.cycle.response_complete:
            if self.cycle.more_body:
                return Phase.REFUSED_BODY
            return None if self.timeout_keep_alive_task else Phase.HEADERS
        return Phase.BODY if self.cycle.more_body and not _is_streamed(self.cycle) else None

    def _client_transport(self, transport: asyncio.BaseTransport) -> ClientTransport:
        timeouts = self.app_state.get(RESPONSE_TIMEOUTS, ResponseTimeouts())
        writable = cast(asyncio.Transport, transport)
        return ClientTransport(writable, self._is_refused_while_sending, timeouts, self._count_slow_reader)

    def _count_slow_reader(self) -> None:
        if services := self.app_state.get(SERVICES):
            services.counters.slow_readers += 1

    def _is_refused_while_sending(self) -> bool:
        """Whether the response has been sent before the end of its request, whose rest has not been awaited yet."""
        cycle: RequestResponseCycle | None = self.cycle
        is_sending = bool(cycle and (cycle.more_body or self.has_unread_body) and cycle.response_started)
        return self.is_refused or (is_sending and self._phase is not Phase.REFUSED_BODY)

    def _close(self) -> None:
        self._disconnect()
        self.transport.close()


def _is_streamed(cycle: RequestResponseCycle) -> bool:
    """Whether the endpoint itself limits how slowly the body may arrive."""
    return streams_body(cycle.scope["method"], cycle.scope["path"])
