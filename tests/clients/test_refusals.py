"""Refusals by every transport reach common clients as errors with a code."""

import asyncio

import pytest
from gql import Client, GraphQLRequest
from gql.transport.exceptions import TransportConnectionFailed
from gql.transport.websockets import WebsocketsTransport

from cloudkeep.graphql.websocket_endpoint import SUBSCRIPTIONS_PER_CONNECTION
from tests.clients.conftest import Npm
from tests.clients.transports import TRANSPORTS, Asking, by_events, by_get, by_post
from tests.support.graphql_ws import PROTOCOL
from tests.support.shared_server import SharedServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

every_transport = pytest.mark.parametrize("ask", TRANSPORTS.values(), ids=TRANSPORTS.keys())
#: The transports with a token for each operation.
over_http = pytest.mark.parametrize("ask", [by_post, by_get, by_events])

INVALID = {"of an unknown field": "{ nothing }", "without a value": "query ($id: ID!) { upload(id: $id) { id } }"}
TOO_COMPLEX = {
    "aliases": "{ " + " ".join(f"a{number}: __typename" for number in range(101)) + " }",
    "tokens": "{ " + "me { id } " * 500 + "}",
}
UPLOADS = "{ uploads { nodes { id } } }"
BAD_TOKEN = "a.b.c"


@every_transport
@pytest.mark.parametrize("document", INVALID.values(), ids=INVALID.keys())
async def test_a_document_that_is_not_valid_is_an_error_with_a_code(
    shared: SharedServer, clients: Npm, ask: Asking, document: str
) -> None:
    assert await ask(clients, shared.url, document, None) == "GRAPHQL_INVALID"


@every_transport
@pytest.mark.parametrize("document", TOO_COMPLEX.values(), ids=TOO_COMPLEX.keys())
async def test_an_operation_that_is_too_complex_is_an_error_with_a_code(
    shared: SharedServer, clients: Npm, ask: Asking, document: str
) -> None:
    assert await ask(clients, shared.url, document, None) == "OPERATION_TOO_COMPLEX"


@every_transport
async def test_who_must_sign_in_is_told_with_a_code(shared: SharedServer, clients: Npm, ask: Asking) -> None:
    assert await ask(clients, shared.url, UPLOADS, None) == "UNAUTHENTICATED"


@over_http
async def test_a_token_that_does_not_hold_is_an_error_with_a_code(
    shared: SharedServer, clients: Npm, ask: Asking
) -> None:
    assert await ask(clients, shared.url, UPLOADS, BAD_TOKEN) == "UNAUTHENTICATED"


async def test_a_token_that_does_not_hold_ends_a_connection_at_once(shared: SharedServer, clients: Npm) -> None:
    (outcome,) = await clients.ask("ws", shared.url, {"query": UPLOADS}, token=BAD_TOKEN)
    assert (outcome["error"]["code"], outcome["results"]) == (4401, [])


@pytest.mark.parametrize("kind", ["ws", "sse"])
async def test_what_is_refused_does_not_end_what_comes_after_it(shared: SharedServer, clients: Npm, kind: str) -> None:
    broken, missing, fine = await clients.ask(
        kind,
        shared.url,
        {"query": "{"},
        {"query": "query a { me { id } }", "operationName": "b"},
        {"query": "{ me { id } }"},
    )
    for outcome in (broken, missing):
        errors = outcome["error"]["errors"] if kind == "ws" else outcome["results"][0]["errors"]
        assert errors[0]["extensions"]["code"] == "GRAPHQL_INVALID"
    assert ([result["data"] for result in fine["results"]], fine["error"]) == ([{"me": None}], None)


async def test_a_connection_with_too_much_at_once_is_ended_with_the_reason(shared: SharedServer) -> None:
    upload = await shared.api.init(b"abc")
    watching = f'subscription {{ uploadProgress(uploadId: "{upload["id"]}") {{ cursor }} }}'
    headers = {"Authorization": shared.api.http.headers["Authorization"]}
    transport = WebsocketsTransport(
        f"ws{shared.url.removeprefix('http')}/graphql", init_payload=headers, subprotocols=[PROTOCOL]
    )

    async with Client(transport=transport) as session:

        async def watch() -> None:
            async for _ in session.subscribe(GraphQLRequest(watching)):
                pass

        watchers = [asyncio.create_task(watch()) for _ in range(SUBSCRIPTIONS_PER_CONNECTION + 1)]
        ended = await asyncio.gather(*watchers, return_exceptions=True)
    reasons = {str(error.__cause__ or error) for error in ended if isinstance(error, TransportConnectionFailed)}
    assert any("4429" in reason and "At most 50 operations" in reason for reason in reasons), ended
