"""Hostile documents are priced or refused, in a number of steps that does not depend on how they combine."""

from typing import Any

import pytest
from graphql import GraphQLError, parse

from bench.bombs.documents import BOMBS, USUAL, chain, repeated, selected, ways_that_merge
from schema.cost.plan import OperationPlan
from schema.cost.weights import Weights
from schema.cost.work_limit import MAX_STEPS, OperationTooComplex
from schema.execution.document_limits import check_limits, check_source
from schema.execution.documents import MAX_TOKENS
from schema.execution.validation import MAX_ERRORS, validate_document
from tests.schema.cost.pricing import plan

#: The limit that refuses each document. All others have a price.
REFUSED = {
    "fields nested twice": "aliases",
    "a chain of fragments": "comparisons",
    "a cycle of fragments": "comparisons",
    "fragments that spread the rest": "comparisons",
    "fragments in one place": "comparisons",
    "a fragment in many places": "comparisons",
    "one object 370 times": "selections",
    "one leaf 1,490 times": "selections",
    "one object 245 times": "comparisons",
    "one leaf 490 times": "comparisons",
    "one field with arguments": "comparisons",
    "level by level": "comparisons",
    "aliases": "aliases",
    "aliases of objects": "aliases",
    "directives in one place": "directives",
    "unknown directives": "directives",
    "a text of a mebibyte": "characters",
    "variables": "variables",
    "many operations": "operations",
    "wide introspection": "analysis",
    "wide introspection of types": "analysis",
    "deep introspection": "depth",
}
INVALID = {
    "a huge list",
    "a list of inputs",
    "unknown fields",
    "unknown input fields",
    "unused fragments",
    "ways that merge",
}
PRICES = {
    "fragments spread twice": 2,
    "deep lists": 2 + 1 + 100 * (1 + 6 + 1 + 1000 * (1 + 2)),
    "a negative list": 3,
    "a text of 60 KiB": 2,
    "a comment of 60 KiB": 2,
    "inline fragments": 2,
}


def outcome(weights: Weights, text: str) -> object:
    """The price of a document, the name of the limit that refuses it, or the fact that it is invalid."""
    try:
        return _outcome(weights, text)
    except OperationTooComplex as error:
        return error.limit


def _outcome(weights: Weights, text: str) -> object:
    if error := check_source(text):
        return limit(error)
    document = parse(text, max_tokens=MAX_TOKENS)
    if error := check_limits(document):
        return limit(error)
    if errors := validate_document(weights.schema, document):
        return next((name for error in errors if (name := limit(error))), "invalid")
    return plan(weights, text).price()


def limit(error: GraphQLError) -> Any:
    return (error.extensions or {}).get("limit")


@pytest.mark.parametrize("name", BOMBS)
def test_a_hostile_document_is_priced_or_refused(weights: Weights, name: str) -> None:
    expected = REFUSED.get(name) or ("invalid" if name in INVALID else PRICES.get(name))
    assert outcome(weights, BOMBS[name]) == expected


@pytest.mark.parametrize("name", USUAL)
def test_usual_documents_are_priced(weights: Weights, name: str) -> None:
    assert outcome(weights, USUAL[name]) in range(2, 300)


def steps_of(plan: OperationPlan) -> int:
    """The steps of the analysis of an operation without variables."""
    return plan._graph({}).steps


@pytest.mark.parametrize("name", [name for name in BOMBS if name not in REFUSED])
def test_the_analysis_of_a_hostile_document_is_short_if_no_limit_refuses_it(weights: Weights, name: str) -> None:
    assert steps_of(plan(weights, BOMBS[name])) <= 3 * MAX_TOKENS


def test_steps_grow_with_the_document_however_its_fragments_multiply(weights: Weights) -> None:
    def steps(length: int) -> int:
        twice = chain("__Type", length, "a: ofType { NEXT } b: ofType { NEXT }", "name")
        return steps_of(plan(weights, selected("__type(name: null)", "...F0") + twice))

    assert steps(80) - steps(40) <= 2 * (steps(40) - steps(20)) + 10


def test_an_analysis_of_too_many_combinations_ends_with_an_error(rich: Weights) -> None:
    def steps(levels: int) -> int:
        ways = ways_that_merge("User", ("self", "other: self"), levels, "name")
        return steps_of(plan(rich, selected("user", "...S0") + ways))

    assert steps(6) > 1.8 * steps(5) > 3.2 * steps(4)
    with pytest.raises(OperationTooComplex) as caught:
        steps(11)
    assert (caught.value.limit, caught.value.actual) == ("analysis", MAX_STEPS + 1)


def test_an_analysis_that_ends_early_has_an_error_with_a_code(weights: Weights) -> None:
    with pytest.raises(OperationTooComplex) as caught:
        plan(weights, BOMBS["wide introspection"])
    assert caught.value.extensions == {
        "code": "OPERATION_TOO_COMPLEX",
        "limit": "analysis",
        "maximum": MAX_STEPS,
        "actual": caught.value.actual,
    }


def test_only_a_few_errors_of_a_document_are_reported(weights: Weights) -> None:
    assert len(validate_document(weights.schema, parse(BOMBS["unknown fields"]))) <= MAX_ERRORS + 1


def test_forty_fragments_in_one_place_are_compared(weights: Weights) -> None:
    text = selected("me", repeated("...F#", 40)) + repeated("fragment F# on Account { id }", 40)
    assert validate_document(weights.schema, parse(text)) == []
