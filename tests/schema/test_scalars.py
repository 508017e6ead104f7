"""ByteSize: the integers that JSON represents exactly."""

import pytest
from graphql import GraphQLError, parse_value

from schema.scalars import LARGEST, SCALARS, ByteSize

SCALAR = SCALARS[ByteSize]


@pytest.mark.parametrize("value", [0, 1, -1, LARGEST, -LARGEST, 5.0, 1e15])
def test_a_whole_number_is_accepted(value: float) -> None:
    assert SCALAR.parse_value is not None
    parsed = SCALAR.parse_value(value)
    assert parsed == value
    assert type(parsed) is int


@pytest.mark.parametrize(
    "value", [LARGEST + 1, -LARGEST - 1, 10**400, 0.5, 1e300, float("inf"), float("nan"), True, "5", None, [], {}]
)
def test_any_other_value_is_refused(value: object) -> None:
    assert SCALAR.parse_value is not None
    with pytest.raises(GraphQLError, match="ByteSize"):
        SCALAR.parse_value(value)


@pytest.mark.parametrize("text", ["0", "-1", str(LARGEST)])
def test_a_whole_number_in_a_document_is_accepted(text: str) -> None:
    assert SCALAR.parse_literal is not None
    assert SCALAR.parse_literal(parse_value(text), None) == int(text)


@pytest.mark.parametrize(
    "text", [str(LARGEST + 1), "9" * 5_000, "5.0", "1e3", '"5"', "true", "null", "BIG", "[5]", "{a: 5}"]
)
def test_any_other_literal_in_a_document_is_refused(text: str) -> None:
    assert SCALAR.parse_literal is not None
    with pytest.raises(GraphQLError, match="ByteSize"):
        SCALAR.parse_literal(parse_value(text), None)
