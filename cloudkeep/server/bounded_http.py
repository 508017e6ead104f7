"""uvicorn's HTTP protocol, with an end to every wait for a client.

uvicorn waits without limit for a head, for a body, and for the rest of a body that was refused already. A client that
is gone without a word would hold its connection for ever, and one that sends without end could do so after any refusal.
What it relies on of uvicorn: ``cycle``, ``connections``, ``timeout_keep_alive_task``.
"""

import asyncio
from enum import Enum, auto

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from cloudkeep.server.listener_drain import is_readable
from cloudkeep.server.shutdown import Drain
from endpoints.routes import streams_body

#: In the scope's ``extensions``, of a response that goes on until somebody ends it.
ENDLESS = "cloudkeep.endless"
#: The largest chunk that any proxy lets through has 95 MiB: a client that sends before it listens can end its body, and
#: then reads why it was refused. More is not taken.
DRAIN_BYTES = 128 * 2**20


class Phase(Enum):
    """What the server is waiting for."""

    HEAD = auto()
    BODY = auto()
    #: The rest of a body whose request has been answered.
    REST = auto()


#: For how many seconds. A body that is not streamed has 1 MiB at most, and lines may be as slow as 2 KiB/s. Who is too
#: slow with the rest of a body has had its answer for as long.
SECONDS = {Phase.HEAD: 30.0, Phase.BODY: 540.0, Phase.REST: 30.0}


class BoundedProtocol(HttpToolsProtocol):
    """A base of what is given to uvicorn as ``http=``."""

    _phase: Phase | None = None
    _timer: asyncio.TimerHandle | None = None
    _drained = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the first head."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        super().connection_lost(exc)
        self._watch()

    def on_headers_complete(self) -> None:
        """Have the last answer say so, where the process is about to stop (RFC 9112, section 9.6)."""
        super().on_headers_complete()
        if self._in_request():
            self.scope["extensions"] = {}
            drain: Drain | None = getattr(self.server_state, "drain", None)
            if drain and drain.begun:
                self.cycle.keep_alive = False

    def end_stream(self) -> None:
        """Cut a stream of events short, so that its client sees that it has not ended; else do nothing."""
        cycle: RequestResponseCycle | None = self.cycle
        if cycle and not cycle.response_complete and ENDLESS in (cycle.scope.get("extensions") or {}):
            self.transport.close()

    def shutdown(self) -> None:
        """See :class:`HttpToolsProtocol`; a stream of events would go on for as long as anybody lets it.

        A request that has begun to arrive is answered, although uvicorn has not seen all of its head.
        """
        self.end_stream()
        if not self._is_spoken_to():
            super().shutdown()

    def _is_spoken_to(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        if self.transport.is_closing() or (cycle and (cycle.more_body or not cycle.response_complete)):
            return False
        begun = self.scope is not (cycle and cycle.scope)
        return begun or is_readable(self.transport.get_extra_info("socket").fileno())

    def data_received(self, data: bytes) -> None:
        """See what comes next."""
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """See what comes next."""
        super().on_response_complete()
        self._watch()

    def on_body(self, body: bytes) -> None:
        """Count what nobody wants."""
        super().on_body(body)
        if self._in_request() and self.cycle.response_complete:
            self._drained += len(body)
            if self._drained > DRAIN_BYTES:
                self._give_up()

    def on_message_complete(self) -> None:
        """uvicorn forgets that a body has ended when its request was answered before."""
        super().on_message_complete()
        if self._in_request():
            self.cycle.more_body = False

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """Answer a streamed body whose sender has closed only its own direction, as it may after the last byte."""
        cycle: RequestResponseCycle | None = self.cycle
        if not cycle or cycle.more_body or cycle.response_complete or not _is_streamed(cycle):
            return None
        cycle.keep_alive = False
        return self.scheme == "http"

    def _watch(self) -> None:
        phase = self._next_phase()
        if phase is self._phase:
            return
        if self._timer:
            self._timer.cancel()
        self._phase = phase
        self._drained = 0
        self._timer = self.loop.call_later(SECONDS[phase], self._give_up) if phase else None

    def _next_phase(self) -> Phase | None:
        if self not in self.connections or self.transport.is_closing():
            return None
        if self.cycle is None:
            return Phase.HEAD
        if self.cycle.response_complete:
            if self.cycle.more_body:
                return Phase.REST
            return None if self.timeout_keep_alive_task else Phase.HEAD
        return Phase.BODY if self.cycle.more_body and not _is_streamed(self.cycle) else None

    def _in_request(self) -> bool:
        """Whether the parser is at a request of ours, and not at one to upgrade, which has no cycle of its own."""
        return getattr(self.cycle, "scope", None) is self.scope

    def _give_up(self) -> None:
        self.transport.close()


def _is_streamed(cycle: RequestResponseCycle) -> bool:
    """Whether the endpoint itself limits how slowly the body may arrive."""
    return streams_body(cycle.scope["method"], cycle.scope["path"])
