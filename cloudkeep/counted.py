"""Counts the answers to HTTP requests by what the requests were for."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.counts import Counts

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


class Counted:
    """ASGI middleware around the whole app."""

    def __init__(self, app: ASGIApp, counts: Counts) -> None:
        self._app = app
        self._requests = counts.requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on, and count each answer once it begins."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # Not every path begins with a slash: that of OPTIONS may be an asterisk (RFC 9112, section 3.2.4).
        purpose = PURPOSES.get(scope["path"].removeprefix("/").partition("/")[0], "other")

        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._requests[purpose, message["status"] // 100] += 1
            await send(message)

        await self._app(scope, receive, counting)
