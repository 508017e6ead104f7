"""The cost of arguments. Literals are priced when a graph is compiled, and variables for each request."""

from collections.abc import Iterator
from dataclasses import dataclass

from graphql import (
    FieldNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    Undefined,
    ValueNode,
    VariableNode,
)

from schema.cost.list_sizes import Size, SizeRule, Variables
from schema.cost.weights import FieldWeight, InputWeight, Weights
from schema.cost.work_limit import WorkLimit

#: A cache for one price: the cost of the input objects in a variable's value, by the variable's name and its type.
InputCosts = dict[tuple[str, str | None], int]


@dataclass(frozen=True, slots=True)
class Use:
    """A variable that changes the cost of a field. ``default`` is the cost that it adds if the client omits it."""

    variable: str
    type: str | None
    weight: int
    default: int


@dataclass(frozen=True, slots=True)
class OwnCost:
    """The cost of resolving a field once: a fixed part, and a part that depends on variables. It is never below 0."""

    fixed: int
    uses: tuple[Use, ...]


class Inputs:
    """Reads the arguments of a document, which need not be valid."""

    def __init__(self, weights: Weights, steps: WorkLimit) -> None:
        self._weights = weights
        self._steps = steps

    def size(self, rule: SizeRule, node: FieldNode) -> int | Size:
        """The length of a field's list."""
        return rule.size(self._arguments(node), self._steps)

    def own(self, field: FieldWeight, node: FieldNode) -> int | OwnCost:
        """The cost of resolving a field once: its weight and the weights of its arguments."""
        total, uses = field.weight, []
        values = self._arguments(node)
        for name, weight in field.arguments.items():
            if weight.matters:
                for part in self._input(weight, values.get(name)):
                    if isinstance(part, Use):
                        uses.append(part)
                    else:
                        total += part
        return OwnCost(total, tuple(uses)) if uses else max(total, 0)

    def resolve(self, own: OwnCost, variables: Variables, cache: InputCosts) -> int:
        """The cost of resolving a field once, for these variables. ``cache`` is for one price."""
        return max(own.fixed + sum(self._use(use, variables, cache) for use in own.uses), 0)

    def _use(self, use: Use, variables: Variables, cache: InputCosts) -> int:
        value = variables.get(use.variable, Undefined)
        if value is Undefined:
            return use.default
        if value is None:
            return 0
        key = (use.variable, use.type)
        if key not in cache:
            cache[key] = self._value(use.type, value)
        return use.weight + cache[key]

    def _arguments(self, node: FieldNode) -> dict[str, ValueNode]:
        arguments = node.arguments or ()
        self._steps.take(len(arguments))
        return {argument.name.value: argument.value for argument in arguments}

    def _input(self, weight: InputWeight, value: ValueNode | None) -> Iterator[int | Use]:
        """The cost of an argument or input field. Null costs nothing."""
        if value is None:
            yield self._default(weight)
        elif isinstance(value, VariableNode):
            yield Use(value.name.value, self._priced(weight.type), weight.weight, self._default(weight))
        elif not isinstance(value, NullValueNode):
            yield weight.weight
            yield from self._inside(self._priced(weight.type), value)

    def _inside(self, kind: str | None, value: ValueNode) -> Iterator[int | Use]:
        """The cost of the fields of input objects, which may be in lists."""
        pending: list[tuple[str | None, ValueNode]] = [(kind, value)]
        while pending:
            kind, value = pending.pop()
            self._steps.take()
            if kind is None:
                continue
            if isinstance(value, ListValueNode):
                pending.extend((kind, item) for item in value.values)
            elif isinstance(value, VariableNode):
                yield Use(value.name.value, kind, 0, 0)
            elif isinstance(value, ObjectValueNode):
                yield from self._object(kind, value, pending)

    def _object(
        self, kind: str, value: ObjectValueNode, pending: list[tuple[str | None, ValueNode]]
    ) -> Iterator[int | Use]:
        self._steps.take(len(value.fields))
        values = {field.name.value: field.value for field in value.fields}
        for name, weight in self._weights.inputs[kind].items():
            inner = values.get(name)
            if not weight.matters:
                continue
            if inner is None or isinstance(inner, VariableNode | NullValueNode):
                yield from self._input(weight, inner)
            else:
                yield weight.weight
                pending.append((self._priced(weight.type), inner))

    def _value(self, kind: str | None, value: object) -> int:
        """The cost of the input objects in a coerced value."""
        total = 0
        pending = [(kind, value)]
        while pending:
            kind, value = pending.pop()
            if kind is None:
                continue
            if isinstance(value, list):
                pending.extend((kind, item) for item in value)
            elif isinstance(value, dict):
                for name, weight in self._weights.inputs[kind].items():
                    inner = value.get(name)
                    if weight.matters and inner is not None:
                        total += weight.weight
                        pending.append((self._priced(weight.type), inner))
        return total

    def _default(self, weight: InputWeight) -> int:
        if weight.default is Undefined or weight.default is None:
            return 0
        return weight.weight + self._value(self._priced(weight.type), weight.default)

    def _priced(self, kind: str | None) -> str | None:
        return kind if kind in self._weights.weighted_inputs else None
