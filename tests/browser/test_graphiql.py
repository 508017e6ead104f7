"""GraphiQL's page shows the cost of operations; tested without GraphiQL itself, which comes from a CDN."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cloudkeep.graphql.graphiql import COST_SCRIPT
from cloudkeep.settings.settings import Settings
from services.budgets.budgets import Limit
from tests.browser.browser import Browser
from tests.browser.conftest import Origins
from tests.browser.site import Site, serving_page, url_of
from tests.support.server import Api, Json, http_client
from tests.support.waiting import eventually

HERE = Path(__file__).parent
BUDGET = re.compile(r"[\d,]+ of [\d,]+ left, \+[\d,.]+ per second")
#: A subscription is paid for in full.
PAID = re.compile(r"cost (\d+), requested \1\n")
#: An error on a WebSocket has no cost beside it.
REFUSED = re.compile(r"refused, try again in [\d,.]+ s(\nrequested \d+\n\d+ of 300 left, \+0.01 per second)?")
WAYS = ["post", "batch", "events", "socket"]
ME = {"query": "{ me { id } }"}
UPLOADS = {"query": "{ uploads { nodes { id } } }"}
WATCH = "subscription ($id: ID!) { uploadProgress(uploadId: $id) { cursor } }"


@pytest.fixture
def settings(settings: Settings, origins: Origins) -> Settings:
    """Settings that allow the page, with a small budget for requests without a sign-in."""
    changes = {"cors_origins": (url_of(origins.page),), "budget_anonymous": Limit(300, 0.01)}
    return settings.model_copy(update=changes)


@pytest.fixture
async def page(origins: Origins) -> AsyncIterator[Site]:
    """A page with CloudKeep's script, and a script that sends operations as GraphiQL does."""
    script = f"{COST_SCRIPT}\n{(HERE / 'cost.js').read_text()}"
    async with serving_page(script.encode(), origins.page) as running:
        yield running


async def test_the_corner_shows_the_cost_of_what_was_run_and_how_long_to_wait_for_what_was_not(
    page: Site, server: str, api: Api, browser: Browser, tmp_path: Path
) -> None:
    upload = await api.init(b"abc")
    async with http_client(server) as anonymous:
        while (await anonymous.post("/graphql", json={"query": "{ nothing }"})).status_code != 429:
            pass
    watching = {"way": "socket", "query": WATCH, "variables": {"id": upload["id"]}}
    mine: list[Json] = [{"way": way, "signedIn": True, **ME} for way in WAYS]
    anonymous_operations: list[Json] = [{"way": way, **UPLOADS} for way in WAYS]
    token = api.http.headers["Authorization"]
    page.give(
        b"", url=server, authorization=token, operations=[*mine, {**watching, "signedIn": True}, *anonymous_operations]
    )
    with browser.showing(page.url, tmp_path / "profile"):
        await eventually(page.ended)

    texts = [event["text"] for event in page.told("shown")]
    for text in texts[:4]:
        cost, budget = text.splitlines()
        assert cost == "cost 2, requested 2"
        assert BUDGET.fullmatch(budget)
    assert PAID.match(texts[4])
    for text in texts[5:]:
        assert REFUSED.fullmatch(text)
    assert len(texts) == len(mine) + 1 + len(anonymous_operations)
