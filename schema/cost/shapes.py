"""Graphs of operations whose fields depend on variables: one for each combination of them that came lately."""

from collections import OrderedDict
from collections.abc import Callable

from schema.cost.graph import CostGraph

#: An operation of a document, by the identity of its node, and the values of the variables that its fields depend on.
Key = tuple[int, tuple[bool | None, ...]]


class CostGraphs:
    """The graphs of one document, of ``room`` steps in all; the size of a graph is about that of its analysis."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._kept: OrderedDict[Key, CostGraph] = OrderedDict()

    def get(self, key: Key, make: Callable[[], CostGraph]) -> CostGraph:
        """The graph for a key, made anew unless it is kept."""
        shape = self._kept.get(key)
        if shape is None:
            shape = self._kept[key] = make()
            self._room -= shape.steps
            while self._room < 0:
                self._room += self._kept.popitem(last=False)[1].steps
        else:
            self._kept.move_to_end(key)
        return shape
