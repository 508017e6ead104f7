"""What has failed in an answer takes what was done beside it out of the answer as well, up to the next null.

Who makes a field fail on purpose, after all others were resolved, would otherwise have these for nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from schema.cost.graph import Branch, CostGraph, Costs, Node, times
from schema.cost.list_sizes import Variables

#: Of a field that failed: response keys and places in lists (GraphQL specification, section 7.1.6).
Path = tuple[str | int, ...]


class ErrorCost:
    """Finds what is missing. ``variables`` are those that the ``costs`` are for."""

    def __init__(self, graph: CostGraph, costs: Costs, variables: Variables) -> None:
        self._graph = graph
        self._costs = costs
        self._variables = variables

    def cost(self, data: Mapping[str, Any] | None, paths: Collection[Path]) -> int:
        """What may have been done for the parts of an answer that are null because something in them failed.

        It is what they cost at most, without what would have come below the fields that failed themselves.
        """
        missing: dict[Path, int] = {}
        for path in set(paths):
            null, worth = self._null(data, path)
            missing[null] = missing.get(null, worth) - self._below(path)
        return sum(max(worth, 0) for worth in missing.values())

    def _null(self, data: Mapping[str, Any] | None, path: Path) -> tuple[Path, int]:
        """Where the path ends in the answer, and what is at most below that place."""
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
        """What there is at most at this place of the answer."""
        branch, lists = self._branch(path)
        if branch is None:
            return 0
        size = times(branch, self._variables)
        each = max((self._costs.whole[member.index] for member in branch.members), default=0)
        # In a list of lists, an item may hold as much as all of them.
        return each if lists >= branch.lists else size * each

    def _below(self, path: Path) -> int:
        """What is certain not to have been done, since the field that would have given it has failed."""
        if not path or isinstance(path[-1], int):
            return 0
        branch, _ = self._branch(path, certain=True)
        return self._worth(path) if branch else 0

    def _branch(self, path: Path, *, certain: bool = False) -> tuple[Branch | None, int]:
        """The field at a place of the answer, and how many lists the place is inside of there.

        Of several types that an object may have, the dearest one's; none when it has to be ``certain``.
        """
        members: Sequence[Node] = (self._graph.root,) if self._graph.root else ()
        branch, lists = None, 0
        for part in path:
            if isinstance(part, int):
                lists += 1
                continue
            found = [each for member in members for each in member.branches if each.key == part]
            if not found or (certain and len(members) > 1):
                return None, 0
            branch, lists = max(found, key=self._most), 0
            members = branch.members
        return branch, lists

    def _most(self, branch: Branch) -> int:
        size = times(branch, self._variables)
        return size * max((self._costs.whole[member.index] for member in branch.members), default=0)


def _step(value: Any, part: str | int) -> Any:
    """What a part of an answer holds there; None where it ends before."""
    if isinstance(part, int):
        return value[part] if isinstance(value, list) and part < len(value) else None
    return value.get(part) if isinstance(value, dict) else None
