"""Records every request: its ID, metrics, trace and, if enabled, its line in the access log."""

import logging
import re
import time
from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from endpoints.routes import Purpose, find_route
from services.core.counters import Counters
from services.core.log_context import bind_log_context, new_request_id
from storage.tracing import add, is_recording, span

#: The route of a request in logs and traces if its path is not in the table of routes.
OTHER = "other"
_REQUEST_ID_HEADER = b"x-request-id"
#: Any other ID could break a line of the log, or fill the log.
_VALID_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")

_log = logging.getLogger("cloudkeep.access")


class InstrumentationMiddleware:
    """ASGI middleware around the whole app. With ``access_log``, it logs each request but probes."""

    def __init__(self, app: ASGIApp, counters: Counters, access_log: bool) -> None:
        self._app = app
        self._counters = counters
        self._access_log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and record it."""
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
        elif scope["type"] == "websocket":
            bind_log_context(request_id=request_id_of(scope["headers"]))
            await self._app(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = request_id_of(scope["headers"])
        # The ID stays bound until the request's task ends: uvicorn logs an internal error after the app has returned.
        bind_log_context(request_id=request_id)
        counters, record = self._counters, _RequestRecord(scope["method"], scope["path"])
        counters.in_flight += 1

        async def send_recorded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (_REQUEST_ID_HEADER, request_id.encode())]
                record.status = message["status"]
                counters.requests[record.purpose, record.status // 100] += 1
            else:
                record.bytes += len(message.get("body", b""))
            await send(message)

        try:
            if is_recording():
                await self._trace(scope, receive, send_recorded, record)
            else:
                await self._app(scope, receive, send_recorded)
        finally:
            counters.in_flight -= 1
            seconds = time.perf_counter() - record.started_at
            counters.request_seconds[record.purpose].add(seconds)
            if self._access_log and record.purpose is not Purpose.PROBE:
                _log.info("request", extra=record.log_fields(seconds))

    async def _trace(self, scope: Scope, receive: Receive, send: Send, record: "_RequestRecord") -> None:
        parent = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"traceparent"), None)
        attributes = {"http.request.method": record.method, "http.route": record.route}
        with span(f"{record.method} {record.route}", attributes, kind="server", parent=parent):
            await self._app(scope, receive, send)
            add({"http.response.status_code": record.status})


def request_id_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The ID that the client or a proxy has given to the request, if it is valid, or else a new one."""
    for name, value in headers:
        if name == _REQUEST_ID_HEADER and _VALID_REQUEST_ID.fullmatch(value):
            return value.decode("ascii")
    return new_request_id()


class _RequestRecord:
    """The facts to record about a request."""

    __slots__ = ("bytes", "method", "purpose", "route", "started_at", "status")

    def __init__(self, method: str, path: str) -> None:
        self.started_at = time.perf_counter()
        self.method = method
        route = find_route(path)
        self.purpose = route.purpose if route else Purpose.OTHER
        self.route = route.log_pattern if route else OTHER
        #: 0 until the response starts. It stays 0 if the client disconnects before.
        self.status = 0
        self.bytes = 0

    def log_fields(self, seconds: float) -> dict[str, object]:
        return {
            "method": self.method,
            "route": self.route,
            "status": self.status,
            "bytes": self.bytes,
            "seconds": round(seconds, 6),
        }
