"""The price of an operation depends only on its own variables, and never on those of earlier requests."""

from typing import Any

import pytest
from graphql import GraphQLSchema, OperationDefinitionNode, build_schema, parse
from graphql.execution.values import VariableValues, get_variable_values
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schema.cost.graph import CostGraphs
from schema.cost.plan import plan_operation
from schema.cost.weights import Weights
from schema.execution.documents import Operation
from tests.schema.cost.documents import VARIABLES, documents
from tests.schema.cost.pricing import operation_of
from tests.schema.cost.reference import Reference
from tests.schema.cost.rich import SDL

SCHEMA = build_schema(SDL)
WEIGHTS = Weights.of(SCHEMA)
#: The same examples in every run.
SAME = settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
#: The capacity of the cache: only a few graphs, so that some are evicted and compiled again.
STEPS = 300

#: A schema with every kind of argument that can change a price: lengths, weights, conditions and input objects.
KINDS = """
directive @cost(weight: String!) on ARGUMENT_DEFINITION | FIELD_DEFINITION | INPUT_FIELD_DEFINITION | OBJECT
directive @listSize(assumedSize: Int, slicingArguments: [String!]) on FIELD_DEFINITION
input Where { text: String @cost(weight: "7")  limit: Int = 6  inner: Where }
enum Order { UP DOWN }
type Item { id: ID }
type Query {
  items(first: Int = 5, last: Int, unset: Int): [Item] @listSize(slicingArguments: ["first", "last"], assumedSize: 30)
  plain(
    number: Int = 1 @cost(weight: "10"), flag: Boolean = true @cost(weight: "20"), order: Order = UP @cost(weight: "40")
    names: [String!] = ["x"] @cost(weight: "80"), where: Where = {text: "x"} @cost(weight: "160"), any: ID
  ): Item
}
"""

FLAGS = [{"x": skip, "y": include} for skip in (True, False) for include in (True, False)]
#: Fields whose price depends on variables. Each random document has one of them.
PRICED = [
    "priced: users(first: $n, last: $m) { name }",
    "priced: users(first: $n) { items(last: $m) { name } }",
    "priced: search(filter: {expensive: $text}, many: [$filter]) { name }",
    "priced: page(first: $n) { items { name @include(if: $yes) owner @skip(if: $no) { name } } }",
]
DECLARED = ["$n: Int", "$n: Int = 7", "$n: Int = null"]


@st.composite
def priced_documents(draw: st.DrawFn) -> str:
    """A random document whose price depends on a variable, which may have a default value."""
    head, rest = draw(documents(SCHEMA)).split("{", 1)
    return f"{head.replace('$n: Int', draw(st.sampled_from(DECLARED)))} {{ {draw(st.sampled_from(PRICED))} {rest}"


@st.composite
def requests_of_clients(draw: st.DrawFn) -> list[dict[str, object]]:
    """The variables of several requests. Some differ only in variables that are null or absent."""
    base: dict[str, object] = dict(draw(VARIABLES))
    names = st.sampled_from(["n", "m", "filter", "text"])
    requests = [base, *map(dict[str, object], draw(st.lists(VARIABLES, max_size=3)))]
    for name, is_null in draw(st.lists(st.tuples(names, st.booleans()), min_size=2, max_size=8)):
        rest = {key: value for key, value in requests[-1].items() if key != name}
        requests.append({**rest, name: None} if is_null else rest)
    return draw(st.permutations(requests))


def new_operation(weights: Weights, text: str) -> Operation:
    """An operation without cached prices."""
    document = parse(text)
    node = operation_of(document)
    return Operation(node, plan_operation(weights, document, node, CostGraphs(STEPS)), 0)


def coerce(schema: GraphQLSchema, node: OperationDefinitionNode, variables: dict[str, Any]) -> dict[str, Any]:
    """The variables as execution sees them."""
    coerced = get_variable_values(schema, node.variable_definitions or (), variables)
    assert isinstance(coerced, VariableValues), coerced
    return coerced.coerced


def test_a_null_variable_has_its_own_price_apart_from_an_absent_one() -> None:
    text = "query ($n: Int, $m: Int) { a: users(first: $n) { items(first: $m) { name } } }"
    operation = new_operation(WEIGHTS, text)
    nulls = operation.price({"n": None, "m": None})
    assert operation.price({}) < nulls
    assert operation.price({}) == new_operation(WEIGHTS, text).price({})
    assert operation.price({"n": None, "m": None}) == nulls


@pytest.mark.parametrize(
    ("declared", "argument", "values"),
    [
        ("$x: Int", "items(first: $x)", [{}, {"x": None}, {"x": 5}, {"x": 0}, {"x": 1}, {"x": -1}]),
        ("$x: Int = 9", "items(first: $x)", [{}, {"x": None}, {"x": 9}]),
        ("$x: Int, $y: Int", "items(first: $x, last: $y)", [{"x": 1, "y": 2}, {"x": 2}, {"y": None}, {"x": None}, {}]),
        ("$x: Int", "plain(number: $x)", [{"x": None}, {}, {"x": 1}, {"x": 0}]),
        ("$x: Boolean", "plain(flag: $x)", [{"x": None}, {}, {"x": False}, {"x": True}]),
        ("$x: Order", "plain(order: $x)", [{"x": None}, {}, {"x": "UP"}, {"x": "DOWN"}]),
        ("$x: [String!]", "plain(names: $x)", [{"x": None}, {}, {"x": []}, {"x": "one"}, {"x": ["a", "b"]}]),
        ("$x: Where", "plain(where: $x)", [{"x": None}, {}, {"x": {}}, {"x": {"text": None}}, {"x": {"text": ""}}]),
        ("$x: String", "plain(where: {inner: {text: $x}})", [{"x": None}, {}, {"x": ""}, {"x": "long"}]),
        ("$x: Boolean = true", "plain(any: 1) @include(if: $x)", [{"x": False}, {}, {"x": True}]),
        ("$x: Boolean!, $y: Boolean!", "plain @skip(if: $x) @include(if: $y)", FLAGS),
    ],
)
def test_each_value_of_a_variable_has_its_own_price(declared: str, argument: str, values: list[dict[str, Any]]) -> None:
    schema = build_schema(KINDS)
    weights, text = Weights.of(schema), f"query ({declared}) {{ {argument} {{ id }} }}"
    coerced = [coerce(schema, operation_of(parse(text)), one) for one in values]
    expected = [Reference(schema, parse(text), one).price() for one in coerced]
    for order in (1, -1):
        operation = new_operation(weights, text)
        assert [operation.price(one) for one in [*coerced, *coerced][::order]] == [*expected, *expected][::order]


@settings(SAME)
@given(text=priced_documents(), requests=requests_of_clients())
def test_the_variables_of_one_client_never_change_the_price_for_another(
    text: str, requests: list[dict[str, object]]
) -> None:
    warm = new_operation(WEIGHTS, text)
    coerced = [coerce(SCHEMA, warm.node, variables) for variables in requests]
    cold = [new_operation(WEIGHTS, text).price(variables) for variables in coerced]
    assert [warm.price(variables) for variables in coerced] == cold
    assert [warm.price(variables) for variables in reversed(coerced)] == cold[::-1]


@settings(SAME)
@given(text=priced_documents(), variables=VARIABLES, name=st.sampled_from(["n", "m", "filter", "text"]))
def test_null_and_absent_variables_are_priced_as_they_are_executed(
    text: str, variables: dict[str, object], name: str
) -> None:
    operation, document = new_operation(WEIGHTS, text), parse(text)
    absent = {key: value for key, value in variables.items() if key != name}
    for one in ({**absent, name: None}, absent, {**absent, name: None}):
        coerced = coerce(SCHEMA, operation.node, one)
        assert operation.price(coerced) == Reference(SCHEMA, document, coerced).price()


def test_one_and_true_have_different_prices() -> None:
    text = "query ($x: Boolean!) { users @include(if: $x) { name } user @skip(if: $x) { name } }"
    operation = new_operation(WEIGHTS, text)
    for value in (1, True, 0, False):
        assert operation.price({"x": value}) == new_operation(WEIGHTS, text).price({"x": value})
