"""The table of routes: names of requests, and targets of signed links."""

from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from endpoints.page.paths import PAGE_SEGMENTS
from endpoints.routes import ROUTES, find_route, streams_body
from services.access.signed_urls import SignedUrls, SlotAuthorization
from services.core.keys import SecretKey

ID = UUID(int=1)
BASE = "https://drive"
LINKS = SignedUrls([SecretKey("kid", b"a secret that is long enough to be one")], timedelta(hours=1))
SLOT = LINKS.slot(SlotAuthorization(ID, 3, 1_000), BASE)
#: Operators' dashboards and log queries name these.
NAMES = {
    "/": ("page", "/"),
    "/favicon.ico": ("other", "/favicon.ico"),
    "/favicon.svg": ("other", "/favicon.svg"),
    "/graphql": ("graphql", "/graphql"),
    urlsplit(SLOT).path: ("chunk", "/uploads/{upload_id}/chunks/{index}"),
    "/uploads/chunks": ("chunk", "/uploads/chunks"),
    f"/versions/{ID}/content": ("download", "/versions/{id}/content"),
    f"/renditions/{ID}/content": ("download", "/renditions/{id}/content"),
    f"/zips/{ID}/content": ("download", "/zips/{id}/content"),
    "/healthz": ("probe", "/healthz"),
    "/readyz": ("probe", "/readyz"),
    "/metrics": ("probe", "/metrics"),
    "/assets/a.js": ("page", "/assets/{file}"),
    "/graphiql/assets/a.js": ("page", "/graphiql/assets/{file}"),
    "/icon.svg": ("page", "/icon.svg"),
    "/manifest.webmanifest": ("page", "/manifest.webmanifest"),
    **{f"/{name}": ("page", f"/{name}") for name in PAGE_SEGMENTS},
    **{f"/{name}/x": ("page", f"/{name}/{{rest}}") for name in PAGE_SEGMENTS},
}


def test_metrics_and_logs_name_requests_as_operators_know_them() -> None:
    routes = {path: find_route(path) for path in NAMES}
    assert {path: route and (route.purpose.value, route.log_pattern) for path, route in routes.items()} == NAMES
    assert len(ROUTES) == len(NAMES)


@pytest.mark.parametrize(
    ("link", "purpose"),
    [(SLOT, "chunk"), (LINKS.version(ID, BASE), "download"), (LINKS.rendition(ID, BASE), "download")],
)
def test_a_signed_link_leads_to_its_route(link: str, purpose: str) -> None:
    route = find_route(urlsplit(link).path)
    assert route
    assert route.purpose == purpose


@pytest.mark.parametrize(
    "path", ["", "*", "/nothing", "/versions/x", "/versions/x/y/content", "/uploads/x/chunks/", "graphql"]
)
def test_any_other_path_is_not_in_the_table(path: str) -> None:
    assert find_route(path) is None


def test_chunks_are_streamed_and_nothing_else() -> None:
    path = urlsplit(SLOT).path
    assert {method for method in ("GET", "POST", "PUT", "DELETE") if streams_body(method, path)} == {"POST", "PUT"}
    streamed = {path, "/uploads/chunks"}
    assert not any(streams_body("POST", other) for other in [*NAMES, f"{path}/x"] if other not in streamed)
