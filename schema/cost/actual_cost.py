"""The actual cost of a response: the sum over its objects. Scalars are not visited."""

from collections.abc import Mapping, Sequence
from typing import Any

from schema.cost.graph import Branch, Node

Data = Mapping[str, Any]


class ActualCost:
    """Walks the data of a response. ``own`` has the cost of an object itself, by the index of its node."""

    def __init__(self, own: Sequence[int]) -> None:
        self._own = own
        #: An object of unknown type is visited as each of its possible types. This cache, by object and node, keeps
        #: the objects below it from being visited again each time.
        self._seen: dict[tuple[int, int], int] = {}

    def cost(self, node: Node, data: Data) -> int:
        """The actual cost of an object and of everything below it."""
        total: int = self._own[node.index]
        for branch in node.branches:
            value = data.get(branch.key)
            if value is not None:
                total += self._values(branch, value, branch.lists)
        return total

    def _values(self, branch: Branch, value: Any, lists: int) -> int:
        if not lists:
            return self._value(branch, value)
        if lists > 1:
            return sum(self._values(branch, item, lists - 1) for item in value if item is not None)
        if branch.counted is not None:
            count: int = len(value) - value.count(None)
            return self._own[branch.counted] * count
        return sum(self._value(branch, item) for item in value if item is not None)

    def _value(self, branch: Branch, value: Any) -> int:
        if branch.counted is not None:
            return self._own[branch.counted]
        if branch.only is not None:
            return self.cost(branch.only, value)
        return self._abstract(branch, value)

    def _abstract(self, branch: Branch, data: Data) -> int:
        """The cost for the type that ``__typename`` says, or for the most expensive type with the same fields."""
        if branch.typename is not None:
            name = data.get(branch.typename)
            return max((self._once(node, data) for node in branch.members if node.kind == name), default=0)
        keys = data.keys()
        return max((self._once(node, data) for node in branch.members if node.keys == keys), default=0)

    def _once(self, node: Node, data: Data) -> int:
        key = (id(data), node.index)
        if key not in self._seen:
            self._seen[key] = self.cost(node, data)
        return self._seen[key]
