"""An operation whose conditions are known, as a graph of the objects it asks for.

Equal objects, as one fragment asks for them in many places, are one node. Nodes are numbered so that what lies below a
node comes before it: a price is one pass over them.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from schema.cost.inputs import Inputs, Known, OwnCost
from schema.cost.list_sizes import Size, Variables

ONE = 1
#: An operation of a document, by the identity of its node, and the values of the variables that its fields depend on.
Key = tuple[int, tuple[bool | None, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """A field without objects or weight below it."""

    key: str
    coordinate: str
    own: int | OwnCost


@dataclass(frozen=True, slots=True, eq=False)
class Branch:
    """A field whose values have a weight: objects, or dear scalars. ``members`` are what each value may be."""

    key: str
    coordinate: str
    own: int | OwnCost
    lists: int
    size: int | Size
    members: tuple["Node", ...]
    #: The response key that tells the members apart, where the operation asks for one.
    typename: str | None = None
    #: The only member, when it has no branches: its values are counted, not visited.
    counted: int | None = None
    #: The only member, when it has branches.
    only: "Node | None" = None


@dataclass(slots=True, eq=False)
class Node:
    """An object of one type. ``known`` is its own cost: that of its type, and of its fields as far as it is known."""

    index: int
    kind: str
    known: int
    uses: list[OwnCost] = field(default_factory=list)
    fields: list[Leaf | Branch] = field(default_factory=list)
    branches: list[Branch] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    typenames: list[str] = field(default_factory=list)

    @property
    def depends(self) -> bool:
        """Whether variables change its own cost or the sizes of its lists."""
        return bool(self.uses) or any(isinstance(branch.size, Size) for branch in self.branches)


@dataclass(frozen=True, slots=True)
class Costs:
    """By the numbers of nodes: what an object costs by itself, and with everything below it."""

    own: Sequence[int]
    whole: Sequence[int]


class CostGraph:
    """The graph of an operation."""

    def __init__(self, root: Node | None, nodes: Sequence[Node], inputs: Inputs, steps: int) -> None:
        self.root = root
        self.steps = steps
        self._nodes = nodes
        self._inputs = inputs
        self._dynamic: list[Node] = []
        self._static = self._fixed()

    def costs(self, variables: Variables) -> Costs:
        """What every node costs, for these variables."""
        if not self._dynamic:
            return self._static
        own, whole, known = list(self._static.own), list(self._static.whole), Known()
        for node in self._dynamic:
            for use in node.uses:
                own[node.index] += self._inputs.resolve(use, variables, known)
            whole[node.index] = own[node.index] + _below(node, whole, variables)
        return Costs(own, whole)

    def own(self, leaf: Leaf | Branch, variables: Variables, known: Known) -> int:
        """What it costs to resolve a field once, for these variables. ``known`` is filled on the way."""
        return self._inputs.resolve(leaf.own, variables, known) if isinstance(leaf.own, OwnCost) else leaf.own

    def _fixed(self) -> Costs:
        """The costs that no variable changes. Those of other nodes are passed over again later."""
        own, whole, changing = [node.known for node in self._nodes], [0] * len(self._nodes), set[int]()
        for node in self._nodes:
            if node.depends or any(member.index in changing for branch in node.branches for member in branch.members):
                changing.add(node.index)
                self._dynamic.append(node)
            else:
                whole[node.index] = own[node.index] + _below(node, whole, {})
        return Costs(own, whole)


def times(branch: Branch, variables: Variables) -> int:
    """How many values a field has at most each time it is resolved."""
    size = branch.size.resolve(variables) if isinstance(branch.size, Size) else branch.size
    return size if branch.lists <= ONE else size**branch.lists


def _below(node: Node, whole: Sequence[int], variables: Variables) -> int:
    return sum(
        times(branch, variables) * max([whole[member.index] for member in branch.members], default=0)
        for branch in node.branches
    )


class CostGraphs:
    """Graphs of one document, the last used: one for each combination of the variables that its fields depend on.

    They have ``capacity`` steps in all: the size of a graph is about that of its analysis.
    """

    def __init__(self, capacity: int) -> None:
        self._free = capacity
        self._cached: OrderedDict[Key, CostGraph] = OrderedDict()

    def get(self, key: Key, make: Callable[[], CostGraph]) -> CostGraph:
        """The graph for a key, compiled unless it is cached."""
        graph = self._cached.get(key)
        if graph is None:
            graph = self._cached[key] = make()
            self._free -= graph.steps
            while self._free < 0:
                self._free += self._cached.popitem(last=False)[1].steps
        else:
            self._cached.move_to_end(key)
        return graph
