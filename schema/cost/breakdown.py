"""The price of an operation, field by field, for whoever wants to know before running it."""

from collections import deque
from dataclasses import dataclass

from schema.cost.graph import Branch, CostGraph, Node, times
from schema.cost.inputs import Known
from schema.cost.list_sizes import Variables

MAX_ENTRIES = 1_000


@dataclass(frozen=True, slots=True)
class Entry:
    """A field at one place of an operation.

    ``path`` is of response keys, ``coordinate`` such as ``Upload.file``. It is resolved up to ``count`` times, which
    together cost ``cost``, and ``total`` with everything below it. Of an abstract type all members are listed, but only
    the dearest is in the total of the field above.
    """

    path: str
    coordinate: str
    count: int
    cost: int
    total: int


def breakdown_of(graph: CostGraph, variables: Variables, limit: int = MAX_ENTRIES) -> list[Entry]:
    """The fields of an operation, breadth first, at most ``limit`` of them."""
    whole = graph.costs(variables).whole
    found, known = list[Entry](), Known()
    pending: deque[tuple[Node, str, int]] = deque([(graph.root, "", 1)] if graph.root else [])
    while pending and len(found) < limit:
        node, path, count = pending.popleft()
        for field in node.fields:
            own, below = graph.own(field, variables, known), 0
            if isinstance(field, Branch):
                values = times(field, variables)
                below = values * max(whole[member.index] for member in field.members)
                pending.extend((member, f"{path}{field.key}.", count * values) for member in field.members)
            found.append(Entry(f"{path}{field.key}", field.coordinate, count, count * own, count * (own + below)))
    return found[:limit]
