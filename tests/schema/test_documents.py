"""Documents: what is read once is known, and how much is known is bounded."""

import pytest
from graphql import GraphQLError
from strawberry.types.graphql import OperationType

from schema.build import build_schema
from schema.documents import MAX_TOKENS, Documents

SCHEMA = build_schema().as_graphql()
ME = "{ me { id } }"
TWO = "query A { me { id } } mutation B { abortUpload(uploadId: 1) { upload { id } } }"


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
def test_what_is_wrong_with_a_document_is_known_too(documents: Documents, text: str) -> None:
    found = documents.prepare(text)
    assert bool(found.errors) == (found.node is None)
    assert documents.known(text) is found


def test_the_documents_that_were_used_last_are_kept(documents: Documents) -> None:
    documents = Documents(SCHEMA, kept_tokens=40)
    documents.prepare(ME)
    for number in range(10):
        documents.prepare(f"query Q{number} {ME}")
        assert documents.known(ME)
    assert documents.known(f"query Q9 {ME}")
    assert documents.known(f"query Q0 {ME}") is None


def test_a_document_larger_than_all_that_is_kept_is_not_kept() -> None:
    documents = Documents(SCHEMA, kept_tokens=5)
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
    found = documents.prepare(TWO)
    assert found.operation("A").type is OperationType.QUERY
    assert found.operation("B").type is OperationType.MUTATION


@pytest.mark.parametrize(
    ("text", "name"),
    [(TWO, None), (TWO, "C"), (TWO, ""), (ME, "A"), ("fragment F on Query { me { id } } query { ...F }", "F")],
)
def test_an_operation_that_is_not_named_well_is_none(documents: Documents, text: str, name: str | None) -> None:
    with pytest.raises(GraphQLError, match="operation"):
        documents.prepare(text).operation(name)


def test_the_price_follows_the_variables(documents: Documents) -> None:
    text = "query ($n: Int, $with: Boolean!) { uploads(first: $n) { nodes { id file @include(if: $with) { id } } } }"
    operation = documents.prepare(text).operation(None)
    prices = [operation.price({"n": n, "with": with_file}) for n in (1, 100) for with_file in (False, True)]
    assert prices == sorted(set(prices))
    assert [operation.price({"n": n, "with": w}) for n in (1, 100) for w in (False, True)] == prices
