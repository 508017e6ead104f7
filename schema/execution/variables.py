"""How much there is in the variables of a request: each value is coerced, before its operation has a price."""

from collections.abc import Mapping
from typing import Any

from graphql import GraphQLError

from schema.cost.work_limit import OperationTooComplex
from schema.execution.errors import rendered

#: The hashes of ten thousand chunks fit in. A value takes 1 to 4 microseconds.
MAX_VALUES = 12_000
#: What so few take is not worth a question to the buckets.
FEW_VALUES = 100


def values_in(variables: Mapping[str, Any] | None) -> int:
    """The values in variables, whatever they lie in; beyond ``MAX_VALUES`` they are not counted to the end."""
    pending: list[object] = [variables]
    found = 0
    while pending and found <= MAX_VALUES:
        container = pending.pop()
        inner = container.values() if isinstance(container, dict) else container if isinstance(container, list) else ()
        found += len(inner)
        if found <= MAX_VALUES:
            pending.extend(value for value in inner if isinstance(value, dict | list))
    return min(found, MAX_VALUES + 1)


def too_many(values: int) -> GraphQLError | None:
    """Why the variables are not looked at, if there are too many values in them."""
    if values <= MAX_VALUES:
        return None
    message = f"The variables have more than {MAX_VALUES} values in them."
    return rendered(OperationTooComplex(message, limit="values", maximum=MAX_VALUES, actual=values))
