"""Introspection costs a tenth of a point for each object that it returns."""

from typing import Any

import pytest
from graphql import execute_sync, get_introspection_query, introspection_types, is_leaf_type, parse
from graphql.type import GraphQLObjectType, get_named_type

from schema.cost.introspection import OBJECTS_PER_POINT, PARTS
from schema.cost.weights import Weights
from schema.error_codes import RequestErrorCode
from tests.schema.cost.pricing import plan, price

FULL = get_introspection_query(specified_by_url=True, directive_is_repeatable=True, input_value_deprecation=True)
DOCUMENTS = [
    FULL,
    "{ __schema { queryType { name } mutationType { fields { args { type { ofType { name } } } } } } }",
    '{ __type(name: "Upload") { name fields { name } interfaces { possibleTypes { name } } } }',
    '{ __type(name: "UserErrorCode") { enumValues { name } } a: __type(name: "LoginInput") { inputFields { name } } }',
    '{ __type(name: "Nothing") { name } }',
    "{ __schema { types { ...F } types { ... { ...F fields { name } } } } } fragment F on __Type { ofType { kind } }",
    "{ __schema { directives { args { type { kind } } } types @skip(if: true) { name } } }",
]


def objects(value: Any) -> int:
    """The objects in an answer."""
    if isinstance(value, list):
        return sum(map(objects, value))
    return 1 + sum(map(objects, value.values())) if isinstance(value, dict) else 0


@pytest.mark.parametrize("document", DOCUMENTS)
def test_introspection_costs_by_the_objects_it_returns(weights: Weights, document: str) -> None:
    result = execute_sync(weights.schema, parse(document))
    assert not result.errors
    expected = sum(-(-objects(value) // OBJECTS_PER_POINT) for value in (result.data or {}).values())
    assert price(weights, document) == expected
    assert plan(weights, document).actual(result.data) == expected


def test_a_type_that_is_named_by_a_variable_costs_as_the_dearest(weights: Weights) -> None:
    document = "query ($name: String!) { __type(name: $name) { fields { name } enumValues { name } } }"
    most = max(len(kind.fields) for kind in weights.schema.type_map.values() if isinstance(kind, GraphQLObjectType))
    codes = len(RequestErrorCode)
    assert price(weights, document, {"name": "File"}) == -(-(1 + max(most, codes)) // OBJECTS_PER_POINT)


def test_every_field_of_introspection_that_returns_objects_is_counted() -> None:
    known = {
        f"{name}.{field}"
        for name, kind in introspection_types.items()
        if isinstance(kind, GraphQLObjectType)
        for field, definition in kind.fields.items()
        if not is_leaf_type(get_named_type(definition.type))
    }
    assert known == PARTS.keys()
