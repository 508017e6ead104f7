"""A client without budget gets an error by every transport, and common clients understand it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest
import pytest_asyncio

from cloudkeep.graphql.media_types import EVENT_STREAM, GRAPHQL_RESPONSE, JSON
from services.budgets.budgets import Limit
from tests.clients.conftest import Npm
from tests.clients.transports import TRANSPORTS, Asking, by_events, by_websocket
from tests.support.backends.databases import Databases
from tests.support.graphql_ws import connected
from tests.support.server import Json
from tests.support.shared_server import SharedServer, shared_server
from tests.support.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: Enough to sign up; almost nothing is refilled while the tests run.
LITTLE = Limit(300, 0.01)
STREAMS = {"graphql-sse": by_events, "graphql-ws": by_websocket}
WEBSOCKETS = 5
ME = "{ me { id } }"
#: Every test uses another document, so that none is cached.
UPLOADS = "{ uploads { nodes { id fileName } } }"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def poor(tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> AsyncIterator[SharedServer]:
    """A server with no budget for requests without a sign-in, and little for accounts."""
    folder = tmp_path_factory.mktemp("poor")
    async with shared_server(
        folder, databases, budget_anonymous=LITTLE, subscriptions=(1, 1), websockets=WEBSOCKETS
    ) as running:
        while (await ask(running, "{ nothing }")).status_code != 429:
            pass
        yield running


async def ask(poor: SharedServer, document: str, accept: str = GRAPHQL_RESPONSE) -> httpx.Response:
    return await poor.http.post("/graphql", json={"query": document}, headers={"Accept": accept})


def assert_limited(answer: Json) -> None:
    """The answer is a refusal that says how long to wait for which budget, and holds no data."""
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "RATE_LIMITED"
    assert error["extensions"]["layer"] == "anonymous"
    assert error["extensions"]["retryAfter"] > 0
    assert "data" not in answer
    cost = answer["extensions"]["cost"]
    assert cost["requestedQueryCost"] > cost["throttleStatus"]["currentlyAvailable"]
    assert cost["actualQueryCost"] is None


@pytest.mark.parametrize("transport", TRANSPORTS.values(), ids=TRANSPORTS.keys())
async def test_a_real_client_learns_that_its_budget_is_used_up(
    poor: SharedServer, clients: Npm, transport: Asking
) -> None:
    assert await transport(clients, poor.url, UPLOADS, None) == "RATE_LIMITED"


@pytest.mark.parametrize("transport", TRANSPORTS.values(), ids=TRANSPORTS.keys())
async def test_what_is_refused_is_refused_for_a_known_document_too(
    poor: SharedServer, clients: Npm, transport: Asking
) -> None:
    await poor.api.call(UPLOADS)
    assert await transport(clients, poor.url, UPLOADS, None) == "RATE_LIMITED"


@pytest.mark.parametrize("accept", [JSON, GRAPHQL_RESPONSE])
async def test_the_answer_says_how_long_to_wait(poor: SharedServer, accept: str) -> None:
    response = await ask(poor, UPLOADS, accept)
    assert_limited(response.json())
    assert (response.status_code, response.headers["Content-Type"]) == (429, f"{accept}; charset=utf-8")
    wait = response.json()["errors"][0]["extensions"]["retryAfter"]
    assert int(response.headers["Retry-After"]) >= wait
    assert '"anonymous";q=300' in response.headers["RateLimit-Policy"]
    assert '"anonymous";r=' in response.headers["RateLimit"]


async def test_a_get_is_refused_like_a_post(poor: SharedServer) -> None:
    response = await poor.http.get("/graphql", params={"query": UPLOADS}, headers={"Accept": GRAPHQL_RESPONSE})
    assert_limited(response.json())
    assert (response.status_code, "Retry-After" in response.headers) == (429, True)


async def test_an_event_stream_says_it_in_its_only_event(poor: SharedServer, clients: Npm) -> None:
    response = await ask(poor, UPLOADS, EVENT_STREAM)
    assert response.status_code == 200
    (outcome,) = await clients.ask("sse", poor.url, {"query": UPLOADS})
    assert_limited(outcome["results"][0])


async def test_a_websocket_says_it_in_an_error_and_stays_open(poor: SharedServer, clients: Npm) -> None:
    for outcome in await clients.ask("ws", poor.url, {"query": UPLOADS}, {"query": ME}):
        (error,) = outcome["error"]["errors"]
        assert error["extensions"]["retryAfter"] > 0


async def test_a_batch_has_the_status_when_there_was_room_for_none_of_it(poor: SharedServer) -> None:
    response = await poor.http.post("/graphql", json=[{"query": UPLOADS}, {"query": ME}])
    for answer in response.json():
        assert_limited(answer)
    waits = [answer["errors"][0]["extensions"]["retryAfter"] for answer in response.json()]
    assert (response.status_code, int(response.headers["Retry-After"]) >= max(waits)) == (429, True)


async def test_a_batch_of_which_something_could_run_is_an_answer(poor: SharedServer) -> None:
    free = {"query": "{ __typename }"}
    await poor.api.call(free["query"])
    response = await poor.http.post("/graphql", json=[{"query": UPLOADS}, free])
    refused, answered = response.json()
    assert_limited(refused)
    assert answered["data"] == {"__typename": "Query"}
    assert (response.status_code, "Retry-After" in response.headers) == (200, False)


async def test_an_answer_says_what_is_left(poor: SharedServer) -> None:
    response = await poor.api.http.post("/graphql", json={"query": ME})
    left = response.json()["extensions"]["cost"]["throttleStatus"]["currentlyAvailable"]
    assert response.status_code == 200
    assert f'"account";r={left}' in response.headers["RateLimit"]
    assert "Retry-After" not in response.headers


@pytest.mark.parametrize("transport", STREAMS.values(), ids=STREAMS.keys())
async def test_a_real_client_learns_that_it_follows_too_much(
    poor: SharedServer, clients: Npm, transport: Asking
) -> None:
    upload = await poor.api.init(b"abc")
    watching = f'subscription {{ uploadProgress(uploadId: "{upload["id"]}") {{ cursor }} }}'
    authorization = poor.api.http.headers["Authorization"]
    async with connected(poor.url) as first:
        await first.init(Authorization=authorization)
        await first.subscribe(watching)
        assert (await first.receive())["type"] == "next"
        code = await transport(clients, poor.url, watching, authorization.removeprefix("Bearer "))
    assert code == "TOO_MANY_SUBSCRIPTIONS"


async def test_a_websocket_that_is_one_too_many_reconnects_once_another_is_closed(
    poor: SharedServer, clients: Npm
) -> None:
    async def refused() -> bool:
        return "cloudkeep_websocket_refusals_total 1.0" in (await poor.http.get("/metrics")).text

    token = poor.api.http.headers["Authorization"].removeprefix("Bearer ")
    async with AsyncExitStack() as full:
        for _ in range(WEBSOCKETS):
            await full.enter_async_context(connected(poor.url))
        asking = asyncio.create_task(clients.ask("ws", poor.url, {"query": ME}, token=token))
        await eventually(refused)
    (outcome,) = await asking
    assert outcome["error"] is None
    assert outcome["results"][0]["data"]["me"]["id"]
