"""GraphQL over HTTP: requests by GET and in batches, and the form of refusals in each media type."""

import json
from typing import Any

import httpx
import pytest

from cloudkeep.graphql.media_types import EVENT_STREAM, GRAPHQL_RESPONSE, JSON
from cloudkeep.graphql.request import MAX_BATCH
from resolvers.context import Context
from schema.execution.admission import AdmissionController, Admitted, Request
from tests.support.graphql_ws import connected
from tests.support.server import PROGRESS, Json, sse_events
from tests.support.shared_server import SharedServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

ME = "{ me { id } }"
ANONYMOUS = {"me": None}
NAMED = {"query": "query a { me { id } }", "operationName": "a"}
UPLOADS = "{ uploads { nodes { id } } }"
MUTATION = 'mutation { register(input: {userId: "", userName: "", email: "", password: ""}) { userErrors { code } } }'
SUBSCRIPTION = 'subscription { uploadProgress(uploadId: "x") { cursor } }'


async def get(shared: SharedServer, accept: str = GRAPHQL_RESPONSE, **parameters: str) -> httpx.Response:
    return await shared.http.get("/graphql", params=parameters, headers={"Accept": accept})


async def post(shared: SharedServer, body: Any, accept: str = GRAPHQL_RESPONSE) -> httpx.Response:
    return await shared.http.post("/graphql", json=body, headers={"Accept": accept})


def codes_of(answer: Json) -> list[str]:
    return [error["extensions"]["code"] for error in answer["errors"]]


@pytest.mark.parametrize("accept", [JSON, GRAPHQL_RESPONSE])
async def test_a_query_in_the_url_is_answered(shared: SharedServer, accept: str) -> None:
    response = await get(shared, accept, query=ME)
    assert (response.status_code, response.json()["data"]) == (200, ANONYMOUS)
    assert response.headers["Content-Type"] == f"{accept}; charset=utf-8"
    assert response.headers["Cache-Control"] == "no-store"


async def test_a_query_in_the_url_takes_variables_and_a_name(shared: SharedServer) -> None:
    document = (
        "query a { me { id } } query b($id: ID!) { __typename @skip(if: false) node: __type(name: $id) { name } }"
    )
    variables = json.dumps({"id": "Uplöad"})
    response = await get(shared, query=document.replace("ID!", "String!"), operationName="b", variables=variables)
    assert response.json()["data"] == {"__typename": "Query", "node": None}


async def test_empty_parameters_of_the_url_count_as_missing(shared: SharedServer) -> None:
    response = await get(shared, query=ME, operationName="", variables="", extensions="")
    assert response.json()["data"] == ANONYMOUS


@pytest.mark.parametrize("accept", [JSON, GRAPHQL_RESPONSE, "*/*"])
async def test_a_mutation_in_the_url_is_refused_and_not_run(shared: SharedServer, accept: str) -> None:
    response = await get(shared, accept, query=MUTATION)
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")
    assert codes_of(response.json()) == ["GRAPHQL_INVALID"]


async def test_a_mutation_in_the_url_is_refused_as_an_event_stream_too(shared: SharedServer) -> None:
    response = await get(shared, EVENT_STREAM, query=MUTATION)
    assert response.headers["Content-Type"].startswith(EVENT_STREAM)
    assert '"code":"GRAPHQL_INVALID"' in response.text


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_subscription_needs_a_stream(shared: SharedServer, method: str) -> None:
    response = await (get(shared, query=SUBSCRIPTION) if method == "GET" else post(shared, {"query": SUBSCRIPTION}))
    assert (response.status_code, codes_of(response.json())) == (400, ["GRAPHQL_INVALID"])
    assert "text/event-stream" in response.json()["errors"][0]["message"]


async def test_a_subscription_is_a_stream_for_clients_that_also_accept_one(shared: SharedServer) -> None:
    response = await post(shared, {"query": SUBSCRIPTION}, f"{GRAPHQL_RESPONSE}, {JSON}, {EVENT_STREAM}")
    assert response.headers["Content-Type"].startswith(EVENT_STREAM)
    assert '"code":"UNAUTHENTICATED"' in response.text


MALFORMED = [
    {"variables": "{"},
    {"variables": "5"},
    {"variables": "[]"},
    {"extensions": '"x"'},
    {"extensions": "["},
    {"variables": "NaN"},
    {"variables": "[" * 5_000},
]


@pytest.mark.parametrize("parameters", MALFORMED, ids=lambda value: str(value)[:40])
async def test_a_malformed_url_is_refused(shared: SharedServer, parameters: dict[str, str]) -> None:
    response = await get(shared, query=ME, **parameters)
    assert (response.status_code, codes_of(response.json())) == (400, ["MALFORMED_REQUEST"])


@pytest.mark.parametrize(
    "query_string", ["", "query=", "query=%ff", "x=1", "operationName=x", "variables={}", "%", "&=&"]
)
async def test_a_url_without_a_query_is_refused(shared: SharedServer, query_string: str) -> None:
    response = await shared.http.get(f"/graphql?{query_string}", headers={"Accept": JSON})
    assert (response.status_code, codes_of(response.json())) == (400, ["MALFORMED_REQUEST"])


@pytest.mark.parametrize("accept", ["text/html", "image/png", "application/json; charset=latin-1", f"{JSON};q=0"])
async def test_a_client_that_accepts_no_available_type_gets_their_names(shared: SharedServer, accept: str) -> None:
    response = await get(shared, accept, query=ME)
    assert (response.status_code, codes_of(response.json())) == (406, ["MALFORMED_REQUEST"])
    assert JSON in response.json()["errors"][0]["message"]


INVALID = {
    "broken": {"query": "{"},
    "of an unknown field": {"query": "{ nothing }"},
    "without a variable": {"query": "query ($id: ID!) { upload(id: $id) { id } }"},
    "with a variable of another type": {
        "query": "query ($x: Int) { __typename @skip(if: false) }",
        "variables": {"x": "x"},
    },
    "of an unknown operation": {"query": ME, "operationName": "x"},
    "of one operation or the other": {"query": "query a { me { id } } query b { me { id } }"},
}


@pytest.mark.parametrize(("accept", "status"), [(GRAPHQL_RESPONSE, 400), (JSON, 200), ("*/*", 200)])
@pytest.mark.parametrize("body", INVALID.values(), ids=INVALID.keys())
async def test_a_refused_document_has_no_data_and_a_status_by_the_media_type(
    shared: SharedServer, body: Json, accept: str, status: int
) -> None:
    response = await post(shared, body, accept)
    assert (response.status_code, set(codes_of(response.json()))) == (status, {"GRAPHQL_INVALID"})
    assert "data" not in response.json()


@pytest.mark.parametrize("accept", [GRAPHQL_RESPONSE, JSON])
async def test_a_response_with_a_refused_field_has_status_200_in_any_media_type(
    shared: SharedServer, accept: str
) -> None:
    response = await post(shared, {"query": UPLOADS}, accept)
    assert (response.status_code, response.json()["data"]) == (200, None)


@pytest.mark.parametrize("accept", [GRAPHQL_RESPONSE, JSON])
async def test_a_batch_is_answered_in_order(shared: SharedServer, accept: str) -> None:
    batch = [{"query": "{ a: __typename }"}, {"query": "{"}, {"query": UPLOADS}, {"query": "{ b: __typename }"}]
    response = await post(shared, batch, accept)
    first, invalid, refused, last = response.json()
    assert (first["data"], last["data"]) == ({"a": "Query"}, {"b": "Query"})
    assert codes_of(invalid) == ["GRAPHQL_INVALID"]
    assert "data" not in invalid
    assert codes_of(refused) == ["UNAUTHENTICATED"]
    assert (response.status_code, response.headers["Content-Type"]) == (200, f"{accept}; charset=utf-8")


async def test_an_operation_that_a_batch_cannot_run_is_refused_alone(shared: SharedServer) -> None:
    response = await post(shared, [{"query": SUBSCRIPTION}, {}, {"query": ME, "operationName": "x"}, {"query": ME}])
    assert [codes_of(answer) for answer in response.json()[:3]] == [
        ["GRAPHQL_INVALID"],
        ["MALFORMED_REQUEST"],
        ["GRAPHQL_INVALID"],
    ]
    assert response.json()[3]["data"] == ANONYMOUS


async def test_the_mutations_of_a_batch_run_in_their_order(shared: SharedServer) -> None:
    begin = """mutation ($name: String!) { initUpload(input: {fileName: $name, size: 1}) { upload { id } } }"""
    names = [f"{number}.bin" for number in range(MAX_BATCH - 1)]
    batch = [{"query": begin, "variables": {"name": name}} for name in names]
    newest = {"query": "{ uploads(first: 9) { nodes { fileName } } }"}
    response = await shared.api.http.post("/graphql", json=[*batch, newest])
    assert [node["fileName"] for node in response.json()[-1]["data"]["uploads"]["nodes"]] == names[::-1]


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the admission of every operation with a name fail with an internal error."""
    admit = AdmissionController.admit

    async def failing(gate: AdmissionController, context: Context, request: Request) -> Admitted:
        if request.name:
            raise RuntimeError("redis://secret")
        return await admit(gate, context, request)

    monkeypatch.setattr(AdmissionController, "admit", failing)


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize("accept", [GRAPHQL_RESPONSE, JSON])
async def test_an_internal_error_outside_of_fields_is_masked_and_logged(
    shared: SharedServer, accept: str, caplog: pytest.LogCaptureFixture
) -> None:
    response = await post(shared, NAMED, accept)
    assert (response.status_code, codes_of(response.json())) == (500, ["INTERNAL"])
    assert "secret" not in response.text
    assert "redis://secret" in caplog.text


@pytest.mark.usefixtures("broken")
async def test_an_internal_error_outside_of_fields_is_an_event_of_the_stream(shared: SharedServer) -> None:
    response = await post(shared, NAMED, EVENT_STREAM)
    assert response.text.count("event: next") == response.text.count("event: complete") == 1
    assert '"code":"INTERNAL"' in response.text


@pytest.mark.usefixtures("broken")
async def test_an_internal_error_outside_of_fields_is_an_error_on_a_websocket(shared: SharedServer) -> None:
    async with connected(shared.url) as socket:
        await socket.init()
        await socket.send({"id": "1", "type": "subscribe", "payload": NAMED})
        (error,) = (await socket.receive())["payload"]
        assert error["extensions"]["code"] == "INTERNAL"
        assert error["extensions"]["requestId"]
        await socket.subscribe(ME)
        assert (await socket.receive())["payload"]["data"] == ANONYMOUS


@pytest.mark.usefixtures("broken")
async def test_an_internal_error_in_a_batch_does_not_affect_other_responses(shared: SharedServer) -> None:
    response = await post(shared, [{"query": ME}, NAMED, {"query": ME}])
    first, broken, last = response.json()
    assert (response.status_code, first["data"], last["data"]) == (200, ANONYMOUS, ANONYMOUS)
    assert codes_of(broken) == ["INTERNAL"]


async def test_a_batch_cannot_be_an_event_stream(shared: SharedServer) -> None:
    response = await post(shared, [{"query": ME}], EVENT_STREAM)
    assert (response.status_code, response.headers["Content-Type"].startswith(EVENT_STREAM)) == (200, True)
    assert '"code":"MALFORMED_REQUEST"' in response.text
    (answer,) = (await post(shared, [{"query": ME}], f"{EVENT_STREAM}, {JSON}")).json()
    assert answer["data"] == ANONYMOUS


async def test_an_event_stream_has_the_reason_of_every_refusal(shared: SharedServer) -> None:
    bodies: list[tuple[str, bytes]] = [
        ("MALFORMED_REQUEST", b"5"),
        ("MALFORMED_REQUEST", b"{}"),
        ("GRAPHQL_INVALID", b'{"query": "{"}'),
        ("REQUEST_TOO_LARGE", b" " * 2_000_000),
    ]
    for code, body in bodies:
        headers = {"Accept": EVENT_STREAM, "Content-Type": JSON}
        async with shared.http.stream("POST", "/graphql", content=body, headers=headers) as response:
            (event,) = [event async for event in sse_events(response)]
        assert (response.status_code, codes_of(event)) == (200, [code])
        assert "data" not in event


async def test_a_query_may_be_answered_as_an_event_stream(shared: SharedServer) -> None:
    async with shared.http.stream(
        "GET", "/graphql", params={"query": ME}, headers={"Accept": EVENT_STREAM}
    ) as response:
        assert [event["data"] async for event in sse_events(response)] == [ANONYMOUS]


async def test_a_subscription_may_be_in_the_url(shared: SharedServer) -> None:
    upload = await shared.api.init(b"abc")
    parameters = {"query": PROGRESS, "variables": json.dumps({"id": upload["id"]})}
    headers = {"Accept": EVENT_STREAM}
    async with shared.api.http.stream("GET", "/graphql", params=parameters, headers=headers) as response:
        event = await anext(sse_events(response))
    assert event["data"]["uploadProgress"]["upload"]["id"] == upload["id"]
