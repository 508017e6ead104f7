"""The routes of the app are exactly those in the table of routes."""

from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Match, Route, WebSocketRoute

from cloudkeep.http.app import create_app
from cloudkeep.settings.settings import Settings
from endpoints.routes import ROUTES, HttpRoute, find_route

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

every_route = pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)


@pytest.fixture
def app(tmp_path: Path) -> Starlette:
    """The app itself, without the middleware around it."""
    inner: Any = create_app(Settings(data_dir=tmp_path))
    while not isinstance(inner, Starlette):
        inner = inner._app
    return inner


def path_of(route: HttpRoute) -> str:
    """A path that the route serves."""
    return route.path.replace("{", "").replace("}", "")


def is_served(app: Starlette, path: str, method: str = "GET", kind: str = "http") -> list[BaseRoute]:
    scope = {"type": kind, "path": path, "method": method}
    return [mounted for mounted in app.routes if mounted.matches(scope)[0] is Match.FULL]


def test_every_route_of_the_app_is_a_row_of_the_table(app: Starlette) -> None:
    table = {route.path: route for route in ROUTES}
    for mounted in app.routes:
        assert isinstance(mounted, Route | WebSocketRoute)
        row = table[mounted.path]
        if isinstance(mounted, Route):
            assert mounted.methods
            assert mounted.methods - {"HEAD"} == set(row.methods)
        else:
            assert row.websocket


@every_route
def test_the_app_serves_every_row_with_exactly_its_methods(app: Starlette, route: HttpRoute) -> None:
    allowed = {*route.methods, *(["HEAD"] if "GET" in route.methods else [])}
    assert {method for method in METHODS if is_served(app, path_of(route), method)} == allowed
    assert bool(is_served(app, path_of(route), kind="websocket")) == route.websocket


@every_route
def test_the_table_and_the_app_find_the_same_route(app: Starlette, route: HttpRoute) -> None:
    (mounted,) = is_served(app, path_of(route), route.methods[0])
    assert isinstance(mounted, Route)
    assert find_route(path_of(route)) is route
    assert mounted.path == route.path
