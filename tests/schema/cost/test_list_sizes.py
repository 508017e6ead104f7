"""The length of a list, by its slicing arguments: numbers, lists, and both of them in input objects."""

from typing import Any

import pytest
from graphql import build_schema, parse
from graphql.execution.values import VariableValues, get_variable_values

from schema.cost.directives import sized_by
from schema.cost.weights import Weights
from tests.schema.cost.pricing import operation_of, plan, price

DIRECTIVES = """
directive @cost(weight: String!) on ARGUMENT_DEFINITION | FIELD_DEFINITION | INPUT_FIELD_DEFINITION | OBJECT
directive @listSize(
  assumedSize: Int, slicingArguments: [String!], sizedFields: [String!], requireOneSlicingArgument: Boolean = true
) on FIELD_DEFINITION
"""
SCHEMA = build_schema(
    DIRECTIVES
    + """
type Query @cost(weight: "0") {
  files(first: Int, after: ID, last: Int, before: ID): Connection @cost(weight: "0") @listSize(
    assumedSize: 20, slicingArguments: ["first", "last"], sizedFields: ["edges", "nodes"]
    requireOneSlicingArgument: false
  )
  report(chunks: [Chunk!]! @cost(weight: "0")): Payload @cost(weight: "0")
    @listSize(slicingArguments: ["chunks"], sizedFields: ["errors"])
  reportAll(input: Report! @cost(weight: "0")): Payload @cost(weight: "0")
    @listSize(slicingArguments: ["input.chunks"], sizedFields: ["errors"])
}
type Connection @cost(weight: "0") { nodes: [File] @cost(weight: "0")  edges: [File] @cost(weight: "0")
  totalCount: Int @cost(weight: "5") }
type File { id: ID  name: Int @cost(weight: "3")  files(first: Int, last: Int): Connection @cost(weight: "0") @listSize(
  assumedSize: 20, slicingArguments: ["first", "last"], sizedFields: ["nodes"]) }
type Payload @cost(weight: "0") { errors: [Error!]! @cost(weight: "0") @listSize(assumedSize: 2) }
type Error { message: String }
input Chunk @oneOf { index: Int  list: [Int!] }
input Report { chunks: [Chunk!] @cost(weight: "0")  label: String }
"""
)
WEIGHTS = Weights.of(SCHEMA)


def length(arguments: str, field: str = "files", below: str = "nodes { id }", **variables: Any) -> int:
    """The number of objects in the price of a field. Each object costs 1, and everything else is free."""
    variable_definitions = (
        "($n: Int, $m: Int, $five: Int = 5, $chunks: [Chunk!]! = [], $c: [Chunk!], $input: Report! = {})"
    )
    text = f"query {variable_definitions} {{ {field}{arguments} {{ {below} }} }}"
    coerced = get_variable_values(SCHEMA, operation_of(parse(text)).variable_definitions or (), variables)
    assert isinstance(coerced, VariableValues), coerced
    return price(WEIGHTS, text, coerced.coerced)


PAGES: list[tuple[str, dict[str, Any], int]] = [
    ("", {}, 20),
    ("(first: 7)", {}, 7),
    ("(last: 7)", {}, 7),
    ("(first: 7, last: 9)", {}, 9),
    ("(first: null)", {}, 20),
    ("(first: null, last: null)", {}, 20),
    ("(first: null, last: 3)", {}, 3),
    ("(first: 0)", {}, 0),
    ("(last: -1)", {}, 0),
    ("(last: 1000)", {}, 100),
    ("(last: $n)", {}, 20),
    ("(last: $n)", {"n": None}, 20),
    ("(last: $n)", {"n": 8}, 8),
    ("(first: $n, last: $m)", {"n": 8}, 8),
    ("(first: $n, last: $m)", {"n": None, "m": 4}, 4),
    ("(first: $n, last: $m)", {"n": 8, "m": 4}, 8),
    ("(first: 2, last: $m)", {"m": 4}, 4),
    ("(first: 2, last: $m)", {"m": None}, 2),
    ("(last: $five)", {}, 5),
    ("(last: $five)", {"five": None}, 20),
    ("(last: $n, before: 1)", {"n": 10**9}, 100),
]


@pytest.mark.parametrize(("arguments", "variables", "expected"), PAGES)
def test_a_page_has_the_larger_of_first_and_last_and_else_the_assumed_size(
    arguments: str, variables: dict[str, Any], expected: int
) -> None:
    assert length(arguments, **variables) == expected
    assert length(arguments, below="edges { id }", **variables) == expected


CHUNKS: list[tuple[str, dict[str, Any], int]] = [
    ("[]", {}, 2),
    ("[{index: 1}]", {}, 2),
    ("[{index: 1}, {index: 2}, {index: 3}]", {}, 3),
    # A single value is coerced to a list of one item.
    ("{index: 500}", {}, 2),
    ("{list: [1, 2, 3, 4, 5, 6]}", {}, 2),
    (f"[{'{index: 1},' * 150}]", {}, 100),
    ("$chunks", {"chunks": []}, 2),
    ("$chunks", {"chunks": {"index": 1}}, 2),
    ("$chunks", {"chunks": [{"index": 1}] * 8}, 8),
    ("$chunks", {"chunks": [{"index": 1}] * 1_000}, 100),
    ("$chunks", {}, 2),
]


@pytest.mark.parametrize(("chunks", "variables", "expected"), CHUNKS)
def test_a_list_argument_counts_by_its_length(chunks: str, variables: dict[str, Any], expected: int) -> None:
    assert length(f"(chunks: {chunks})", "report", "errors { message }", **variables) == expected


INPUTS: list[tuple[str, dict[str, Any], int]] = [
    *((f"{{chunks: {chunks}}}", variables, expected) for chunks, variables, expected in CHUNKS),
    ("{label: 1, chunks: $c}", {"c": [{"index": 1}] * 9}, 9),
    # Null and absent: the length is unknown.
    ("{chunks: $c}", {}, 100),
    ("{chunks: $c}", {"c": None}, 100),
    ("{chunks: null}", {}, 100),
    ("{}", {}, 100),
    ("$input", {}, 100),
    ("$input", {"input": {"chunks": None}}, 100),
    ("$input", {"input": {"chunks": []}}, 2),
    ("$input", {"input": {"chunks": {"index": 7}}}, 2),
    ("$input", {"input": {"chunks": [{"index": 1}] * 7}}, 7),
]


@pytest.mark.parametrize(("value", "variables", "expected"), INPUTS)
def test_a_list_in_an_input_object_counts_by_its_length(value: str, variables: dict[str, Any], expected: int) -> None:
    assert length(f"(input: {value})", "reportAll", "errors { message }", **variables) == expected


def test_the_weight_of_a_scalar_counts_once_for_each_object_that_has_it() -> None:
    nested = "{ files(first: 3) { totalCount nodes { name files(last: 4) { totalCount nodes { name } } } } }"
    assert price(WEIGHTS, nested) == 5 + 3 * (1 + 3 + 5 + 4 * (1 + 3))


def test_the_weight_of_a_scalar_is_paid_for_each_returned_object() -> None:
    operation = plan(WEIGHTS, "{ files(first: 3) { totalCount nodes { name files { totalCount } } } }")
    answer = {
        "files": {"totalCount": 9, "nodes": [{"name": 1, "files": None}, {"name": 2, "files": {"totalCount": 1}}]}
    }
    assert operation.actual(answer) == 5 + 2 * (1 + 3) + 5


@pytest.mark.parametrize("path", ["nothing", "first.x", "rows.x", "where.nothing"])
def test_a_slicing_argument_that_does_not_exist_is_refused(path: str) -> None:
    fields = f'items(first: Int, rows: [Where], where: Where): [Int] @listSize(slicingArguments: ["{path}"])'
    with pytest.raises(ValueError, match=r"Query\.items has no slicing argument"):
        Weights.of(build_schema(f"{DIRECTIVES} input Where {{ x: Int }} type Query {{ {fields} }}"))


def test_the_directive_of_sized_by_names_its_argument_and_lists() -> None:
    directive = sized_by("input.chunks", "userErrors", maximum=1_000)
    assert (directive.slicing_arguments, directive.sized_fields) == (["input.chunks"], ["userErrors"])


REPORT = """mutation ($chunks: [ReportedChunk!]!) {
    reportChunks(uploadId: "x", chunks: $chunks) { upload { id } userErrors { code message } } }"""


@pytest.mark.parametrize("count", [0, 1, 2, 1_000])
def test_a_report_of_chunks_is_priced_at_an_error_for_each(weights: Weights, count: int) -> None:
    chunk = {"index": 1, "etag": "x", "sha256": "x"}
    variables = {"chunks": [chunk] * count}
    operation = plan(weights, REPORT)
    answer = {"reportChunks": {"upload": None, "userErrors": [{"code": "NOT_FOUND", "message": ""}] * max(count, 1)}}
    assert operation.actual(answer, variables) <= operation.price(variables)
    assert operation.price({"chunks": [chunk] * 12_000}) == operation.price({"chunks": [chunk] * 1_000})
