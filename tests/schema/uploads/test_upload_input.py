"""Uploads that cannot start: the error names the field and has a code, and nothing is left behind."""

import pytest
import pytest_asyncio

from tests.support.server import INIT, PROGRESS, Api, Json
from tests.support.shared_server import SharedServer, another_user

pytestmark = pytest.mark.asyncio(loop_scope="module")

GOOD: Json = {"fileName": "clip.mp4", "size": 100_000}
COMPLETE = (
    "mutation ($id: ID!) { completeUpload(input: {uploadId: $id}) { upload { id status } userErrors { field code } } }"
)
ABORT = "mutation ($id: ID!) { abortUpload(input: {uploadId: $id}) { upload { id status } userErrors { field code } } }"
LIMIT = 500 * 2**30

REFUSED: dict[str, tuple[Json, str, str]] = {
    "negative": ({"size": -1}, "size", "INVALID_INPUT"),
    "most negative": ({"size": -(2**53)}, "size", "INVALID_INPUT"),
    "above the limit": ({"size": LIMIT + 1}, "size", "TOO_LARGE"),
    "far above the limit": ({"size": 2**53}, "size", "TOO_LARGE"),
    "no name": ({"fileName": ""}, "fileName", "INVALID_INPUT"),
    "a blank name": ({"fileName": "  "}, "fileName", "INVALID_INPUT"),
    "a long name": ({"fileName": "a" * 5_000}, "fileName", "INVALID_INPUT"),
    "a name of 256 bytes": ({"fileName": "é" * 128}, "fileName", "INVALID_INPUT"),
    "a slash": ({"fileName": "a/b.mp4"}, "fileName", "INVALID_INPUT"),
    "a backslash": ({"fileName": "a\\b.mp4"}, "fileName", "INVALID_INPUT"),
    "a parent": ({"fileName": "../a.mp4"}, "fileName", "INVALID_INPUT"),
    "dots": ({"fileName": ".."}, "fileName", "INVALID_INPUT"),
    "a dot": ({"fileName": "."}, "fileName", "INVALID_INPUT"),
    "a null": ({"fileName": "a\0b"}, "fileName", "INVALID_INPUT"),
    "a line end": ({"fileName": "a\r\nb"}, "fileName", "INVALID_INPUT"),
    "reversed text": ({"fileName": "gpj.\u202eexe"}, "fileName", "INVALID_INPUT"),
    "no digest": ({"sha256": "abc"}, "sha256", "INVALID_INPUT"),
    "an empty digest": ({"sha256": ""}, "sha256", "INVALID_INPUT"),
    "no type": ({"mimeType": "video"}, "mimeType", "INVALID_INPUT"),
    "a header in the type": ({"mimeType": "video/mp4\r\nX: y"}, "mimeType", "INVALID_INPUT"),
    "tiny chunks": ({"chunkSize": 1}, "chunkSize", "INVALID_INPUT"),
    "no chunks": ({"chunkSize": 0}, "chunkSize", "INVALID_INPUT"),
    "negative chunks": ({"chunkSize": -65_536}, "chunkSize", "INVALID_INPUT"),
    "huge chunks": ({"chunkSize": 2**31 - 1}, "chunkSize", "INVALID_INPUT"),
    "too many chunks": ({"chunkSize": 65_536, "size": 2**30}, "chunkSize", "INVALID_INPUT"),
    "no key": ({"idempotencyKey": ""}, "idempotencyKey", "INVALID_INPUT"),
    "a long key": ({"idempotencyKey": "x" * 256}, "idempotencyKey", "INVALID_INPUT"),
    "an odd height": ({"compress": {"preset": "FAST", "maxHeight": 721}}, "compress.maxHeight", "INVALID_INPUT"),
    "a huge height": ({"compress": {"preset": "FAST", "maxHeight": 10_000}}, "compress.maxHeight", "INVALID_INPUT"),
}


@pytest.mark.parametrize(("change", "field", "code"), REFUSED.values(), ids=REFUSED.keys())
async def test_a_refused_upload_names_its_field_and_leaves_nothing_behind(
    shared: SharedServer, change: Json, field: str, code: str
) -> None:
    before = shared.staged
    payload = await shared.api.data(INIT, input={**GOOD, **change})
    assert payload["upload"] is None
    (error,) = payload["userErrors"]
    assert (error["field"], error["code"]) == (["input", *field.split(".")], code)
    assert shared.staged == before


async def test_all_invalid_fields_are_named_at_once(shared: SharedServer) -> None:
    before = shared.staged
    wrong = {
        "fileName": "a/b",
        "size": -1,
        "mimeType": "x",
        "sha256": "x",
        "chunkSize": 1,
        "chunkHashes": ["x"],
        "compress": {"preset": "FAST", "maxHeight": 1},
        "idempotencyKey": "",
    }
    payload = await shared.api.data(INIT, input=wrong)
    assert [error["field"][1] for error in payload["userErrors"]] == list(wrong)
    assert payload["userErrors"][6]["field"] == ["input", "compress", "maxHeight"]
    assert shared.staged == before


MISTYPED: dict[str, Json] = {
    "an unknown preset": {"compress": {"preset": "TINY"}},
    "no preset": {"compress": {}},
    "a size in words": {"size": "big"},
    "a size in digits": {"size": "100000"},
    "half a byte": {"size": 0.5},
    "a size beyond counting": {"size": 2**53 + 1},
    "a size without end": {"size": 10**400},
    "a boolean size": {"size": True},
    "no size": {"size": None},
    "no name": {"fileName": None},
    "a name that is a list": {"fileName": ["a", "b"]},
    "an unknown field": {"colour": "red"},
    "a chunk size beyond Int": {"chunkSize": 2**31},
}


@pytest.mark.parametrize("change", MISTYPED.values(), ids=MISTYPED.keys())
async def test_an_input_of_the_wrong_type_is_an_invalid_request(shared: SharedServer, change: Json) -> None:
    before = shared.staged
    answer = await shared.api.call(INIT, input={**GOOD, **change})
    assert answer.get("data") is None
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"GRAPHQL_INVALID"}
    assert shared.staged == before


async def test_an_anonymous_client_cannot_start_an_upload(shared: SharedServer) -> None:
    before = shared.staged
    answer = await Api(shared.http).call(INIT, input=GOOD)
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert shared.staged == before


@pytest.mark.parametrize(
    "change", [{"size": 1}, {"size": 100_000.0}, {"fileName": "📼" * 63}, {"mimeType": "a/b; c=d"}]
)
async def test_unusual_but_valid_input_is_accepted(shared: SharedServer, change: Json) -> None:
    payload = await shared.api.data(INIT, input={**GOOD, **change})
    assert (payload["userErrors"], payload["upload"]["status"]) == ([], "RECEIVING")
    await shared.api.data(ABORT, id=payload["upload"]["id"])


async def test_a_size_can_be_a_literal_in_the_document(shared: SharedServer) -> None:
    document = 'mutation { initUpload(input: {fileName: "a", size: %s}) { upload { size } userErrors { code } } }'
    assert (await shared.api.data(document % "5"))["upload"] == {"size": 5}
    for wrong in ("5.0", '"5"', "true", "9" * 30, "BIG", "[5]", "{}"):
        answer = await shared.api.call(document % wrong)
        assert answer["errors"][0]["extensions"]["code"] == "GRAPHQL_INVALID", wrong


async def test_the_same_idempotency_key_returns_the_same_upload(shared: SharedServer) -> None:
    keyed = {**GOOD, "idempotencyKey": "the same upload"}
    first, again = [await shared.api.data(INIT, input=keyed) for _ in range(2)]
    assert first["upload"]["id"] == again["upload"]["id"]
    assert again["userErrors"] == []


@pytest.mark.parametrize("change", [{"size": 100_001}, {"fileName": "other.mp4"}, {"sha256": "a" * 64}], ids=str)
async def test_the_same_idempotency_key_for_another_file_is_a_conflict(shared: SharedServer, change: Json) -> None:
    keyed = {**GOOD, "idempotencyKey": f"a conflict {change}"}
    await shared.api.data(INIT, input=keyed)
    before = shared.staged
    (error,) = (await shared.api.data(INIT, input={**keyed, **change}))["userErrors"]
    assert (error["field"], error["code"]) == (["input", "idempotencyKey"], "IDEMPOTENCY_CONFLICT")
    assert shared.staged == before


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def others_upload(shared: SharedServer) -> str:
    """The ID of an upload of another account."""
    async with another_user(shared) as other:
        upload_id: str = (await other.init(b"content"))["id"]
    return upload_id


UNKNOWN = ["00000000-0000-0000-0000-000000000000", "", "x", "\0", "'; DROP TABLE upload", "9" * 10_000]


@pytest.mark.parametrize("document", [COMPLETE, ABORT], ids=["complete", "abort"])
@pytest.mark.parametrize("upload_id", ["others_upload", *UNKNOWN])
async def test_a_mutation_does_not_find_an_upload_of_another_account(
    shared: SharedServer, others_upload: str, document: str, upload_id: str
) -> None:
    payload = await shared.api.data(document, id=others_upload if upload_id == "others_upload" else upload_id)
    assert payload["upload"] is None
    assert [error["code"] for error in payload["userErrors"]] == ["NOT_FOUND"]


@pytest.mark.parametrize("field", ["upload", "node", "file"])
@pytest.mark.parametrize("upload_id", ["others_upload", *UNKNOWN])
async def test_a_query_does_not_find_an_upload_of_another_account(
    shared: SharedServer, others_upload: str, field: str, upload_id: str
) -> None:
    document = f"query ($id: ID!) {{ {field}(id: $id) {{ id }} }}"
    assert await shared.api.data(document, id=others_upload if upload_id == "others_upload" else upload_id) is None


@pytest.mark.parametrize("upload_id", ["others_upload", *UNKNOWN[:3]])
async def test_a_subscription_does_not_find_an_upload_of_another_account(
    shared: SharedServer, others_upload: str, upload_id: str
) -> None:
    body = {"query": PROGRESS, "variables": {"id": others_upload if upload_id == "others_upload" else upload_id}}
    answer = await shared.api.http.post("/graphql", json=body, headers={"Accept": "text/event-stream"})
    assert "NOT_FOUND" in answer.text
    assert "RECEIVING" not in answer.text


async def test_uploads_of_another_account_are_not_listed(shared: SharedServer, others_upload: str) -> None:
    document = "{ uploads(first: 100) { nodes { id } } }"
    assert others_upload not in {node["id"] for node in (await shared.api.data(document))["nodes"]}
