"""Cross-origin requests (CORS): web pages of other origins that may call the API and read its responses."""

from collections.abc import Collection

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from endpoints.routes import ROUTES

METHODS = sorted({"HEAD"}.union(*(route.methods for route in ROUTES)))
#: Headers of a response that scripts may read beyond those that browsers always show them.
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
    """The app, which pages of ``origins`` may use; ``*`` is every page.

    No response allows credentials: a page authorizes itself by a token or a signed URL, and never by what the browser
    has stored for us. So any header that a page sends is harmless. The app is wrapped as a whole, so that a page can
    also read the response to an internal error, which is rendered outside of the app's own middleware.
    """
    if not origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=METHODS,
        allow_headers=["*"],
        allow_private_network=True,
        expose_headers=EXPOSED_HEADERS,
        max_age=MAX_AGE,
    )
