"""The price of an operation, field by field."""

from collections import deque
from dataclasses import dataclass

from schema.cost.graph import Branch, CostGraph, Node, times
from schema.cost.inputs import InputCosts
from schema.cost.list_sizes import Variables

MAX_ENTRIES = 1_000


@dataclass(frozen=True, slots=True)
class Entry:
    """A field at one place of an operation. Costs are in points.

    ``path`` consists of response keys, and ``coordinate`` names the field in the schema, such as ``Upload.file``. The
    field is resolved up to ``count`` times, for ``cost`` points in all. ``total`` includes the fields below it. All
    types of an abstract type have entries, but the total of the field above includes only the most expensive one.
    """

    path: str
    coordinate: str
    count: int
    cost: int
    total: int


def breakdown_of(graph: CostGraph, variables: Variables, limit: int = MAX_ENTRIES) -> list[Entry]:
    """The fields of an operation, breadth first: at most ``limit``."""
    whole = graph.costs(variables).whole
    entries, cache = list[Entry](), InputCosts()
    pending: deque[tuple[Node, str, int]] = deque([(graph.root, "", 1)] if graph.root else [])
    while pending and len(entries) < limit:
        node, path, count = pending.popleft()
        for field in node.fields:
            own, below = graph.own(field, variables, cache), 0
            if isinstance(field, Branch):
                values = times(field, variables)
                below = values * max(whole[member.index] for member in field.members)
                pending.extend((member, f"{path}{field.key}.", count * values) for member in field.members)
            entries.append(Entry(f"{path}{field.key}", field.coordinate, count, count * own, count * (own + below)))
    return entries[:limit]
