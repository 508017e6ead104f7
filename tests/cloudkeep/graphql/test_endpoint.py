"""GraphQL over HTTP: valid and invalid requests, and internal errors without their details."""

import gzip
import json
import sqlite3
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from graphql import get_introspection_query

from cloudkeep.graphql.request import MAX_BATCH, MAX_BODY
from tests.support.server import PROGRESS, Api, Json, sse_events
from tests.support.shared_server import SharedServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

ME = "{ me { id } }"
UPLOADS = "{ uploads { nodes { id } } }"
JSON_TYPE = {"Content-Type": "application/json"}


async def post(shared: SharedServer, body: bytes, **headers: str) -> httpx.Response:
    return await shared.http.post("/graphql", content=body, headers={**JSON_TYPE, **headers})


def code_of(response: httpx.Response) -> str:
    """The code of the only error of a response without data."""
    document = response.json()
    (error,) = document["errors"]
    assert "data" not in document
    assert error["message"]
    code: str = error["extensions"]["code"]
    return code


async def test_a_query_is_answered_in_json(shared: SharedServer) -> None:
    response = await post(shared, b'{"query": "{ me { id } }"}')
    assert (response.status_code, response.json()["data"]) == (200, {"me": None})
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"


MALFORMED = {
    "a number": b"5",
    "null": b"null",
    "text": b'"x"',
    "nothing": b"",
    "broken": b'{"query": ',
    "not text": b"\xff\xfe\xfd",
    "half a character": b'{"query": "\xc3"}',
    "nested without end": b"[" * 100_000,
    "in UTF-16": '{"query": "{ me { id } }"}'.encode("utf-16"),
    "a number that JSON has not": b'{"query": "{ me { id } }", "variables": {"x": NaN}}',
    "a number without end": b'{"query": "{ me { id } }", "variables": {"x": %s}}' % (b"9" * 5_000),
    "an empty object": b"{}",
    "an empty list": b"[]",
    "a batch with a number in it": b'[{"query": "{ me { id } }"}, 5]',
    "a batch with a query that is a number": b'[{"query": "{ me { id } }"}, {"query": 5}]',
    "a batch of batches": b'[[{"query": "{ me { id } }"}]]',
    "a batch that is too large": b"[%s]" % b",".join([b'{"query": "{ me { id } }"}'] * (MAX_BATCH + 1)),
    "a query that is a number": b'{"query": 5}',
    "a query that is null": b'{"query": null}',
    "an empty query": b'{"query": ""}',
    "variables that are a number": b'{"query": "{ me { id } }", "variables": 5}',
    "variables that are a list": b'{"query": "{ me { id } }", "variables": []}',
    "extensions that are a number": b'{"query": "{ me { id } }", "extensions": 5}',
    "an operation that is a number": b'{"query": "{ me { id } }", "operationName": 5}',
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
async def test_a_malformed_body_is_refused(shared: SharedServer, body: bytes) -> None:
    response = await post(shared, body)
    assert (response.status_code, code_of(response)) == (400, "MALFORMED_REQUEST")


INVALID = {
    "broken": "{",
    "unknown field": "{ nothing }",
    "unknown argument": "{ upload(id: 1, x: 2) { id } }",
    "unknown type": "query ($x: Nothing) { me { id } }",
    "a missing variable": "query ($id: ID!) { upload(id: $id) { id } }",
    "no subfields": "{ me }",
    "fragments in a circle": "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
    "nested too deeply": "{ a" * 700 + " }" * 700,
    "a list nested too deeply": "{ node(id: " + "[" * 700 + "]" * 700 + ") { id } }",
    "a control character": "{ me \0 }",
    "an import of incremental delivery": "{ me @defer { id } }",
}


@pytest.mark.parametrize("query", INVALID.values(), ids=INVALID.keys())
async def test_an_invalid_document_gets_the_reason(shared: SharedServer, query: str) -> None:
    response = await post(shared, json.dumps({"query": query}).encode())
    assert {error["extensions"]["code"] for error in response.json()["errors"]} == {"GRAPHQL_INVALID"}
    assert response.json().get("data") is None


@pytest.mark.parametrize("text", ["\ud800", "\0", "\u2028", "'; DROP TABLE upload; --", "é" * 5_000, "1" * 100_000])
@pytest.mark.parametrize("field", ["upload", "file", "node"])
async def test_no_text_causes_an_internal_error(shared: SharedServer, field: str, text: str) -> None:
    document = f"query ($id: ID!) {{ {field}(id: $id) {{ id }} }}"
    body = json.dumps({"query": document, "variables": {"id": text}}).encode()
    headers = {**JSON_TYPE, "Authorization": shared.api.http.headers["Authorization"]}
    response = await shared.http.post("/graphql", content=body, headers=headers)
    assert response.json()["data"] == {field: None}


async def test_a_body_above_the_limit_is_refused(shared: SharedServer) -> None:
    request = b'{"query": "{ me { id } }"}'
    assert (await post(shared, request.ljust(MAX_BODY))).status_code == 200
    refused = await post(shared, request.ljust(MAX_BODY + 1))
    assert (refused.status_code, code_of(refused)) == (413, "REQUEST_TOO_LARGE")


async def test_a_body_without_a_content_length_is_bounded(shared: SharedServer) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(MAX_BODY // 10_000 + 10):
            yield b" " * 10_000

    refused = await shared.http.post("/graphql", content=endless(), headers=JSON_TYPE)
    assert (refused.status_code, code_of(refused)) == (413, "REQUEST_TOO_LARGE")


@pytest.mark.parametrize(
    "content_type",
    [
        *("", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "x", ";"),
        *("text/plain; application/json", "application/json; charset=latin-1", "application/graphql"),
    ],
)
async def test_a_body_of_another_type_is_refused(shared: SharedServer, content_type: str) -> None:
    response = await post(shared, b'{"query": "{ me { id } }"}', **{"Content-Type": content_type})
    assert (response.status_code, code_of(response)) == (415, "MALFORMED_REQUEST")


async def test_a_body_that_is_compressed_is_refused(shared: SharedServer) -> None:
    response = await post(shared, gzip.compress(b'{"query": "{ me { id } }"}'), **{"Content-Encoding": "gzip"})
    assert (response.status_code, code_of(response)) == (415, "MALFORMED_REQUEST")
    assert response.headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize(
    "content_type",
    [
        *("application/json", "Application/JSON ; Charset=UTF-8", 'application/json; charset="utf-8"; x=1'),
        f"application/json; x*{'9' * 5_000}=1",
    ],
)
async def test_parameters_of_the_json_media_type_are_accepted(shared: SharedServer, content_type: str) -> None:
    response = await post(shared, b'{"query": "{ me { id } }"}', **{"Content-Type": content_type})
    assert response.json()["data"] == {"me": None}


async def test_a_byte_order_mark_is_ignored(shared: SharedServer) -> None:
    response = await post(shared, b'\xef\xbb\xbf{"query": "{ me { id } }"}')
    assert response.json()["data"] == {"me": None}


async def test_graphiql_can_run_its_introspection_query(shared: SharedServer) -> None:
    answer = await Api(shared.http).call(get_introspection_query(descriptions=True, input_value_deprecation=True))
    assert answer["data"]["__schema"]["queryType"]["name"] == "Query"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_are_not_allowed(shared: SharedServer, method: str) -> None:
    response = await shared.http.request(method, "/graphql")
    assert response.status_code == 405
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "POST"}


NEEDS_A_VIEWER = {
    "upload": '{ upload(id: "x") { id } }',
    "uploads": UPLOADS,
    "file": '{ file(id: "x") { id } }',
    "files": "{ files { nodes { id } } }",
    "node": '{ node(id: "x") { id } }',
    "initUpload": 'mutation { initUpload(input: {fileName: "a", size: 1}) { upload { id } } }',
    "completeUpload": 'mutation { completeUpload(input: {uploadId: "x"}) { upload { id } } }',
    "abortUpload": 'mutation { abortUpload(input: {uploadId: "x"}) { upload { id } } }',
}


@pytest.mark.parametrize("query", NEEDS_A_VIEWER.values(), ids=NEEDS_A_VIEWER.keys())
async def test_an_anonymous_client_is_unauthenticated(shared: SharedServer, query: str) -> None:
    answer = await Api(shared.http).call(query)
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"UNAUTHENTICATED"}
    assert not any((answer["data"] or {}).values())


@pytest.mark.parametrize("authorization", ["Basic YTpi", "Bearer", "Bearer ", "x"])
async def test_a_header_without_a_bearer_token_is_ignored(shared: SharedServer, authorization: str) -> None:
    response = await post(shared, b'{"query": "{ me { id } }"}', Authorization=authorization.strip())
    assert response.json()["data"] == {"me": None}


async def test_the_scheme_of_a_token_is_case_insensitive(shared: SharedServer) -> None:
    authorization = shared.api.http.headers["Authorization"].replace("Bearer ", "bEaReR  ")
    response = await post(shared, b'{"query": "{ me { id } }"}', Authorization=authorization)
    assert response.json()["data"]["me"]["id"]


async def test_a_failed_field_is_named_by_its_path(shared: SharedServer) -> None:
    answer = await shared.api.call("{ me { id } first: uploads(first: 0) { nodes { id } } }")
    (error,) = answer["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["first"], "INVALID_INPUT")


async def test_the_response_to_an_invalid_document_is_always_the_same(shared: SharedServer) -> None:
    answers = [await shared.api.call("{ me { nothing } }") for _ in range(3)]
    assert answers[0]["errors"][0]["extensions"]["code"]
    assert answers == [answers[0]] * 3


INSIDE = ("sqlite", "Traceback", "no such table", "OperationalError", "tortoise", ".py", "SELECT")


@pytest_asyncio.fixture(loop_scope="module")
async def broken(shared: SharedServer) -> AsyncIterator[tuple[SharedServer, str]]:
    """The server and an upload, while the database has no table of uploads."""
    upload = await shared.api.init(b"abc")
    with sqlite3.connect(shared.settings.data_dir / "cloudkeep.sqlite3") as database:
        database.execute("ALTER TABLE upload RENAME TO gone")
    yield shared, upload["id"]
    with sqlite3.connect(shared.settings.data_dir / "cloudkeep.sqlite3") as database:
        database.execute("ALTER TABLE gone RENAME TO upload")


@pytest.mark.sqlite
async def test_an_internal_error_is_masked_and_logged(
    broken: tuple[SharedServer, str], caplog: pytest.LogCaptureFixture
) -> None:
    running, upload_id = broken
    answer = await running.api.call("query ($id: ID!) { upload(id: $id) { id } }", id=upload_id)
    assert_masked(answer)
    assert answer["errors"][0]["path"] == ["upload"]
    assert "no such table" in caplog.text


@pytest.mark.sqlite
async def test_an_internal_error_in_a_subscription_is_masked(broken: tuple[SharedServer, str]) -> None:
    running, upload_id = broken
    body = {"query": PROGRESS, "variables": {"id": upload_id}}
    headers = {"Accept": "text/event-stream"}
    async with running.api.http.stream("POST", "/graphql", json=body, headers=headers) as response:
        events = [event async for event in sse_events(response)]
    assert_masked(events[-1])


def assert_masked(answer: Json) -> None:
    (error,) = answer["errors"]
    assert error["extensions"].keys() == {"code", "requestId"}
    assert error["extensions"]["code"] == "INTERNAL"
    assert not any(word in json.dumps(answer) for word in INSIDE)
