"""The server under several origins, and pages of others: by name, by port and by scheme."""

import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import trustme
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.support.faults.stalling_link import stalling_link
from tests.support.server import listening_socket, serve_app

#: Names that the browser resolves to this machine. The first two are one site, which the third is not part of.
OUR_NAME = "drive.example.test"
SIBLING = "evil.example.test"
STRANGER = "stranger.test"
FLAGS = (
    "--host-resolver-rules=MAP *.test 127.0.0.1",
    "--ignore-certificate-errors",
    # Chromium would try https first for names.
    "--disable-features=HttpsUpgrades,HttpsFirstBalancedModeAutoEnable",
)
PAGE = "<!doctype html><title>Another origin</title><body></body>"


@dataclass(frozen=True)
class Ports:
    """The ports of a site: for http, and for https."""

    http: int
    https: int

    def http_url(self, host: str) -> str:
        """The origin of a host without TLS."""
        return f"http://{host}:{self.http}"

    def https_url(self, host: str) -> str:
        """The origin of a host with TLS."""
        return f"https://{host}:{self.https}"


@dataclass
class Recorder:
    """An app around another one that remembers which requests had cookies, by the origin or the referrer."""

    app: ASGIApp
    with_cookies: list[tuple[str, str]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Remember the request, and pass it on."""
        headers = {name: value.decode("latin-1") for name, value in scope.get("headers", ())}
        if "ck=" in headers.get(b"cookie", ""):
            sender = headers.get(b"origin") or headers.get(b"referer", "")
            self.with_cookies.append((scope.get("method", "WEBSOCKET"), sender.rstrip("/")))
        await self.app(scope, receive, send)

    def methods_of(self, origin: str) -> set[str]:
        """The methods of requests with cookies that pages of this origin have sent."""
        return {method for method, sender in self.with_cookies if sender == origin}


@contextmanager
def two_listeners() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Listeners for http and for https, and so the two ports of a site."""
    with listening_socket() as plain, listening_socket() as secure:
        yield plain, secure


def ports_of(plain: socket.socket, secure: socket.socket) -> Ports:
    """The ports of two listeners."""
    return Ports(plain.getsockname()[1], secure.getsockname()[1])


@asynccontextmanager
async def serving_both(app: ASGIApp, plain: socket.socket, secure: socket.socket) -> AsyncIterator[None]:
    """Serve an app without TLS, and with TLS as behind a proxy that adds no header."""
    async with serve_app(app, plain), stalling_link(plain.getsockname()[1], secure, _certificate()):
        yield


def other_site() -> ASGIApp:
    """A site with an empty page."""
    return Starlette(routes=[Route("/", lambda _: HTMLResponse(PAGE))])


def _certificate() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost", "127.0.0.1", "*.example.test", STRANGER).configure_cert(context)
    return context
