"""Adds the headers that tell browsers to do no more with a response than is intended (OWASP ASVS 5.0.0, 3.4)."""

from collections.abc import Sequence

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: For responses without a header of their own of that name. None of them is a page, so nothing in them may be loaded,
#: run or framed. Signed URLs must not reach other servers as the ``Referer``.
DEFAULTS = {
    "Content-Security-Policy": "default-src 'none'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
#: For a server with an https address: browsers use no other scheme for a year. Other names of the operator's domain may
#: have servers without TLS, so they are not included.
HSTS = {"Strict-Transport-Security": "max-age=31536000"}


class SecurityHeaders:
    """ASGI middleware: adds the headers that a response lacks. ``public_url`` is the address of the server."""

    def __init__(self, app: ASGIApp, public_url: str) -> None:
        self._app = app
        headers = {**DEFAULTS, **(HSTS if public_url.startswith("https://") else {})}
        self._headers: Sequence[tuple[str, str]] = list(headers.items())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                for name, value in self._headers:
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)
