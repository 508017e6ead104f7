"""Validation of documents, in addition to that of graphql-core."""

import pytest
from graphql import parse

from schema.build import build_schema
from schema.execution.errors import coded
from schema.execution.validation import validate_document

DIGITS = "9" * 5_000


@pytest.mark.parametrize(
    "document",
    [
        f"{{ files(first: {DIGITS}) {{ nodes {{ id }} }} }}",
        f"query ($first: Int = {DIGITS}) {{ files(first: $first) {{ nodes {{ id }} }} }}",
        f"{{ files(first: -{DIGITS}) {{ nodes {{ id }} }} }}",
    ],
)
def test_a_number_that_python_does_not_read_is_an_error_of_the_document(document: str) -> None:
    (error,) = coded(validate_document(build_schema(1_000).as_graphql(), parse(document))) or []
    assert (error.extensions or {})["code"] == "GRAPHQL_INVALID"
    assert len(error.message) < 100
    assert error.locations
