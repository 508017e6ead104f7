"""No response costs more than the price that was reserved for it. An overrun is a defect, and is logged and counted."""

import logging
import secrets
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest
import pytest_asyncio
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
)
from graphql.type import get_nullable_type, is_required_argument, is_required_input_field

from schema.build import build_schema
from schema.cost.weights import Weights
from schema.execution.documents import Operation
from tests.schema.cost.pricing import plan
from tests.support.server import Json, sse_events
from tests.support.shared_server import SharedServer, another_user

pytestmark = pytest.mark.asyncio(loop_scope="module")

SERVED = build_schema().as_graphql()
assert SERVED.subscription_type
WEIGHTS = Weights.of(SERVED)
#: The number of items of each page, and of each argument that is a list.
ITEMS = 3
#: Deep enough for the items of a page and for their pages, in a document of less than 500 fields.
DEPTH = 4
#: The subscription that does not end by itself.
ENDLESS = "activity"
#: What would sign out the user of the other tests.
ENDS_THE_SESSION = {"logout"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def file_id(shared: SharedServer) -> str:
    """The ID of one of the user's two files."""
    for content in (b"one", b"two"):
        await shared.api.upload(content)
    return str((await shared.api.data("{ files { nodes { id } } }"))["nodes"][0]["id"])


def root_fields() -> Iterator[Any]:
    """Every query and every mutation, once with its required arguments and once with all of them."""
    for root, kind in ((SERVED.query_type, "query"), (SERVED.mutation_type, "mutation")):
        assert root
        for name, field in root.fields.items():
            for every in (False, True):
                yield pytest.param(kind, name, field, every, id=f"{name}-{'all' if every else 'needed'}")


@pytest.mark.parametrize(("kind", "name", "field", "every"), [*root_fields()])
async def test_no_response_costs_more_than_its_price(
    shared: SharedServer, file_id: str, kind: str, name: str, field: GraphQLField, every: bool
) -> None:
    subject = file_id if name in {"file", "node"} else (await shared.api.init(secrets.token_bytes(10)))["id"]
    arguments = {key: one for key, one in field.args.items() if key != "last" and (every or is_needed(key, one))}
    variables = {key: value_of(key, one, subject, every) for key, one in arguments.items()}
    variable_types = ", ".join(f"${key}: {field.args[key].type}" for key in variables)
    passed = ", ".join(f"{key}: ${key}" for key in variables)
    selection = selection_of(get_named_type(field.type), ())
    head = f"{kind} ({variable_types})" if variable_types else kind
    text = f"{head} {{ {name}{f'({passed})' if passed else ''} {selection} }}"
    async with another_user(shared) if name in ENDS_THE_SESSION else nullcontext(shared.api) as api:
        answer = await api.call(text, **variables)
    assert "data" in answer, answer
    operation = plan(WEIGHTS, text)
    assert operation.actual(answer.get("data"), variables) <= operation.price(variables)
    assert answer["extensions"]["cost"]["requestedQueryCost"] >= operation.price(variables)


def is_needed(name: str, argument: GraphQLArgument) -> bool:
    """Whether an argument is required, or needed to keep the price of a page low."""
    return is_required_argument(argument) or name == "first"


LATER = "2999-01-01T00:00:00Z"


def value_of(name: str, element: Any, upload_id: str, every: bool) -> Any:
    """A value for an argument or an input field. The field need not accept it."""
    kind = get_named_type(element.type)
    if isinstance(kind, GraphQLInputObjectType):
        value: Any = {
            key: value_of(key, one, upload_id, every)
            for key, one in kind.fields.items()
            if every or is_required_input_field(one)
        }
    elif isinstance(kind, GraphQLEnumType):
        value = next(iter(kind.values))
    else:
        text = "{ me { id } }" if name == "query" else f"{name}@example.org"
        value = {
            "Int": ITEMS,
            "ByteSize": 10,
            "Boolean": False,
            "Float": 1.5,
            "ID": upload_id,
            "JSON": {},
            "DateTime": LATER,
        }.get(kind.name, text)
    return [value] * ITEMS if is_list_type(get_nullable_type(element.type)) else value


def selection_of(kind: GraphQLNamedType, above: tuple[str, ...]) -> str:
    """A selection of every field of a type and of the types below it."""
    if is_leaf_type(kind):
        return ""
    if is_abstract_type(kind):
        # A field of the same name may have different types on different types.
        members = [
            f"... on {one.name} {{ {' '.join(f'{one.name}_{name}: {name}' for name in leaves(one))} }}"
            for one in SERVED.get_possible_types(kind)
        ]
        return f"{{ __typename {' '.join(members)} }}"
    assert isinstance(kind, GraphQLObjectType | GraphQLInterfaceType)
    fields = [selected(name, field, (*above, kind.name)) for name, field in kind.fields.items()]
    return f"{{ __typename {' '.join(fields)} }}"


def leaves(kind: GraphQLObjectType) -> list[str]:
    return [name for name, field in kind.fields.items() if is_leaf_type(get_named_type(field.type))]


def selected(name: str, field: GraphQLField, above: tuple[str, ...]) -> str:
    below = get_named_type(field.type)
    if below.name in above or len(above) > DEPTH:
        return ""
    arguments = ", ".join(f"{key}: {ITEMS}" for key, one in field.args.items() if is_needed(key, one))
    return f"{name}{f'({arguments})' if arguments else ''} {selection_of(below, above)}"


async def overruns(shared: SharedServer) -> float:
    text = (await shared.http.get("/metrics")).text
    return sum(float(line.split()[1]) for line in text.splitlines() if line.startswith("cloudkeep_cost_overruns_total"))


@pytest.mark.parametrize(("name", "field"), [*SERVED.subscription_type.fields.items()])
async def test_no_frame_costs_more_than_its_price(shared: SharedServer, name: str, field: GraphQLField) -> None:
    before = await overruns(shared)
    upload = await shared.api.init(secrets.token_bytes(4 * 65_536), chunkSize=65_536)
    given = f'(uploadId: "{upload["id"]}")' if "uploadId" in field.args else ""
    text = f"subscription {{ {name}{given} {selection_of(get_named_type(field.type), ())} }}"
    operation = plan(WEIGHTS, text)
    costs = []
    headers = {"Accept": "text/event-stream"}
    async with shared.api.http.stream("POST", "/graphql", json={"query": text}, headers=headers) as response:
        async for event in sse_events(response):
            assert "errors" not in event, event
            costs.append(event["extensions"]["cost"])
            if len(costs) == 1:
                for slot in upload["slots"]["nodes"]:
                    await shared.api.put(slot, bytes(slot["offset"] + slot["size"]))
            if name == ENDLESS and len(costs) == 3:
                break
    frame = operation.price({}) - operation.start({})
    assert [cost["requestedQueryCost"] for cost in costs] == [operation.price({}), *[frame] * (len(costs) - 1)]
    assert len(costs) > 1
    assert all(0 < cost["actualQueryCost"] <= cost["requestedQueryCost"] for cost in costs)
    assert await overruns(shared) == before


async def test_a_cost_above_the_price_is_logged_and_counted_and_only_the_price_is_paid(
    shared: SharedServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    before = await overruns(shared)
    monkeypatch.setattr(Operation, "actual", lambda *_: 1_055)
    with caplog.at_level(logging.ERROR, "cloudkeep.graphql"):
        answer = await shared.api.call("query Mine { me { id } }")
    cost: Json = answer["extensions"]["cost"]
    assert (cost["requestedQueryCost"], cost["actualQueryCost"]) == (2, 2)
    assert await overruns(shared) == before + 1
    assert "query Mine cost 1055 points, and its price was 2" in caplog.text
