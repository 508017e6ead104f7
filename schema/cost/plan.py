"""The price of an operation before it runs, and its actual cost afterwards.

A price is the operation's field cost plus its type cost (IBM's GraphQL Cost Directives specification, section 5.3.2).
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentSpreadNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionNode,
    ValueNode,
    VariableNode,
)

from schema.cost.actual_cost import ActualCost
from schema.cost.breakdown import Entry, breakdown_of
from schema.cost.compiler import compile_operation
from schema.cost.error_cost import ErrorCost, Path
from schema.cost.graph import CostGraph, CostGraphs
from schema.cost.list_sizes import Variables
from schema.cost.selections import Fragments, fragments_of
from schema.cost.weights import Weights
from schema.cost.work_limit import MAX_STEPS, WorkLimit

#: Default for the steps of the graphs that a plan caches: enough for a few graphs of a large operation.
CAPACITY = 4 * MAX_STEPS
CONDITIONS = frozenset({"skip", "include"})
NO_VARIABLES: Variables = {}


class OperationPlan:
    """The analysis of one operation. It gives the price for any variables, which are coerced values by name."""

    def __init__(
        self, weights: Weights, document: DocumentNode, operation: OperationDefinitionNode, graphs: CostGraphs
    ) -> None:
        self._weights = weights
        self._operation = operation
        self._fragments = fragments_of(document)
        self._graphs = graphs
        steps = WorkLimit()
        reader = _Variables(weights, self._fragments, steps)
        reader.read(operation)
        self._conditions = tuple(reader.conditions)
        self._read = steps.used
        #: The variables that change the price. Requests with equal values of these have the same price.
        self.uses_variables = frozenset(reader.priced.keys() | reader.conditions.keys())
        self._only = None if self._conditions else self._compiled(())

    def price(self, variables: Variables = NO_VARIABLES) -> int:
        """The most that the operation can cost, in points.

        Raises :class:`OperationTooComplex` if the graph for these values of its conditions takes too much work.
        """
        graph = self._graph(variables)
        return graph.costs(variables).whole[graph.root.index] if graph.root else 0

    def actual(
        self,
        data: Mapping[str, Any] | None,
        variables: Variables = NO_VARIABLES,
        failed: Collection[Path] = (),
    ) -> int:
        """The actual cost of the operation, in points, by the ``data`` of its response.

        ``failed`` are the paths of its errors: see :mod:`schema.cost.error_cost`. The cost is at most the price for the
        same variables if no list is longer than its declared size.
        """
        graph = self._graph(variables)
        if not graph.root:
            return 0
        costs = graph.costs(variables)
        cost = ActualCost(costs.own).cost(graph.root, data or {})
        if not failed:
            return cost
        return min(cost + ErrorCost(graph, costs, variables).cost(data, failed), costs.whole[graph.root.index])

    def start(self, variables: Variables = NO_VARIABLES) -> int:
        """The points of the root fields themselves. A subscription pays them once, and everything below by frame."""
        graph = self._graph(variables)
        return graph.costs(variables).own[graph.root.index] if graph.root else 0

    def coordinates(self, variables: Variables = NO_VARIABLES) -> frozenset[str]:
        """The coordinates of all fields that the operation may resolve for these variables, such as ``Upload.file``."""
        return self._graph(variables).coordinates

    def entries(self, variables: Variables = NO_VARIABLES) -> list[Entry]:
        """The price of each field, breadth first."""
        return breakdown_of(self._graph(variables), variables)

    @property
    def is_conditional(self) -> bool:
        """Whether ``@skip`` or ``@include`` depends on variables: then each combination of their values has a graph."""
        return self._only is None

    @property
    def work(self) -> int:
        """The steps that the analysis of the operation has taken."""
        return self._only.steps if self._only else self._read

    def _graph(self, variables: Variables) -> CostGraph:
        if self._only:
            return self._only
        flags = tuple(_flag(variables.get(name)) for name in self._conditions)
        return self._graphs.get((id(self._operation), flags), lambda: self._compiled(flags))

    def _compiled(self, flags: tuple[bool | None, ...]) -> CostGraph:
        steps = WorkLimit()
        steps.take(self._read)
        conditions = dict(zip(self._conditions, flags, strict=True))
        return compile_operation(self._weights, self._fragments, self._operation, conditions, steps)


def plan_operation(
    weights: Weights, document: DocumentNode, operation: OperationDefinitionNode, graphs: CostGraphs | None = None
) -> OperationPlan:
    """Analyse an operation of a document, which need not be valid. All operations of a document share its ``graphs``.

    Raises :class:`OperationTooComplex` if this takes too much work.
    """
    return OperationPlan(weights, document, operation, graphs or CostGraphs(CAPACITY))


class _Variables:
    """Finds the variables of an operation that change its price: dict keys, in the order of the document."""

    def __init__(self, weights: Weights, fragments: Fragments, steps: WorkLimit) -> None:
        self._weights = weights
        self._fragments = fragments
        self._steps = steps
        self.conditions: dict[str, None] = {}
        self.priced: dict[str, None] = {}

    def read(self, operation: OperationDefinitionNode) -> None:
        spread: set[str] = set()
        pending = [operation.selection_set]
        while pending:
            for node in pending.pop().selections:
                self._visit(node)
                if isinstance(node, FragmentSpreadNode):
                    name = node.name.value
                    if name not in spread and name in self._fragments:
                        spread.add(name)
                        pending.append(self._fragments[name].selection_set)
                elif inner := getattr(node, "selection_set", None):
                    pending.append(inner)

    def _visit(self, node: SelectionNode) -> None:
        self._steps.take()
        for directive in node.directives or ():
            self._steps.take()
            if directive.name.value in CONDITIONS:
                for argument in directive.arguments or ():
                    self.conditions |= dict.fromkeys(self._variables(argument.value))
        if isinstance(node, FieldNode):
            sensitive = self._weights.sensitive.get(node.name.value, ())
            for argument in node.arguments or ():
                if argument.name.value in sensitive:
                    self.priced |= dict.fromkeys(self._variables(argument.value))

    def _variables(self, value: ValueNode) -> Iterator[str]:
        pending = [value]
        while pending:
            self._steps.take()
            value = pending.pop()
            if isinstance(value, VariableNode):
                yield value.name.value
            elif isinstance(value, ListValueNode):
                pending.extend(value.values)
            elif isinstance(value, ObjectValueNode):
                pending.extend(field.value for field in value.fields)


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None
