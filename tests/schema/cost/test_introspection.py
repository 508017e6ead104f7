"""Introspection costs a tenth of a point for each object that it returns."""

from typing import Any

import pytest
from graphql import build_schema, execute_sync, get_introspection_query, introspection_types, is_leaf_type, parse
from graphql.type import GraphQLObjectType, get_named_type
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from schema.cost.introspection import OBJECTS_PER_POINT, PARTS
from schema.cost.weights import Weights
from schema.cost.work_limit import OperationTooComplex
from schema.error_codes import RequestErrorCode
from tests.schema.cost.pricing import plan, price

FULL = get_introspection_query(specified_by_url=True, directive_is_repeatable=True, input_value_deprecation=True)
DOCUMENTS = [
    FULL,
    "{ __schema { queryType { name } mutationType { fields { args { type { ofType { name } } } } } } }",
    '{ __type(name: "Upload") { name fields { name } interfaces { possibleTypes { name } } } }',
    '{ __type(name: "UserErrorCode") { enumValues { name } } a: __type(name: "LoginInput") { inputFields { name } } }',
    '{ __type(name: "Nothing") { name } }',
    "{ __schema { types { ...F } types { ... { ...F fields(includeDeprecated: true) { name } } } } } "
    "fragment F on __Type { ofType { kind } }",
    "{ __schema { directives { args { type { kind } } } types @skip(if: true) { name } } }",
]


def objects(value: Any) -> int:
    """The objects in an answer."""
    if isinstance(value, list):
        return sum(map(objects, value))
    return 1 + sum(map(objects, value.values())) if isinstance(value, dict) else 0


@pytest.mark.parametrize("document", DOCUMENTS)
def test_introspection_costs_a_tenth_of_a_point_per_object(weights: Weights, document: str) -> None:
    result = execute_sync(weights.schema, parse(document))
    assert not result.errors
    expected = sum(-(-objects(value) // OBJECTS_PER_POINT) for value in (result.data or {}).values())
    assert price(weights, document) == expected
    assert plan(weights, document).actual(result.data) == expected


def test_a_type_that_a_variable_names_costs_as_much_as_the_most_expensive_one(weights: Weights) -> None:
    document = "query ($name: String!) { __type(name: $name) { fields { name } enumValues { name } } }"
    most = max(len(kind.fields) for kind in weights.schema.type_map.values() if isinstance(kind, GraphQLObjectType))
    codes = len(RequestErrorCode)
    assert price(weights, document, {"name": "File"}) == -(-(1 + max(most, codes)) // OBJECTS_PER_POINT)


def test_every_field_of_introspection_that_returns_objects_is_counted() -> None:
    coordinates = {
        f"{name}.{field}"
        for name, kind in introspection_types.items()
        if isinstance(kind, GraphQLObjectType)
        for field, definition in kind.fields.items()
        if not is_leaf_type(get_named_type(definition.type))
    }
    assert coordinates == PARTS.keys()


DEEP_TYPE = "ofType { kind " * 9 + "}" * 9
UNLIKELY = [
    # Only wrapper types, deeper than those of any field.
    f"{{ __schema {{ types {{ fields(includeDeprecated: true) {{ type {{ {DEEP_TYPE} }} }} }} }} }}",
    '{ __type(name: "Old") { fields { name } all: fields(includeDeprecated: true) { name type { name } } } }',
    '{ __type(name: "Colour") { enumValues { name } all: enumValues(includeDeprecated: true) { name } } }',
    '{ __type(name: "Where") { inputFields { name } all: inputFields(includeDeprecated: true) { name } } }',
    '{ __type(name: "Old") { fields { args { name } all: args(includeDeprecated: true) { name } } } }',
    "{ __schema { directives { args { name } all: args(includeDeprecated: true) { name } } } }",
    '{ __type(name: "Query") { __typename kind } __typename a: __typename }',
    '{ __type(name: "__Type") { fields { name type { name ofType { name } } } } }',
]
OLD = Weights.of(
    build_schema("""
directive @cost(weight: String!) on OBJECT
directive @old(a: Int, b: Int @deprecated) on FIELD
type Query @cost(weight: "0") { old: [[Old!]!]! }
type Old { new: Int  old: Int @deprecated  with(a: Int, b: Int = 1 @deprecated): Colour @deprecated(reason: "Red") }
enum Colour { RED  GREEN @deprecated }
input Where { a: Int  b: Int @deprecated }
""")
)


def points(data: Any) -> int:
    """The cost of the objects in a response, rounded for each root field."""
    return sum(-(-objects(value) // OBJECTS_PER_POINT) for value in (data or {}).values())


@pytest.mark.parametrize("document", UNLIKELY)
def test_deprecated_elements_and_all_wrapper_types_count(document: str) -> None:
    result = execute_sync(OLD.schema, parse(document))
    assert not result.errors
    every = execute_sync(OLD.schema, parse(with_deprecated(document)))
    assert points(result.data) <= price(OLD, document) == points(every.data)


def with_deprecated(document: str) -> str:
    """The same document, with ``includeDeprecated: true`` on every field."""
    for name in ("fields", "enumValues", "inputFields", "args"):
        document = document.replace(f"{name} {{", f"{name}(includeDeprecated: true) {{")
    return document


@st.composite
def introspective(draw: st.DrawFn, kind: str = "", depth: int = 6) -> str:
    """A random selection of introspection, or of one of its types."""
    if not kind:
        root = draw(
            st.sampled_from(["__schema", '__type(name: "Old")', '__type(name: "Query")', '__type(name: "__Type")'])
        )
        return f"{{ {root} {draw(introspective('__Schema' if root == '__schema' else '__Type', depth))} __typename }}"
    of_kind = introspection_types[kind]
    fields = of_kind.fields if isinstance(of_kind, GraphQLObjectType) else {}
    selections = ["__typename"]
    for name in draw(st.lists(st.sampled_from(sorted(fields)), min_size=1, max_size=3, unique=True)):
        below = get_named_type(fields[name].type)
        if is_leaf_type(below):
            selections.append(name)
        elif depth:
            argument = f"(includeDeprecated: {draw(st.sampled_from(['true', 'false', '$all']))})"
            arguments = argument if "includeDeprecated" in fields[name].args and draw(st.booleans()) else ""
            selections.append(f"{name}{arguments} {draw(introspective(below.name, depth - 1))}")
    return f"{{ {' '.join(selections)} }}"


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(selection=introspective(), include=st.booleans())
def test_no_introspection_returns_more_objects_than_its_price_covers(selection: str, include: bool) -> None:
    document = f"query ($all: Boolean! = {str(include).lower()}) {selection}"
    try:
        maximum = price(OLD, document)
    except OperationTooComplex:
        assume(False)
    assume(maximum <= 1_000)
    result = execute_sync(OLD.schema, parse(document))
    assert not result.errors
    assert points(result.data) <= maximum
    assert plan(OLD, document).actual(result.data) == maximum
