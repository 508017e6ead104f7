"""Every HTTP route of the API, in one table.

A new route is its endpoint in this folder and its row in :data:`ROUTES`. The app serves the table. The server's
protocols find in it which bodies are streamed, CORS which methods pages may use, and metrics, logs and traces what to
call a request.
"""

import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute, compile_path
from starlette.types import ASGIApp

from endpoints.body_timeouts import BodyTimeouts
from endpoints.chunks.chunk import chunk_endpoint
from endpoints.chunks.small_chunks import small_chunks_endpoint
from endpoints.downloads.files import download_rendition, download_version
from endpoints.downloads.zips import download_zip
from endpoints.favicon import favicon_ico, favicon_svg
from endpoints.health import alive, readiness_endpoint
from endpoints.metrics import Exposition, metrics_endpoint
from endpoints.page.page import Page
from endpoints.page.paths import ASSET_PATHS, PAGE_PATHS, ROOT_FILES
from services.access.signed_urls import RENDITION_PATH, SLOT_PATH, SMALL_CHUNKS_PATH, VERSION_PATH, ZIP_PATH

GRAPHQL_PATH = "/graphql"
#: The HTTP server of a worker has these two as well.
HEALTH_PATH = "/healthz"
METRICS_PATH = "/metrics"

Endpoint = Callable[[Request], Awaitable[Response]] | ASGIApp


class Purpose(StrEnum):
    """The purpose of a request, as a label of metrics."""

    GRAPHQL = "graphql"
    CHUNK = "chunk"
    DOWNLOAD = "download"
    PAGE = "page"
    PROBE = "probe"
    #: Also any request whose path is not in the table.
    OTHER = "other"


@dataclass(frozen=True)
class EndpointOptions:
    """The dependencies of the endpoints of one process."""

    graphql: ASGIApp
    body_timeouts: BodyTimeouts
    is_stopping: Callable[[], bool]
    exposition: Exposition
    metrics_networks: Sequence[str]
    page: Page


@dataclass(frozen=True)
class HttpRoute:
    """A row of the table.

    ``path`` is a template of Starlette's. HEAD is allowed wherever GET is. ``endpoint`` makes the handler.

    Where ``streams_body`` is set, a body may be large: its endpoint limits how slowly it may arrive, and the server
    offers to read it on a thread. Any other body is small, and the server limits its time as a whole.

    Where ``websocket`` is set, the handler is an ASGI app that takes WebSockets as well.

    Where ``any_host`` is set, the route answers whatever host a request names: probes of containers and load balancers
    use names and addresses of their own, and the response tells no more than the server's state.
    """

    path: str
    methods: tuple[str, ...]
    purpose: Purpose
    endpoint: Callable[[EndpointOptions], Endpoint]
    streams_body: bool = False
    websocket: bool = False
    any_host: bool = False

    @property
    def log_pattern(self) -> str:
        """The pattern that logs and traces show instead of the path, which may contain IDs and secrets."""
        return self._compiled[1]

    def matches(self, path: str) -> bool:
        """Whether the app's router would take this path to this route."""
        return self._compiled[0].match(path) is not None

    def starlette_routes(self, options: EndpointOptions) -> Iterator[BaseRoute]:
        """The routes for the app."""
        endpoint = self.endpoint(options)
        yield Route(self.path, endpoint, methods=self.methods)
        if self.websocket:
            yield WebSocketRoute(self.path, endpoint)

    @cached_property
    def _compiled(self) -> tuple[re.Pattern[str], str]:
        return compile_path(self.path)[:2]


def _assets(folder: str, path: str) -> HttpRoute:
    return HttpRoute(path, ("GET",), Purpose.PAGE, lambda options: options.page.assets(folder))


def _root_file(name: str) -> HttpRoute:
    return HttpRoute(f"/{name}", ("GET",), Purpose.PAGE, lambda options: options.page.root_file(name))


ROUTES = (
    HttpRoute(GRAPHQL_PATH, ("GET", "POST"), Purpose.GRAPHQL, lambda options: options.graphql, websocket=True),
    HttpRoute(
        SLOT_PATH,
        ("POST", "PUT"),
        Purpose.CHUNK,
        lambda options: chunk_endpoint(options.body_timeouts),
        streams_body=True,
    ),
    HttpRoute(
        SMALL_CHUNKS_PATH,
        ("POST",),
        Purpose.CHUNK,
        lambda options: small_chunks_endpoint(options.body_timeouts),
        streams_body=True,
    ),
    HttpRoute(VERSION_PATH, ("GET",), Purpose.DOWNLOAD, lambda _: download_version),
    HttpRoute(RENDITION_PATH, ("GET",), Purpose.DOWNLOAD, lambda _: download_rendition),
    HttpRoute(ZIP_PATH, ("GET",), Purpose.DOWNLOAD, lambda _: download_zip),
    HttpRoute(HEALTH_PATH, ("GET",), Purpose.PROBE, lambda _: alive, any_host=True),
    HttpRoute(
        "/readyz",
        ("GET",),
        Purpose.PROBE,
        lambda options: readiness_endpoint(options.is_stopping),
        any_host=True,
    ),
    HttpRoute(
        METRICS_PATH,
        ("GET",),
        Purpose.PROBE,
        lambda options: metrics_endpoint(options.exposition, options.metrics_networks),
    ),
    HttpRoute("/favicon.ico", ("GET",), Purpose.OTHER, lambda _: favicon_ico),
    HttpRoute("/favicon.svg", ("GET",), Purpose.OTHER, lambda _: favicon_svg),
    *(_assets(folder, path) for folder, path in ASSET_PATHS.items()),
    *map(_root_file, ROOT_FILES),
    *(HttpRoute(path, ("GET",), Purpose.PAGE, lambda options: options.page.index) for path in PAGE_PATHS),
)
_STREAMED = tuple(route for route in ROUTES if route.streams_body)


def find_route(path: str) -> HttpRoute | None:
    """The route that serves this path."""
    return next((route for route in ROUTES if route.matches(path)), None)


def streams_body(method: str, path: str) -> bool:
    """Whether a route streams the body of this request."""
    return any(method in route.methods and route.matches(path) for route in _STREAMED)
