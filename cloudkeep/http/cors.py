"""Cross-origin resource sharing (CORS): web pages of some other origins may use the API and read its responses."""

from collections.abc import Callable, Collection

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send
from strawberry.http.websocket_origin import is_same_origin

from cloudkeep.server.refused_origins import RefusedOrigins
from endpoints.routes import ROUTES

METHODS = sorted({"HEAD"}.union(*(route.methods for route in ROUTES)))
#: The response headers that scripts may read, in addition to those that browsers always expose.
EXPOSED_HEADERS = (
    "Accept-Ranges",
    "Allow",
    "Content-Disposition",
    "Content-Range",
    "ETag",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "WWW-Authenticate",
    "X-Request-ID",
)
#: Seconds for which a browser caches a preflight: the longest time that any browser accepts.
MAX_AGE = 24 * 60 * 60


def with_cors(origins: Collection[str], app: ASGIApp) -> ASGIApp:
    """Wrap the app so that pages of ``origins`` may use it; ``*`` stands for every origin.

    No response allows credentials: a page of another origin authorizes itself by a token or a signed URL, and never by
    cookies or other data that the browser adds. So every header that a page sends is allowed. The app is wrapped as a
    whole, because the response to an internal error, which pages may read as well, is rendered outside of the app's own
    middleware.
    """
    if not origins:
        return OriginLog(app, lambda _: False)
    with_headers = CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=METHODS,
        allow_headers=["*"],
        allow_private_network=True,
        expose_headers=EXPOSED_HEADERS,
        max_age=MAX_AGE,
    )
    return OriginLog(with_headers, with_headers.is_allowed_origin)


class OriginLog:
    """ASGI middleware that logs the origins that are refused. Browsers do not show the reason to the page."""

    def __init__(self, app: ASGIApp, is_allowed: Callable[[str], bool]) -> None:
        self._app = app
        self._is_allowed = is_allowed
        self._refused = RefusedOrigins()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Log the origin if it is not allowed, and pass the request on."""
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            origin = headers.get("origin")
            if origin and not self._is_allowed(origin) and not _is_own_page(origin, headers):
                self._refused.add(origin)
        await self._app(scope, receive, send)


def _is_own_page(origin: str, headers: Headers) -> bool:
    """Whether a page of this server has sent the request. A proxy may have replaced its Host."""
    return headers.get("sec-fetch-site") == "same-origin" or is_same_origin(origin, headers.get("host"))
