"""Hard limits on documents, which are checked before validation."""

import pytest
from graphql import get_introspection_query, parse

from schema.execution.document_limits import DocumentLimits, check_limits, check_source
from schema.execution.documents import MAX_TOKENS

SMALL = DocumentLimits(characters=50, depth=3, aliases=2, root_fields=2, directives=2, operations=2, variables=2)

WITHIN = {
    "depth": "{ a { b { c } } }",
    "depth by fragments": "{ a { ...F } } fragment F on A { ... { b { ...G } } } fragment G on B { c ...H }",
    "a cycle": "{ a { ...F } } fragment F on A { b ...G } fragment G on A { ...F }",
    "aliases": "{ x: a y: a a a a }",
    "mutation": "mutation { a a b ...F } fragment F on M { a b }",
    "another operation's fields": "query { a b c d }",
    "directives": "{ a @skip(if: false) @skip(if: false) b @skip(if: false) @x }",
    "operations": "query A { a } query B { a }",
    "variables": "query A($a: Int, $b: Int) { a } query B($a: Int, $b: Int) { a }",
    "nothing that runs": "fragment F on A { a }",
}


@pytest.mark.parametrize("document", WITHIN.values(), ids=WITHIN.keys())
def test_a_document_within_the_limits_passes(document: str) -> None:
    assert check_limits(parse(document), SMALL) is None


ABOVE = [
    ("depth", 4, "{ a { b { c { d } } } }"),
    ("depth", 4, "{ a { ...F } } fragment F on A { ... { b { ...G } } } fragment G on B { c { d } ...H }"),
    ("depth", 4, "{ a } fragment F on A { a { b { c { d } } } }"),
    (
        "depth",
        5,
        "query A { a } query B { a { b { ...F } } } fragment F on A { c { ...G } } fragment G on A { d { e } }",
    ),
    ("aliases", 3, "{ x: a ...F } fragment F on A { y: a ... { z: a } }"),
    ("rootFields", 3, "mutation { a b c }"),
    ("rootFields", 3, "mutation { a b: a ... { b } ...F } fragment F on M { a ...F ...G } fragment G on M { c }"),
    ("directives", 3, "{ a @x @x @x }"),
    ("directives", 3, "{ a ... @x @x @x { b } }"),
    ("directives", 3, "{ a ...F } fragment F on A @x @x @x { b }"),
    ("directives", 3, "query @x @x @x { a }"),
    ("directives", 3, "query ($a: Int @x @x @x) { a }"),
    ("operations", 3, "query A { a } query B { a } mutation C { a }"),
    ("variables", 3, "query ($a: Int, $b: Int, $c: Int) { a }"),
]


def test_fields_and_fragments_count_once_however_often_they_are_spread() -> None:
    document = parse("{ a { ...F } b { ...F ... { c } } } fragment F on A { d e }")
    assert check_limits(document, DocumentLimits(selections=8)) is None
    error = check_limits(document, DocumentLimits(selections=7))
    assert error
    assert (error.extensions or {})["limit"] == "selections"


@pytest.mark.parametrize(("limit", "actual", "document"), ABOVE)
def test_the_error_for_a_document_above_a_limit_names_the_limit(limit: str, actual: int, document: str) -> None:
    error = check_limits(parse(document), SMALL)
    assert error
    maximum = {"depth": 3}.get(limit, 2)
    assert error.extensions == {"code": "OPERATION_TOO_COMPLEX", "limit": limit, "maximum": maximum, "actual": actual}
    assert f"{actual} " in error.message
    assert f"{maximum} " in error.message


def test_a_long_text_is_refused_before_it_is_parsed() -> None:
    assert check_source("x" * 50, SMALL) is None
    error = check_source("x" * 51, SMALL)
    assert error
    assert (error.extensions or {})["limit"] == "characters"


def test_the_full_introspection_query_passes() -> None:
    document = get_introspection_query(
        specified_by_url=True,
        directive_is_repeatable=True,
        schema_description=True,
        input_value_deprecation=True,
        experimental_directive_deprecation=True,
        one_of=True,
    )
    assert check_source(document) is None
    assert check_limits(parse(document, max_tokens=MAX_TOKENS)) is None


def test_a_chain_of_fragments_is_measured_without_recursion() -> None:
    chain = "".join(f" fragment F{i} on A {{ a {{ ...F{i + 1} }} }}" for i in range(1_500))
    error = check_limits(parse("{ ...F0 }" + chain), DocumentLimits(selections=10_000))
    assert ((error and error.extensions) or {})["actual"] == 1_500
