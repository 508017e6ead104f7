"""Renders problem documents as HTML pages, for people who follow a link in a browser."""

import base64
import hashlib
import json
from html import escape
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloudkeep.graphql.media_types import HTML, accepted
from endpoints.favicon import SVG
from endpoints.problems import MEDIA_TYPE

_STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 34rem; margin: 18vh auto 4rem; padding: 0 1.5rem; }
svg { width: 3.5rem; height: 3.5rem; }
h1 { font-size: 1.5rem; margin: 1rem 0 .5rem; }
p { margin: 0 0 1.5rem; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; font-size: .875rem; opacity: .75; }
dd { margin: 0; overflow-wrap: anywhere; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    # The URL of the page may be a signed one.
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
#: A part of the page: if the host is not allowed, a request for the icon is refused as well. HTML needs no namespace.
_ICON = SVG.replace(' xmlns="http://www.w3.org/2000/svg"', "").strip()
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} &ndash; CloudKeep</title>
<link rel="icon" href="/favicon.svg" type="image/svg+xml">
<style>{style}</style>
</head>
<body>
<main>
{icon}
<h1>{title}</h1>
<p>{detail}</p>
<dl>{facts}</dl>
</main>
</body>
</html>
"""


class ErrorPages:
    """ASGI middleware that replaces a problem document by an HTML page if the client is a browser that navigates.

    Status and headers do not change. All other clients get the document; ``Vary`` keeps the two apart in caches.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and replace its response if necessary."""
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD"):
            send = _ProblemSender(scope, send)
        await self._app(scope, receive, send)


def prefers_page(accept: str) -> bool:
    """Whether an Accept header prefers HTML, as those of browsers do when they navigate."""
    return MEDIA_TYPE not in accept.lower() and accepted(accept)[:1] == (HTML,)


class _ProblemSender:
    """Passes the messages of a response on. If ``as_page``, it replaces a problem document by a page."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        #: The start of the problem's response, until its body is complete.
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_problem(message):
            MutableHeaders(scope=message).add_vary_header("Accept")
            if prefers_page(Headers(scope=self._scope).get("accept", "")):
                self._start = message
                return
        if self._start is None:
            await self._send(message)
            return
        self._body += message.get("body", b"")
        if not message.get("more_body"):
            await self._send_page(self._start)

    async def _send_page(self, start: Message) -> None:
        page = HTMLResponse(render(json.loads(self._body)), start["status"], _HEADERS)
        headers = MutableHeaders(raw=list(start["headers"]))
        headers.update(page.headers)
        await self._send({**start, "headers": headers.raw})
        await self._send({"type": "http.response.body", "body": page.body})


def _is_problem(start: Message) -> bool:
    return Headers(raw=start["headers"]).get("content-type") == MEDIA_TYPE


def render(problem: dict[str, Any]) -> str:
    """The page of a problem document."""
    facts = {"Status": problem["status"], "Code": problem["code"], "Request": problem.get("requestId")}
    return _PAGE.format(
        title=escape(str(problem["title"])),
        detail=escape(str(problem["detail"])),
        facts="".join(f"<dt>{name}</dt><dd>{escape(str(value))}</dd>" for name, value in facts.items() if value),
        style=_STYLE,
        icon=_ICON,
    )
