"""Every operation is paid for from its client's budget, once, and at its actual cost."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from schema.execution.admission import INVALID_COST, VALUES_A_POINT
from schema.execution.documents import TOKENS_A_POINT
from schema.execution.variables import MAX_VALUES
from services.budgets.budgets import Limit
from services.core.errors import ErrorCode
from tests.support.backends.databases import Databases
from tests.support.server import PROGRESS, Json, sse_events
from tests.support.shared_server import SharedServer, another_user, shared_server

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: Nothing is restored while the tests run.
BUDGET = Limit(20_000, 1e-6)
LEFT = "{ rateLimit { remaining } }"
PAGE = "query ($first: Int) { uploads(first: $first) { nodes { id file { name } } } }"
COST = """query ($query: String!, $variables: JSON, $name: String) {
  operationCost(query: $query, variables: $variables, operationName: $name) {
    requestedQueryCost maximum fields { path coordinate times cost total } } }"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> AsyncIterator[SharedServer]:
    """A server whose budgets are not refilled."""
    folder = tmp_path_factory.mktemp("stand")
    async with shared_server(folder, databases, budget_account=BUDGET, subscriptions=(1, 1)) as running:
        yield running


async def left(running: SharedServer) -> int:
    """The remaining points of the account's budget."""
    points: int = (await running.api.data(LEFT))["remaining"]
    return points


async def paid(running: SharedServer, document: str, **variables: object) -> tuple[int, Json]:
    """The points that an operation took from the budget, and its response."""
    before = await left(running)
    answer = await running.api.call(document, **variables)
    return before - await left(running), answer


def cost_of(answer: Json) -> Json:
    cost: Json = answer["extensions"]["cost"]
    return cost


async def test_an_operation_takes_its_actual_cost_from_the_budget(shared: SharedServer) -> None:
    await shared.api.init(b"one")
    points, answer = await paid(shared, PAGE, first=100)
    cost = cost_of(answer)
    # 2 for the connection, 2 for the list and its upload, 1 for the field `file`, which is null.
    assert (points, cost["actualQueryCost"]) == (5, 5)
    assert cost["requestedQueryCost"] == 2 + 1 + 100 * (1 + 2)


async def test_a_response_has_the_remaining_budget(shared: SharedServer) -> None:
    answer = await shared.api.call("{ me { id } }")
    status = cost_of(answer)["throttleStatus"]
    assert status == {
        "maximumAvailable": BUDGET.capacity,
        "currentlyAvailable": await left(shared),
        "restoreRate": BUDGET.refill,
    }


async def test_a_request_can_ask_for_the_status_of_every_layer(shared: SharedServer) -> None:
    body = {"query": "{ me { id } }", "extensions": {"cost": "layers"}}
    response = await shared.api.http.post("/graphql", json=body)
    layers = cost_of(response.json())["layers"]
    assert [layer["layer"] for layer in layers] == ["address", "account"]
    assert layers[1]["maximumAvailable"] == BUDGET.capacity


@pytest.mark.parametrize(
    ("document", "variables"),
    [
        ("{", {}),
        ("{ nothing }", {}),
        ("query A { me { id } } query B { me { id } }", {}),
        ("query ($n: Int!) { uploads(first: $n) { nodes { id } } }", {"n": "x"}),
        ("subscription { uploadProgress(uploadId: 1) { cursor } }", {}),
        ("{ uploads(first: 100) { nodes { slots(first: 1000) { nodes { url } } } } }", {}),
    ],
    ids=["syntax", "validation", "which operation", "variables", "subscription", "too expensive"],
)
async def test_an_operation_that_cannot_run_costs_a_flat_price(
    shared: SharedServer, document: str, variables: dict[str, Any]
) -> None:
    for _ in range(2):
        points, answer = await paid(shared, document, **variables)
        assert (points, cost_of(answer)["requestedQueryCost"]) == (INVALID_COST, INVALID_COST)
        assert "data" not in answer


async def test_no_operation_may_cost_more_than_the_maximum(shared: SharedServer) -> None:
    answer = await shared.api.call("{ uploads(first: 100) { nodes { slots(first: 1000) { nodes { url } } } } }")
    (error,) = answer["errors"]
    extensions = error["extensions"]
    assert (extensions["code"], extensions["limit"]) == ("OPERATION_TOO_COMPLEX", "cost")
    assert extensions["actual"] > extensions["maximum"] == shared.settings.max_operation_cost


async def test_a_failed_operation_costs_as_much_as_its_resolved_fields(shared: SharedServer) -> None:
    points, answer = await paid(shared, '{ uploads(first: 100, after: "x") { nodes { id } } }')
    assert answer["errors"][0]["extensions"]["code"] == ErrorCode.INVALID_INPUT
    assert (points, cost_of(answer)["actualQueryCost"]) == (1, 1)


async def test_a_field_that_fails_last_does_not_make_the_others_free(shared: SharedServer) -> None:
    await shared.api.init(b"two")
    document = """{ files(first: 100) { nodes { id } }
        uploads(first: 1) { nodes { slots(after: "x") { nodes { index } } } } }"""
    points, answer = await paid(shared, document)
    assert answer["data"] is None
    # Both connections with their lists, all files, the upload, and its field `slots`, but not the slots.
    expected = (3 + 100) + (3 + 1 + 5)
    assert (points, cost_of(answer)["actualQueryCost"]) == (expected, expected)


async def test_a_long_document_has_a_price_even_if_it_selects_little(shared: SharedServer) -> None:
    unused = " ".join(f"a{number}: uploads {{ nodes {{ id }} }}" for number in range(50))
    document = f"query ($no: Boolean = false) {{ ... on Query @include(if: $no) {{ {unused} }} rateLimit {{ cost }} }}"
    tokens = 50 * 9 + 24
    for _ in range(2):
        points, answer = await paid(shared, document)
        assert points == answer["data"]["rateLimit"]["cost"] == tokens // TOKENS_A_POINT
        assert cost_of(answer)["actualQueryCost"] == points


MANY = 5_000


@pytest.mark.parametrize("values", [[1] * MANY, [1] * MAX_VALUES], ids=["wrong", "too many"])
async def test_many_values_in_variables_are_paid_for_before_they_are_coerced(
    shared: SharedServer, values: list[object]
) -> None:
    document = "mutation ($input: InitUploadInput!) { initUpload(input: $input) { userErrors { code } } }"
    points, answer = await paid(shared, document, input={"fileName": "x", "size": 1, "chunkHashes": values})
    counted = min(len(values) + 3 + 1, MAX_VALUES + 1)
    assert points == cost_of(answer)["requestedQueryCost"] == INVALID_COST + counted // VALUES_A_POINT
    assert "data" not in answer


async def test_a_valid_operation_with_many_values_costs_no_more(shared: SharedServer) -> None:
    query = (
        "query ($query: String!, $variables: JSON) { operationCost(query: $query, variables: $variables) { maximum } }"
    )
    points, answer = await paid(shared, query, query="{ me { id } }", variables={"a": [1] * MANY})
    assert (points, answer["data"]["operationCost"]["maximum"]) == (INVALID_COST, shared.settings.max_operation_cost)


async def test_parsing_a_document_costs_points_even_if_the_client_cannot_pay_for_the_operation(
    shared: SharedServer,
) -> None:
    async with another_user(shared) as other:
        person = replace(shared, api=other)
        await other.init(b"four")
        many = " ".join(f"a{number}: files(first: 100) {{ nodes {{ id }} }}" for number in range(90))
        wrong = 'uploads(first: 1) { nodes { slots(after: "x") { nodes { index } } } }'
        for _ in range(2):
            await other.call(f"{{ {many} {wrong} }}")
        remaining = await left(person)
        assert INVALID_COST < remaining < 2_000
        for document in (f"{{ {many} }}", f"{{ {many} me {{ id }} }}"):
            for expected in (INVALID_COST, 0):
                points, answer = await paid(person, document)
                assert answer["errors"][0]["extensions"]["code"] == ErrorCode.RATE_LIMITED
                # The document is cached now, so that another refusal costs nothing.
                assert points == expected
                assert cost_of(answer)["requestedQueryCost"] > 90 * 100


async def test_querying_the_rate_limit_is_free(shared: SharedServer) -> None:
    points, answer = await paid(
        shared, "{ rateLimit { cost limit remaining used resetAt restoreRate layers { name } } }"
    )
    rate_limit = answer["data"]["rateLimit"]
    assert (points, rate_limit["cost"], cost_of(answer)["requestedQueryCost"]) == (0, 0, 0)
    assert rate_limit["limit"] == rate_limit["remaining"] + rate_limit["used"] == BUDGET.capacity
    assert [layer["name"] for layer in rate_limit["layers"]] == ["address", "account"]


async def test_the_rate_limit_shows_the_budget_for_bytes(shared: SharedServer) -> None:
    upload = await shared.api.init(b"w" * 10)
    limit = shared.settings.budget_ingest
    assert limit
    (slot,) = upload["slots"]["nodes"]
    assert (await shared.api.put(slot, b"w" * 10)).status_code == 200
    points, answer = await paid(shared, "{ rateLimit { ingest { limit remaining restoreRate } } }")
    ingest = answer["data"]["rateLimit"]["ingest"]
    assert (points, ingest["limit"], ingest["restoreRate"]) == (1, limit.capacity, limit.refill)
    assert limit.capacity - 100 < ingest["remaining"] <= limit.capacity


async def test_the_rate_limit_shows_the_price_of_the_other_fields(shared: SharedServer) -> None:
    answer = await shared.api.call("{ me { id } rateLimit { cost remaining } }")
    rate_limit = answer["data"]["rateLimit"]
    assert (rate_limit["cost"], rate_limit["remaining"]) == (2, cost_of(answer)["throttleStatus"]["currentlyAvailable"])


async def test_the_price_of_an_operation_can_be_queried_without_running_it(shared: SharedServer) -> None:
    operation = {"query": PAGE, "variables": {"first": 50}}
    points, answer = await paid(shared, COST, **operation)
    operation_cost = answer["data"]["operationCost"]
    assert points == INVALID_COST + len(operation_cost["fields"])
    assert operation_cost["requestedQueryCost"] == cost_of(await shared.api.call(PAGE, first=50))["requestedQueryCost"]
    assert operation_cost["maximum"] == shared.settings.max_operation_cost
    rows = [(row["path"], row["coordinate"], row["times"]) for row in operation_cost["fields"]]
    assert ("uploads.nodes.file", "Upload.file", 50) in rows
    assert operation_cost["fields"][0]["total"] == operation_cost["requestedQueryCost"]


async def test_an_operation_can_have_operation_cost_once(shared: SharedServer) -> None:
    operation = " ".join(f'a{number}: operationCost(query: "{{ me {{ id }} }}") {{ maximum }}' for number in range(2))
    answer = await shared.api.call(f"{{ {operation} }}")
    (error,) = answer["errors"]
    assert (error["extensions"]["code"], error["path"]) == (ErrorCode.INVALID_INPUT, ["a1"])


@pytest.mark.parametrize(
    ("operation", "field"),
    [
        ({"query": "{ nothing }"}, "Cannot query field"),
        ({"query": PAGE, "variables": {"first": "x"}}, "first"),
        ({"query": PAGE, "variables": [1]}, "object"),
        ({"query": PAGE, "name": "x"}, "Unknown operation"),
    ],
)
async def test_an_operation_that_cannot_run_has_no_price(
    shared: SharedServer, operation: dict[str, Any], field: str
) -> None:
    answer = await shared.api.call(COST, **operation)
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == ErrorCode.INVALID_INPUT
    assert field in error["message"]


async def test_the_headers_of_an_event_stream_have_the_remaining_budget(shared: SharedServer) -> None:
    upload = await shared.api.init(b"z" * 10)
    async with shared.api.http.stream("POST", "/graphql", **watching(upload["id"])) as response:
        assert f'"account";r={await left(shared)};' in response.headers["RateLimit"]
    await shared.api.call(
        "mutation ($id: ID!) { abortUpload(input: {uploadId: $id}) { userErrors { code } } }", id=upload["id"]
    )


async def test_a_subscription_above_the_limit_is_refused(shared: SharedServer) -> None:
    upload = await shared.api.init(b"y" * 10)
    async with shared.api.http.stream("POST", "/graphql", **watching(upload["id"])) as response:
        events = sse_events(response)
        await anext(events)
        points, refused = await paid_for_frames(shared, upload["id"])
        await events.aclose()  # type: ignore[attr-defined]
    (error,) = refused["errors"]
    assert error["extensions"]["code"] == ErrorCode.TOO_MANY_SUBSCRIPTIONS
    assert points == cost_of(refused)["actualQueryCost"] < cost_of(refused)["requestedQueryCost"]


async def test_every_account_has_its_own_budget(shared: SharedServer) -> None:
    async with another_user(shared) as other:
        assert (await other.data(LEFT))["remaining"] == BUDGET.capacity
    assert await left(shared) < BUDGET.capacity


def watching(upload_id: str) -> dict[str, Any]:
    """A request for an upload's progress as Server-Sent Events."""
    body = {"query": PROGRESS, "variables": {"id": upload_id}}
    return {"json": body, "headers": {"Accept": "text/event-stream"}}


async def frames(shared: SharedServer, upload_id: str, most: int = 1_000) -> list[Json]:
    """The responses of a subscription, at most ``most``."""
    responses: list[Json] = []
    async with shared.api.http.stream("POST", "/graphql", **watching(upload_id)) as response:
        async for event in sse_events(response):
            responses.append(event)
            if len(responses) == most:
                break
    return responses


async def paid_for_frames(shared: SharedServer, upload_id: str) -> tuple[int, Json]:
    before = await left(shared)
    (answer,) = await frames(shared, upload_id)
    return before - await left(shared), answer
