"""Counts the values in a request's variables, because all of them are coerced before the operation has a price."""

from collections.abc import Mapping
from typing import Any

from graphql import GraphQLError

from schema.cost.work_limit import OperationTooComplex
from schema.execution.errors import rendered

#: The most values in variables: enough for the hashes of ten thousand chunks. A value takes 1 to 4 microseconds.
MAX_VALUES = 12_000
#: Up to this number, values cost nothing in addition to the price of the operation.
FEW_VALUES = 100


def values_in(variables: Mapping[str, Any] | None) -> int:
    """The number of values in variables, including those in lists and objects. Counting stops above ``MAX_VALUES``."""
    pending: list[object] = [variables]
    count = 0
    while pending and count <= MAX_VALUES:
        container = pending.pop()
        inner = container.values() if isinstance(container, dict) else container if isinstance(container, list) else ()
        count += len(inner)
        if count <= MAX_VALUES:
            pending.extend(value for value in inner if isinstance(value, dict | list))
    return min(count, MAX_VALUES + 1)


def too_many(values: int) -> GraphQLError | None:
    """The error for variables with too many values; None if there are few enough."""
    if values <= MAX_VALUES:
        return None
    message = f"The variables have more than {MAX_VALUES} values."
    return rendered(OperationTooComplex(message, limit="values", maximum=MAX_VALUES, actual=values))
