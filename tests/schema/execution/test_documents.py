"""Documents are parsed once and cached, and the cache is bounded."""

from functools import partial

import pytest
from graphql import GraphQLError
from strawberry.types.graphql import OperationType

from schema.build import build_schema
from schema.cost.graph import CostGraph, CostGraphs
from schema.cost.work_limit import OperationTooComplex
from schema.execution.documents import MAX_TOKENS, Documents

SCHEMA = build_schema().as_graphql()
ME = "{ me { id } }"
TWO = "query A { me { id } } mutation B { abortUpload(input: {uploadId: 1}) { upload { id } } }"


@pytest.fixture
def documents() -> Documents:
    return Documents(SCHEMA)


def test_a_document_is_read_once(documents: Documents) -> None:
    assert documents.known(ME) is None
    assert documents.prepare(ME) is documents.known(ME)


@pytest.mark.parametrize(
    "text",
    ["{", "{ nothing }", "", "{ me }", "{ me { id } } #\ud800", "{ me { id } me { id: email } }"],
    ids=["syntax", "field", "empty", "selection", "surrogate", "conflict"],
)
def test_an_invalid_document_is_cached_with_its_errors(documents: Documents, text: str) -> None:
    document = documents.prepare(text)
    assert bool(document.errors) == (document.node is None)
    assert documents.known(text) is document


def test_the_most_recently_used_documents_stay_in_the_cache(documents: Documents) -> None:
    documents = Documents(SCHEMA, cached_tokens=40)
    documents.prepare(ME)
    for number in range(10):
        documents.prepare(f"query Q{number} {ME}")
        assert documents.known(ME)
    assert documents.known(f"query Q9 {ME}")
    assert documents.known(f"query Q0 {ME}") is None


def test_a_document_that_is_read_again_takes_no_more_space() -> None:
    documents = Documents(SCHEMA, cached_tokens=20)
    documents.prepare("{ me { email } }")
    for _ in range(10):
        documents.prepare(ME)
    assert documents.known("{ me { email } }")


def test_a_document_larger_than_the_cache_is_not_cached() -> None:
    documents = Documents(SCHEMA, cached_tokens=5)
    assert not documents.prepare(ME).errors
    assert documents.known(ME) is None


def test_a_document_with_too_many_tokens_is_too_complex(documents: Documents) -> None:
    (error,) = documents.prepare("{" + "a " * MAX_TOKENS + "}").errors
    assert error.extensions == {
        "code": "OPERATION_TOO_COMPLEX",
        "limit": "tokens",
        "maximum": MAX_TOKENS,
        "actual": MAX_TOKENS + 1,
    }


def test_an_operation_is_found_by_its_name(documents: Documents) -> None:
    document = documents.prepare(TWO)
    assert document.operation("A").type is OperationType.QUERY
    assert document.operation("B").type is OperationType.MUTATION


@pytest.mark.parametrize(
    ("text", "name"),
    [(TWO, None), (TWO, "C"), (TWO, ""), (ME, "A"), ("fragment F on Query { me { id } } query { ...F }", "F")],
)
def test_a_name_that_identifies_no_operation_is_an_error(documents: Documents, text: str, name: str | None) -> None:
    with pytest.raises(GraphQLError, match="operation"):
        documents.prepare(text).operation(name)


def test_the_price_follows_the_variables(documents: Documents) -> None:
    text = "query ($n: Int, $with: Boolean!) { uploads(first: $n) { nodes { id file @include(if: $with) { id } } } }"
    operation = documents.prepare(text).operation(None)
    prices = [operation.price({"n": n, "with": with_file}) for n in (1, 100) for with_file in (False, True)]
    assert prices == sorted(set(prices))
    assert [operation.price({"n": n, "with": w}) for n in (1, 100) for w in (False, True)] == prices


def many_operations(count: int) -> str:
    """Operations that depend on a variable, and all spread a fragment that takes many steps."""
    fields = " ".join(f"a{number}: uploads(first: {number}) {{ nodes {{ id }} }}" for number in range(90))
    operations = " ".join(
        f"query Q{number}($a: Boolean = false) {{ ...F @include(if: $a) }}" for number in range(count)
    )
    return f"{operations} fragment F on Query {{ {fields} }}"


def test_the_most_recently_used_graphs_stay_in_the_cache(documents: Documents) -> None:
    shape = documents.prepare(many_operations(1)).operation(None).plan._graph({"a": True})
    # The second is the least recently used one when the fourth is added.
    assert made_of(CostGraphs(3 * shape.steps), shape, 1, 2, 3, 1, 4, 1, 3, 2) == [1, 2, 3, 4, 2]


def test_a_graph_larger_than_the_cache_is_compiled_each_time(documents: Documents) -> None:
    shape = documents.prepare(many_operations(1)).operation(None).plan._graph({"a": True})
    assert made_of(CostGraphs(shape.steps - 1), shape, 1, 1, 1) == [1, 1, 1]


def made_of(graph: CostGraphs, shape: CostGraph, *numbers: int) -> list[int]:
    """The numbers for which a graph had to be compiled."""
    compiled_numbers: list[int] = []

    def make(number: int) -> CostGraph:
        compiled_numbers.append(number)
        return shape

    for number in numbers:
        assert graph.get((number, ()), partial(make, number)) is shape
    return compiled_numbers


def test_documents_with_many_graphs_take_more_of_the_cache(documents: Documents) -> None:
    plain = documents.prepare("query ($a: Int) { uploads(first: $a) { nodes { id } } }")
    conditional = documents.prepare("query ($a: Boolean!) { uploads { nodes { id @skip(if: $a) } } }")
    assert plain.tokens < 35 < 70 < conditional.tokens


def test_all_operations_of_a_document_are_analysed_within_one_limit(documents: Documents) -> None:
    fields = " ".join(f"a{number}: uploads(first: {number}) {{ ...U }}" for number in range(95))
    shared = "fragment U on UploadConnection { nodes { id file { id } error { code } slots { nodes { index } } } }"
    operations = " ".join(f"query Q{number} {{ ...F }}" for number in range(20))
    (error,) = documents.prepare(f"{operations} fragment F on Query {{ {fields} }} {shared}").errors
    assert isinstance(error.original_error, OperationTooComplex)
    assert error.original_error.limit == "analysis"


def test_a_long_text_takes_space_in_the_cache_by_its_bytes_in_memory(documents: Documents) -> None:
    # A comment is in the text and in a token. A letter takes one, two or four bytes in either.
    for letter, size in (("x", 1), ("\u00e9", 1), ("\u65e5", 2), ("\U0001f4fc", 4)):
        document = documents.prepare(f"{ME} # {letter * 60_000}")
        assert 0 <= document.tokens - 2 * size * 60_000 // 1024 < 20
