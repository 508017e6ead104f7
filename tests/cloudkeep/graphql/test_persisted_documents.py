"""Requests that name a trusted document: by POST, by GET, in a batch, as an event stream and over a WebSocket."""

import json
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.support.backends.databases import Databases
from tests.support.graphql_ws import Socket, connected
from tests.support.server import INIT, PROGRESS, REGISTER, VERIFY, Json
from tests.support.shared_server import SharedServer, shared_server

pytestmark = pytest.mark.asyncio(loop_scope="module")

ME = "query Me { me { userName } }"
NAMED = {"documentId": "Me"}
COST = "query Cost($query: String!) { operationCost(query: $query) { requestedQueryCost } }"
OTHER = "{ __typename }"
EVENTS = {"Accept": "text/event-stream"}


def hashed(document: str) -> Json:
    """The form in which clients of Apollo name a document."""
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": sha256(document.encode()).hexdigest()}}}


def file_of(folder: Path) -> Path:
    """The file of documents, which includes those that the fixtures of the tests send."""
    path = folder / "documents.json"
    own = {"Watch": PROGRESS, "Init": INIT, "Register": REGISTER, "Verify": VERIFY}
    path.write_text(json.dumps({"Me": ME, "Cost": COST, **own}))
    return path


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=[False, True], ids=["any", "only"])
async def shared(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, databases: Databases
) -> AsyncIterator[SharedServer]:
    """A server with trusted documents, and another one that runs no others."""
    folder = tmp_path_factory.mktemp("stand")
    trusted: dict[str, Any] = {"trusted_documents": file_of(folder), "trusted_documents_only": request.param}
    async with shared_server(folder, databases, **trusted) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def socket(shared: SharedServer) -> AsyncIterator[Socket]:
    async with connected(shared.url) as opened:
        await opened.init(Authorization=shared.api.http.headers["Authorization"])
        yield opened


async def post(shared: SharedServer, body: object, **headers: str) -> httpx.Response:
    accept = {"Accept": "application/graphql-response+json", **headers}
    return await shared.api.http.post("/graphql", json=body, headers=accept)


def codes_in(answer: Json) -> list[str]:
    return [error["extensions"]["code"] for error in answer["errors"]]


def refused_as(shared: SharedServer) -> tuple[int, str]:
    """The status and code of the response to an unknown ID."""
    return (403, "UNTRUSTED_DOCUMENT") if shared.settings.trusted_documents_only else (404, "PERSISTED_QUERY_NOT_FOUND")


@pytest.mark.parametrize(
    "body", [NAMED, hashed(ME), {"query": ME}, {"query": ME, **NAMED}, {"query": ME, **hashed(ME)}]
)
async def test_a_trusted_document_runs_by_every_transport(shared: SharedServer, socket: Socket, body: Json) -> None:
    data = {"me": {"userName": "A Person"}}
    answer = await post(shared, body)
    assert (answer.status_code, answer.json()["data"]) == (200, data)
    assert [one["data"] for one in (await post(shared, [body, body])).json()] == [data, data]
    url = {name: value if isinstance(value, str) else json.dumps(value) for name, value in body.items()}
    assert (await shared.api.http.get("/graphql", params=url)).json()["data"] == data
    assert '{"data":{"me":{"userName":"A Person"}}' in (await post(shared, body, **EVENTS)).text
    await socket.send({"id": "1", "type": "subscribe", "payload": body})
    assert (await socket.receive())["payload"]["data"] == data


async def test_a_subscription_can_be_a_trusted_document(shared: SharedServer, socket: Socket) -> None:
    upload = await shared.api.init(b"x" * 10)
    payload = {"documentId": "Watch", "variables": {"id": upload["id"]}}
    await socket.send({"id": "1", "type": "subscribe", "payload": payload})
    assert (await socket.receive())["payload"]["data"]["uploadProgress"]["stage"] == "RECEIVING"


@pytest.mark.parametrize("body", [{"documentId": "You"}, hashed(OTHER)])
async def test_an_unknown_id_is_refused_by_every_transport(shared: SharedServer, socket: Socket, body: Json) -> None:
    status, code = refused_as(shared)
    answer = await post(shared, body)
    assert (answer.status_code, codes_in(answer.json())) == (status, [code])
    assert [codes_in(one) for one in (await post(shared, [body, NAMED])).json() if "errors" in one] == [[code]]
    assert code in (await post(shared, body, **EVENTS)).text
    await socket.send({"id": "1", "type": "subscribe", "payload": body})
    message = await socket.receive()
    assert (message["type"], codes_in({"errors": message["payload"]})) == ("error", [code])


async def test_other_documents_run_only_on_a_server_that_allows_them(shared: SharedServer, socket: Socket) -> None:
    only = shared.settings.trusted_documents_only
    answer = await post(shared, {"query": OTHER})
    await socket.send({"id": "1", "type": "subscribe", "payload": {"query": OTHER}})
    message = await socket.receive()
    if only:
        assert (answer.status_code, codes_in(answer.json())) == (403, ["UNTRUSTED_DOCUMENT"])
        assert codes_in({"errors": message["payload"]}) == ["UNTRUSTED_DOCUMENT"]
    else:
        assert answer.json()["data"] == message["payload"]["data"] == {"__typename": "Query"}


@pytest.mark.parametrize("body", [{"documentId": 1}, {"documentId": ""}, {"query": ME, **hashed(OTHER)}])
async def test_a_malformed_document_id_is_refused(shared: SharedServer, body: Json) -> None:
    answer = await post(shared, body)
    assert (answer.status_code, codes_in(answer.json())) == (400, ["MALFORMED_REQUEST"])


async def test_a_get_cannot_run_a_trusted_mutation(shared: SharedServer) -> None:
    answer = await shared.api.http.get("/graphql", params={"documentId": "Init", "variables": '{"input": {}}'})
    assert answer.status_code == 405


async def test_the_price_of_an_untrusted_document_cannot_be_queried(shared: SharedServer) -> None:
    assert "errors" not in await shared.api.call(COST, query=ME)
    answer = await shared.api.call(COST, query=OTHER)
    if shared.settings.trusted_documents_only:
        assert codes_in(answer) == ["UNTRUSTED_DOCUMENT"]
    else:
        assert answer["data"]["operationCost"]["requestedQueryCost"] == 0
