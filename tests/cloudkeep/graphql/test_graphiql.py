"""GraphiQL, for browsers that open the endpoint."""

import pytest

from tests.support.shared_server import SharedServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

NAVIGATION = {"Accept": "text/html,*/*;q=0.8"}


async def test_a_browser_gets_graphiql_as_soon_as_it_is_built(shared: SharedServer) -> None:
    before = await shared.http.get("/graphql", headers=NAVIGATION)
    assert (before.status_code, before.headers["Cache-Control"]) == (503, "no-store")
    index = shared.settings.data_dir / "page" / "graphiql" / "index.html"
    index.parent.mkdir(parents=True)
    index.write_text("<!doctype html><title>GraphiQL</title>")

    response = await shared.http.get("/graphql", headers=NAVIGATION)
    assert (response.status_code, response.text) == (200, index.read_text())
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert response.headers["Vary"] == "Accept-Encoding, Accept, Authorization, Cookie"
    assert "style-src 'self' 'unsafe-inline'" in response.headers["Content-Security-Policy"]


async def test_a_program_gets_none(shared: SharedServer) -> None:
    response = await shared.http.get("/graphql", headers={"Accept": "*/*"})
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
