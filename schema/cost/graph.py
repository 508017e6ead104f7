"""The cost graph of an operation: a node for each kind of object that it selects.

A graph is for one combination of values of ``@skip`` and ``@include``. Objects with the same selection, such as those
of a fragment that is spread in many places, share one node. Every node comes after the nodes below it, so that the
price takes one pass over all nodes.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from schema.cost.inputs import InputCosts, Inputs, OwnCost
from schema.cost.list_sizes import Size, Variables

ONE = 1
#: The identity of an operation's syntax node, and the values of the variables in its conditions.
Key = tuple[int, tuple[bool | None, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """A field whose values are scalars without a weight."""

    key: str
    coordinate: str
    own: int | OwnCost


@dataclass(frozen=True, slots=True, eq=False)
class Branch:
    """A field whose values are objects, or scalars with a weight. ``members`` are the possible nodes of a value."""

    key: str
    coordinate: str
    own: int | OwnCost
    lists: int
    size: int | Size
    members: tuple["Node", ...]
    #: The response key of ``__typename``, if the operation selects it on every member.
    typename: str | None = None
    #: The index of the only member, if this has no branches. Then values are counted without being visited.
    counted: int | None = None
    #: The only member, if this has branches.
    only: "Node | None" = None


@dataclass(slots=True, eq=False)
class Node:
    """A kind of object. ``fixed`` is the part of the object's own cost that does not depend on variables."""

    index: int
    kind: str
    fixed: int
    uses: list[OwnCost] = field(default_factory=list)
    fields: list[Leaf | Branch] = field(default_factory=list)
    branches: list[Branch] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    typenames: list[str] = field(default_factory=list)

    @property
    def depends(self) -> bool:
        """Whether its own cost or the sizes of its lists depend on variables."""
        return bool(self.uses) or any(isinstance(branch.size, Size) for branch in self.branches)


@dataclass(frozen=True, slots=True)
class Costs:
    """Points by the index of a node: ``own`` for an object itself, ``whole`` with everything below it."""

    own: Sequence[int]
    whole: Sequence[int]


class CostGraph:
    """The cost graph of one operation. ``steps`` is the work of compiling it, which is also a measure of its size."""

    def __init__(self, root: Node | None, nodes: Sequence[Node], inputs: Inputs, steps: int) -> None:
        self.root = root
        self.steps = steps
        self._nodes = nodes
        self._inputs = inputs
        self._dynamic: list[Node] = []
        self._static = self._fixed()
        self._coordinates: frozenset[str] | None = None

    @property
    def coordinates(self) -> frozenset[str]:
        """The coordinates of all fields that the operation may resolve, such as ``Upload.file``."""
        if self._coordinates is None:
            self._coordinates = frozenset(field.coordinate for node in self._nodes for field in node.fields)
        return self._coordinates

    def costs(self, variables: Variables) -> Costs:
        """The cost of every node, for these variables."""
        if not self._dynamic:
            return self._static
        own, whole, cache = list(self._static.own), list(self._static.whole), InputCosts()
        for node in self._dynamic:
            for use in node.uses:
                own[node.index] += self._inputs.resolve(use, variables, cache)
            whole[node.index] = own[node.index] + _below(node, whole, variables)
        return Costs(own, whole)

    def own(self, leaf: Leaf | Branch, variables: Variables, cache: InputCosts) -> int:
        """The cost of resolving a field once, for these variables. ``cache`` is for one price."""
        return self._inputs.resolve(leaf.own, variables, cache) if isinstance(leaf.own, OwnCost) else leaf.own

    def _fixed(self) -> Costs:
        """The costs that do not depend on variables. All other nodes are added to ``_dynamic``."""
        own, whole, changing = [node.fixed for node in self._nodes], [0] * len(self._nodes), set[int]()
        for node in self._nodes:
            if node.depends or any(member.index in changing for branch in node.branches for member in branch.members):
                changing.add(node.index)
                self._dynamic.append(node)
            else:
                whole[node.index] = own[node.index] + _below(node, whole, {})
        return Costs(own, whole)


def times(branch: Branch, variables: Variables) -> int:
    """The largest number of values that a field can have each time it is resolved."""
    size = branch.size.resolve(variables) if isinstance(branch.size, Size) else branch.size
    return size if branch.lists <= ONE else size**branch.lists


def _below(node: Node, whole: Sequence[int], variables: Variables) -> int:
    return sum(
        times(branch, variables) * max([whole[member.index] for member in branch.members], default=0)
        for branch in node.branches
    )


class CostGraphs:
    """The most recently used graphs of one document: one for each combination of values of its conditions' variables.

    ``capacity`` is the sum of their steps.
    """

    def __init__(self, capacity: int) -> None:
        self._free = capacity
        self._cached: OrderedDict[Key, CostGraph] = OrderedDict()

    def get(self, key: Key, make: Callable[[], CostGraph]) -> CostGraph:
        """The graph for a key. It is compiled by ``make`` if it is not cached."""
        graph = self._cached.get(key)
        if graph is None:
            graph = self._cached[key] = make()
            self._free -= graph.steps
            while self._free < 0:
                self._free += self._cached.popitem(last=False)[1].steps
        else:
            self._cached.move_to_end(key)
        return graph
