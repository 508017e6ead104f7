"""What is told of every request: its ID, its place in the numbers, and a line in the log if the operator wants one."""

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloudkeep.telemetry.request_ids import request_id_of
from services.core.context import note
from services.core.counters import Counters
from storage.tracing import add, is_recording, span

#: By the first part of the path. What is not here is ``other``, whatever it is: nobody can make a new number.
PURPOSES = {
    "graphql": "graphql",
    "uploads": "chunk",
    "files": "download",
    "renditions": "download",
    "healthz": "probe",
    "readyz": "probe",
    "metrics": "probe",
}
#: What stands in the log in place of a URL, which may hold a right.
PATTERNS = {
    "": "/",
    "graphql": "/graphql",
    "uploads": "/uploads/{upload_id}/chunks/{index}",
    "files": "/files/{id}/content",
    "renditions": "/renditions/{id}/content",
}

_log = logging.getLogger("cloudkeep.access")


class InstrumentationMiddleware:
    """ASGI middleware around the whole app. ``access_log``: a line at the end of each request, but for probes."""

    def __init__(self, app: ASGIApp, counts: Counters, access_log: bool) -> None:
        self._app = app
        self._counts = counts
        self._access_log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on."""
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
        elif scope["type"] == "websocket":
            note(request_id=request_id_of(scope["headers"]))
            await self._app(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = request_id_of(scope["headers"])
        # Until the task of the request ends: uvicorn logs a fault of ours after we have returned.
        note(request_id=request_id)
        counts, seen = self._counts, _Seen(scope["path"])
        counts.in_flight += 1

        async def watching(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id.encode())]
                seen.status = message["status"]
                counts.requests[seen.purpose, seen.status // 100] += 1
            else:
                seen.bytes += len(message.get("body", b""))
            await send(message)

        try:
            if is_recording():
                await self._traced(scope, receive, watching, seen)
            else:
                await self._app(scope, receive, watching)
        finally:
            counts.in_flight -= 1
            seconds = time.perf_counter() - seen.began
            counts.request_seconds[seen.purpose].add(seconds)
            if self._access_log and seen.purpose != "probe":
                _log.info("request", extra=seen.told(scope["method"], seconds))

    async def _traced(self, scope: Scope, receive: Receive, send: Send, seen: "_Seen") -> None:
        parent = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"traceparent"), None)
        method, route = scope["method"], PATTERNS.get(seen.first, "other")
        told = {"http.request.method": method, "http.route": route}
        with span(f"{method} {route}", told, kind="server", parent=parent):
            await self._app(scope, receive, send)
            add({"http.response.status_code": seen.status})


class _Seen:
    """What is known of a request so far."""

    __slots__ = ("began", "bytes", "first", "purpose", "status")

    def __init__(self, path: str) -> None:
        self.began = time.perf_counter()
        # Not every path begins with a slash: that of OPTIONS may be an asterisk (RFC 9112, section 3.2.4).
        self.first = path.removeprefix("/").partition("/")[0]
        self.purpose = PURPOSES.get(self.first, "other")
        #: 0 as long as there is no answer: of a client that went away, there never is.
        self.status = 0
        self.bytes = 0

    def told(self, method: str, seconds: float) -> dict[str, object]:
        return {
            "method": method,
            "route": PATTERNS.get(self.first, "other"),
            "status": self.status,
            "bytes": self.bytes,
            "seconds": round(seconds, 6),
        }
