"""Compiles an operation of a document into its cost graph."""

from collections.abc import Sequence
from dataclasses import dataclass

from graphql import FieldNode, OperationDefinitionNode, OperationType

from schema.cost.graph import ONE, Branch, CostGraph, Leaf, Node
from schema.cost.inputs import Inputs, OwnCost
from schema.cost.introspection import META_FIELDS, Introspection
from schema.cost.list_sizes import Size
from schema.cost.selections import Conditions, Fragments, Identity, Selections, SelectionSets, identity
from schema.cost.weights import FieldWeight, Weights
from schema.cost.work_limit import WorkLimit, check_nesting

TYPENAME = "__typename"
#: Steps of work for an object, and for a field that returns objects, in addition to the steps for reading the document.
FIELD_STEPS = 5
NODE_STEPS = 5


@dataclass(frozen=True, slots=True)
class InheritedSize:
    """The size of the lists that a field's ``sizedFields`` name in the object that it returns."""

    fields: frozenset[str]
    size: int | Size


#: An object's type, the selection sets on it, and the size that the field above gives to its lists.
NodeKey = tuple[str, Identity, InheritedSize | None]


def compile_operation(
    weights: Weights, fragments: Fragments, operation: OperationDefinitionNode, conditions: Conditions, steps: WorkLimit
) -> CostGraph:
    """Compile the cost graph of an operation. The document need not be valid.

    Raises :class:`OperationTooComplex` if this takes too much work.
    """
    return _Compiler(weights, fragments, conditions, steps).graph(operation)


class _Compiler:
    def __init__(self, weights: Weights, fragments: Fragments, conditions: Conditions, steps: WorkLimit) -> None:
        self._weights = weights
        self._steps = steps
        self._selections = Selections(weights, fragments, conditions, steps)
        self._introspection = Introspection(weights, self._selections, steps)
        self._inputs = Inputs(weights, steps)
        self._nodes_by_key: dict[NodeKey, Node | None] = {}
        self._nodes: list[Node] = []

    def graph(self, operation: OperationDefinitionNode) -> CostGraph:
        kind = self._weights.roots.get(operation.operation)
        root = self._node(kind, (operation.selection_set,), None, 1) if kind else None
        return CostGraph(root, self._nodes, self._inputs, self._steps.used)

    def _node(
        self, kind: str, selection_sets: SelectionSets, inherited: InheritedSize | None, depth: int
    ) -> Node | None:
        """The node of an object type. None where a cycle of fragments, which is invalid, leads back to it."""
        key = (kind, identity(selection_sets), inherited)
        if key not in self._nodes_by_key:
            check_nesting(depth)
            self._nodes_by_key[key] = None
            self._nodes_by_key[key] = self._make(kind, selection_sets, inherited, depth)
        return self._nodes_by_key[key]

    def _make(self, kind: str, selection_sets: SelectionSets, inherited: InheritedSize | None, depth: int) -> Node:
        self._steps.take(NODE_STEPS)
        node = Node(index=-1, kind=kind, fixed=self._weights.types[kind])
        for key, fields in self._selections.collect(kind, selection_sets).items():
            node.keys.add(key)
            name = fields[0].name.value
            if name == TYPENAME:
                node.typenames.append(key)
            elif name in META_FIELDS and kind == self._weights.roots.get(OperationType.QUERY):
                self._add(node, Leaf(key, f"{kind}.{name}", self._introspection.cost(fields)))
            elif weight := self._weights.fields[kind].get(name):
                self._add(node, self._field(key, weight, fields, inherited, depth))
        return self._numbered(node)

    def _field(
        self, key: str, weight: FieldWeight, nodes: list[FieldNode], inherited: InheritedSize | None, depth: int
    ) -> Leaf | Branch:
        self._steps.take(FIELD_STEPS)
        own = self._inputs.own(weight, nodes[0])
        members = self._members(weight, nodes, depth)
        if not members:
            return Leaf(key, weight.coordinate, own)
        only = members[0] if len(members) == 1 else None
        return Branch(
            key=key,
            coordinate=weight.coordinate,
            own=own,
            lists=weight.lists,
            size=self._size(weight, nodes[0], inherited) if weight.lists else ONE,
            members=members,
            typename=_typename(members),
            counted=only.index if only and not only.branches else None,
            only=only if only and only.branches else None,
        )

    def _members(self, weight: FieldWeight, nodes: list[FieldNode], depth: int) -> tuple[Node, ...]:
        if weight.is_leaf:
            weight_of_scalar = self._weights.types[weight.type]
            return (self._scalar(weight.type, weight_of_scalar),) if weight_of_scalar else ()
        rule = weight.rule
        inherited = InheritedSize(rule.sized, self._inputs.size(rule, nodes[0])) if rule and rule.sized else None
        kinds = self._weights.members[weight.type]
        members = [self._node(kind, self._selections.merged(kind, nodes), inherited, depth + 1) for kind in kinds]
        return tuple(node for node in members if node)

    def _scalar(self, kind: str, weight: int) -> Node:
        return self._numbered(Node(index=-1, kind=kind, fixed=weight))

    def _size(self, weight: FieldWeight, node: FieldNode, inherited: InheritedSize | None) -> int | Size:
        if inherited and weight.coordinate.partition(".")[2] in inherited.fields:
            size, minimum = inherited.size, weight.rule.minimum if weight.rule else 0
            return size.at_least(minimum) if isinstance(size, Size) else max(size, minimum)
        return self._inputs.size(weight.rule, node) if weight.rule else ONE

    def _numbered(self, node: Node) -> Node:
        node.index = len(self._nodes)
        self._nodes.append(node)
        return node

    @staticmethod
    def _add(node: Node, field: Leaf | Branch) -> None:
        node.fields.append(field)
        if isinstance(field, Branch):
            node.branches.append(field)
        if isinstance(field.own, OwnCost):
            node.uses.append(field.own)
        else:
            node.fixed += field.own


def _typename(members: Sequence[Node]) -> str | None:
    """A response key at which every member has its ``__typename``."""
    common = set.intersection(*(set(member.typenames) for member in members))
    return next((key for key in members[0].typenames if key in common), None)
