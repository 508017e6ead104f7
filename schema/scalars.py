"""The scalars `ByteSize` and `DateTime`."""

from dataclasses import replace
from datetime import datetime
from typing import NewType

import strawberry
from graphql import GraphQLError, IntValueNode, ValueNode, print_ast
from strawberry.schema.types.base_scalars import DateTimeDefinition
from strawberry.types.scalar import ScalarDefinition

ByteSize = NewType("ByteSize", int)

#: Every integer up to this one has an exact representation in JavaScript.
LARGEST = 2**53
#: The largest ``Int`` of GraphQL.
LARGEST_INT = 2**31 - 1


def _parse_value(value: object) -> ByteSize:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > LARGEST:
        raise GraphQLError("A ByteSize is a JSON integer up to 2^53.")
    return ByteSize(value)


def _parse_literal(node: ValueNode, _: object = None) -> ByteSize:
    if not isinstance(node, IntValueNode):
        raise GraphQLError(f"A ByteSize is an integer up to 2^53, not {print_ast(node)[:50]}.", node)
    return _parse_value(int(node.value) if len(node.value) <= 20 else None)


def as_int(number: int) -> int:
    """The number, but no more than an ``Int`` can hold: for numbers that clients only compare."""
    return min(number, LARGEST_INT)


SCALARS: dict[object, ScalarDefinition] = {
    ByteSize: strawberry.scalar(
        name="ByteSize",
        description="A number of bytes: an integer up to 2^53, which JSON and JavaScript represent exactly.",
        # Section 6, Numbers: integers up to 2^53 - 1 are interoperable.
        specified_by_url="https://www.rfc-editor.org/rfc/rfc8259#section-6",
        serialize=int,
        parse_value=_parse_value,
        parse_literal=_parse_literal,
    ),
    datetime: replace(
        DateTimeDefinition,
        description="A date and time with its offset from UTC (RFC 3339), such as `2026-11-30T08:15:00+00:00`.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
    ),
}
