"""The cost of fields that were resolved, but are missing from the response because another field failed.

An error replaces the closest nullable field above it with null (GraphQL specification, section 6.4.4). Without this
cost, a client could have fields resolved for free by adding a field that always fails.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from schema.cost.graph import Branch, CostGraph, Costs, Node, times
from schema.cost.list_sizes import Variables

#: The path of an error: response keys and list indexes (GraphQL specification, section 7.1.6).
Path = tuple[str | int, ...]


class ErrorCost:
    """Prices the missing fields of a response. ``costs`` are those for the same ``variables``."""

    def __init__(self, graph: CostGraph, costs: Costs, variables: Variables) -> None:
        self._graph = graph
        self._costs = costs
        self._variables = variables

    def cost(self, data: Mapping[str, Any] | None, paths: Collection[Path]) -> int:
        """The largest possible cost of the fields that are missing from ``data`` because of errors at these paths.

        Fields below a failed field are not included: they were not resolved.
        """
        missing: dict[Path, int] = {}
        for path in set(paths):
            null, worth = self._null(data, path)
            missing[null] = missing.get(null, worth) - self._below(path)
        return sum(max(worth, 0) for worth in missing.values())

    def _null(self, data: Mapping[str, Any] | None, path: Path) -> tuple[Path, int]:
        """The path of the null that the error has caused, and the largest possible cost of the value in its place."""
        root = self._graph.root
        if data is None:
            return (), self._costs.whole[root.index] - self._costs.own[root.index] if root else 0
        value: Any = data
        for length in range(1, len(path) + 1):
            value = _step(value, path[length - 1])
            if value is None:
                return path[:length], self._worth(path[:length])
        return path, 0

    def _worth(self, path: Path) -> int:
        """The largest possible cost of the value at a path."""
        branch, lists = self._branch(path)
        if branch is None:
            return 0
        size = times(branch, self._variables)
        each = max((self._costs.whole[member.index] for member in branch.members), default=0)
        # In a list of lists, one inner list may have all the values.
        return each if lists >= branch.lists else size * each

    def _below(self, path: Path) -> int:
        """The cost below the failed field at a path, as far as it is certain. None of it was resolved."""
        if not path or isinstance(path[-1], int):
            return 0
        branch, _ = self._branch(path, certain=True)
        return self._worth(path) if branch else 0

    def _branch(self, path: Path, *, certain: bool = False) -> tuple[Branch | None, int]:
        """The field at a path, and the number of list indexes behind it.

        If an object may have several types, it is the field of the most expensive one, or None if ``certain``.
        """
        members: Sequence[Node] = (self._graph.root,) if self._graph.root else ()
        branch, lists = None, 0
        for part in path:
            if isinstance(part, int):
                lists += 1
                continue
            candidates = [each for member in members for each in member.branches if each.key == part]
            if not candidates or (certain and len(members) > 1):
                return None, 0
            branch, lists = max(candidates, key=self._most), 0
            members = branch.members
        return branch, lists

    def _most(self, branch: Branch) -> int:
        size = times(branch, self._variables)
        return size * max((self._costs.whole[member.index] for member in branch.members), default=0)


def _step(value: Any, part: str | int) -> Any:
    """The value at a response key or list index; None if there is none."""
    if isinstance(part, int):
        return value[part] if isinstance(value, list) and part < len(value) else None
    return value.get(part) if isinstance(value, dict) else None
