"""The fields that are selected on an object: selection sets and fragments, merged by response key as in execution.

See the GraphQL specification, section 6.3.2, CollectFields.
"""

from collections.abc import Iterable, Mapping, Sequence

from graphql import (
    BooleanValueNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
)

from schema.cost.weights import Weights
from schema.cost.work_limit import WorkLimit

SelectionSets = tuple[SelectionSetNode, ...]
#: The identities of selection sets, in any order. Comparing the nodes would compare all of their content.
Identity = frozenset[int]
Fragments = Mapping[str, FragmentDefinitionNode]
#: The values of the variables in ``@skip`` and ``@include``; None for one that the client omits.
Conditions = Mapping[str, bool | None]


def fragments_of(document: DocumentNode) -> Fragments:
    """The fragments of a document by name."""
    return {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}


def identity(selection_sets: SelectionSets) -> Identity:
    """A key for these selection sets among those of the document."""
    return frozenset(map(id, selection_sets))


class Selections:
    """Merges selection sets of a document, which need not be valid, for known values of its conditions."""

    def __init__(self, weights: Weights, fragments: Fragments, conditions: Conditions, steps: WorkLimit) -> None:
        self._weights = weights
        self._fragments = fragments
        self._conditions = conditions
        self._steps = steps

    def merged(self, kind: str, nodes: Iterable[FieldNode]) -> SelectionSets:
        """The selection sets of the fields with one response key.

        A selection set that only spreads fragments is replaced by the selection sets of the fragments. So all places
        that spread the same fragment have the same selection, which is analysed once.
        """
        result: dict[int, SelectionSetNode] = {}
        visited: set[int] = set()
        pending = [node.selection_set for node in nodes if node.selection_set][::-1]
        self._steps.take(len(pending))
        while pending:
            current = pending.pop()
            if id(current) in visited:
                continue
            visited.add(id(current))
            spread = self._only_spread(kind, current)
            if spread is None:
                result[id(current)] = current
            else:
                pending.extend(reversed(spread))
        return tuple(result.values())

    def collect(self, kind: str, selection_sets: Sequence[SelectionSetNode]) -> dict[str, list[FieldNode]]:
        """The fields of an object type by response key, in the order of the response."""
        grouped: dict[str, list[FieldNode]] = {}
        spread: set[str] = set()
        stack = [iter(selection_set.selections) for selection_set in reversed(selection_sets)]
        while stack:
            node = next(stack[-1], None)
            if node is None:
                stack.pop()
            elif not self._is_included(node):
                continue
            elif isinstance(node, FieldNode):
                grouped.setdefault((node.alias or node.name).value, []).append(node)
            elif inner := self._inner(kind, node, spread):
                stack.append(iter(inner.selections))
        return grouped

    def _only_spread(self, kind: str, selection_set: SelectionSetNode) -> list[SelectionSetNode] | None:
        spread: list[SelectionSetNode] = []
        for node in selection_set.selections:
            if not isinstance(node, FragmentSpreadNode):
                return None
            if self._is_included(node) and (inner := self._inner(kind, node, set())):
                spread.append(inner)
        return spread

    def _inner(self, kind: str, node: SelectionNode, spread: set[str]) -> SelectionSetNode | None:
        """The selection set of a fragment that applies to the type; None if it does not, or was spread before."""
        if isinstance(node, FragmentSpreadNode):
            name = node.name.value
            fragment = self._fragments.get(name)
            if name in spread or fragment is None:
                return None
            spread.add(name)
            return fragment.selection_set if self._applies(fragment.type_condition.name.value, kind) else None
        if isinstance(node, InlineFragmentNode):
            condition = node.type_condition
            return node.selection_set if condition is None or self._applies(condition.name.value, kind) else None
        return None

    def _applies(self, condition: str, kind: str) -> bool:
        return condition in self._weights.conditions[kind]

    def _is_included(self, node: SelectionNode) -> bool:
        directives = node.directives
        if not directives:
            self._steps.take()
            return True
        self._steps.take(1 + len(directives))
        for directive in directives:
            excludes = {"skip": True, "include": False}.get(directive.name.value)
            if excludes is not None and self._condition(directive.arguments or ()) is excludes:
                return False
        return True

    def _condition(self, arguments: Sequence[object]) -> bool | None:
        for argument in arguments:
            value = getattr(argument, "value", None)
            if isinstance(value, BooleanValueNode):
                return value.value
            if isinstance(value, VariableNode):
                return self._conditions.get(value.name.value)
        return None
