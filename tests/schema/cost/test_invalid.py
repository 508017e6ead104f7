"""The analysis does not rely on validation: it accepts every invalid document."""

import pytest
from graphql import GraphQLSyntaxError, OperationDefinitionNode, build_schema, parse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schema.cost.plan import plan_operation
from schema.cost.weights import Weights
from schema.cost.work_limit import OperationTooComplex
from schema.execution.document_limits import check_limits
from tests.schema.cost.documents import documents
from tests.schema.cost.pricing import plan
from tests.schema.cost.rich import SDL

SCHEMA = build_schema(SDL)
WEIGHTS = Weights.of(SCHEMA)

INVALID = {
    "unknown field": ("{ nothing { at { all } } }", 0),
    "unknown field below": ("{ user { nothing } }", 3),
    "unknown fragment": ("{ user { ...Nowhere } }", 3),
    "unknown type condition": ("{ user { ... on Nothing { name } ...F } } fragment F on Nowhere { name }", 3),
    "a fragment in itself": ("{ user { ...F } } fragment F on User { name ...F }", 3),
    "a fragment below itself": ("{ user { ...F } } fragment F on User { self { ...F } }", 3 + 1),
    "fragments in each other": (
        "{ user { ...F } } fragment F on User { self { ...G } } fragment G on User { self { ...F } }",
        3 + 3 + 1,
    ),
    "introspection in itself": (
        "{ __schema { types { ...F } } } fragment F on __Type { fields { type { ...F } } }",
        1,
    ),
    "no selection": ("{ user }", 3),
    "a selection below a scalar": ("{ user { name { name } } }", 3),
    "unknown argument": ("{ users(nothing: 1) { name } }", 11),
    "argument of another type": ('{ users(first: "many", last: {a: 1}) { name } }', 201),
    "an argument twice": ("{ users(first: 1, first: 2) { name } }", 5),
    "unknown variable": ("{ users(first: $nothing) { name } }", 11),
    "input of another type": ("{ search(filter: 3, many: {nothing: [1]}) { name } }", 4 + 5 + 1 + 2),
    "unknown directive": ("{ user @nothing(if: 1) { name } }", 3),
    "a condition without its value": ('{ user @skip { name @include(if: "yes") } }', 3),
    "two fields under one key": ("{ a: user { name } a: users { name } }", 3),
    "a type that cannot be": ("{ user { ... on Item { owner { name } } } }", 3),
    "no such root": ("subscription { user { name } }", 0),
    "typename with a selection": ("{ __typename { user } }", 0),
    "introspection where it is not": ("{ user { __schema { types { name } } } }", 3),
    "no type of that name": ('{ __type(name: "Nothing") { name } }', 0),
}


@pytest.mark.parametrize(("document", "expected"), INVALID.values(), ids=INVALID.keys())
def test_an_invalid_document_costs_as_much_as_its_valid_parts(document: str, expected: int) -> None:
    operation = plan(WEIGHTS, document)
    price = operation.price()
    assert price == expected or (price >= expected and "__schema" in document)
    assert operation.actual({}) <= price
    assert all(entry.count >= 0 for entry in operation.entries())


def test_the_error_for_deep_nesting_names_the_limit() -> None:
    document = "{ user" + " { self" * 150 + " { name }" + " }" * 151
    with pytest.raises(OperationTooComplex) as caught:
        plan(WEIGHTS, document)
    assert caught.value.limit == "depth"


WORDS = [
    "{",
    "}",
    "(first: 2)",
    "...F0",
    "...F9",
    "... on Item",
    "nothing",
    "user",
    "name",
    "@skip(if: $yes)",
    "$n",
    "x:",
]


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(text=documents(SCHEMA), data=st.data())
def test_a_document_with_random_mistakes_is_planned(text: str, data: st.DataObject) -> None:
    words = text.split()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(words) - 1))
        words[at : at + 1] = data.draw(st.lists(st.sampled_from(WORDS), max_size=2))
        words = words or ["{"]
    try:
        document = parse(" ".join(words))
    except GraphQLSyntaxError:
        return
    check_limits(document)
    for operation in document.definitions:
        if isinstance(operation, OperationDefinitionNode):
            found, variables = plan_operation(WEIGHTS, document, operation), {"yes": True, "n": 3}
            assert 0 <= found.actual({}, variables) <= found.price(variables)
