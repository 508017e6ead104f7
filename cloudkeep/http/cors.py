"""Cross-origin requests (CORS): web pages of other origins that may call the API and read its answers."""

from collections.abc import Collection

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from endpoints.routes import ROUTES

METHODS = sorted({"HEAD"}.union(*(route.methods for route in ROUTES)))
#: What scripts may read of an answer beyond what browsers always show them.
EXPOSED = (
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
#: Seconds for which a browser remembers a preflight: as long as any of them would.
MAX_AGE = 24 * 60 * 60


def with_cors(origins: Collection[str], app: ASGIApp) -> ASGIApp:
    """The app, which pages of ``origins`` may use; ``*`` is every page.

    No answer allows credentials: a page brings its right along, as a token or in a signed URL, and never what the
    browser has stored for us. Whatever headers a page sends are therefore harmless. The app is wrapped as a whole, so
    that a page can read the answer to a fault of ours, too, which is rendered outside of the app's own middleware.
    """
    if not origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=METHODS,
        allow_headers=["*"],
        allow_private_network=True,
        expose_headers=EXPOSED,
        max_age=MAX_AGE,
    )
