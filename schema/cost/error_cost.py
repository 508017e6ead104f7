"""The cost of fields that were resolved but are missing from the answer, since a field beside them failed.

An error removes everything up to the next nullable field (GraphQL specification, section 6.4.4). Without this cost, a
client could get the others resolved for free with a field that fails on purpose.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from schema.cost.graph import Branch, CostGraph, Costs, Node, times
from schema.cost.list_sizes import Variables

#: The path of an error: response keys and list indexes (GraphQL specification, section 7.1.6).
Path = tuple[str | int, ...]


class ErrorCost:
    """Prices what is missing. ``variables`` are those of the ``costs``."""

    def __init__(self, graph: CostGraph, costs: Costs, variables: Variables) -> None:
        self._graph = graph
        self._costs = costs
        self._variables = variables

    def cost(self, data: Mapping[str, Any] | None, paths: Collection[Path]) -> int:
        """The most that the parts of an answer can have cost that are null because a field in them failed.

        What would have been below the failed fields themselves is not included.
        """
        missing: dict[Path, int] = {}
        for path in set(paths):
            null, worth = self._null(data, path)
            missing[null] = missing.get(null, worth) - self._below(path)
        return sum(max(worth, 0) for worth in missing.values())

    def _null(self, data: Mapping[str, Any] | None, path: Path) -> tuple[Path, int]:
        """The path of the null in the answer, and the most that there can have been in its place."""
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
        """The most that there can be at a place of the answer."""
        branch, lists = self._branch(path)
        if branch is None:
            return 0
        size = times(branch, self._variables)
        each = max((self._costs.whole[member.index] for member in branch.members), default=0)
        # One item of a list of lists may have as many values as all of them together.
        return each if lists >= branch.lists else size * each

    def _below(self, path: Path) -> int:
        """The most that was certainly not resolved, since the field above it failed."""
        if not path or isinstance(path[-1], int):
            return 0
        branch, _ = self._branch(path, certain=True)
        return self._worth(path) if branch else 0

    def _branch(self, path: Path, *, certain: bool = False) -> tuple[Branch | None, int]:
        """The field at a place of the answer, and in how many of its lists the place is.

        Of several types that an object may have, it is the most expensive one's; none when it has to be ``certain``.
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
    """The value at a response key or list index. None when there is none."""
    if isinstance(part, int):
        return value[part] if isinstance(value, list) and part < len(value) else None
    return value.get(part) if isinstance(value, dict) else None
