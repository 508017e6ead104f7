"""A simple implementation of the specification: it expands every fragment and list, and caches nothing."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLIncludeDirective,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    SelectionSetNode,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_type,
)
from graphql.execution.values import VariableValues, get_argument_values, get_directive_values

from tests.schema.cost.pricing import operation_of

ASSUMED = 100
Sizes = Mapping[str, int]
Data = Mapping[str, Any]


class Reference:
    """One operation with coerced variables, over a schema from SDL."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any]) -> None:
        self._schema = schema
        self._operation = operation_of(document)
        self._variables = VariableValues({}, dict(variables))
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }

    def price(self) -> int:
        """The most that the operation can cost."""
        return self._object(self._root, [self._operation.selection_set], {})

    def actual(self, data: Data) -> int:
        """The actual cost of a response."""
        return self._answered(self._root, [self._operation.selection_set], data)

    @property
    def _root(self) -> GraphQLObjectType:
        root = self._schema.get_root_type(self._operation.operation)
        assert root
        return root

    def _object(self, kind: GraphQLNamedType, sets: Sequence[SelectionSetNode], sizes: Sizes) -> int:
        total = weight_of(kind)
        for _, field, nodes in self._fields(kind, sets):
            arguments = self._arguments(field, nodes[0])
            leaf = [weight_of(field.type)] if is_leaf_type(get_named_type(field.type)) else []
            below = [self._object(one, _below(nodes), handed(field, arguments)) for one in self._members(field)] + leaf
            size = sizes.get(nodes[0].name.value, size_of(field, arguments))
            total += own(field, arguments) + size ** depth_of(field) * max(below)
        return total

    def _answered(self, kind: GraphQLNamedType, sets: Sequence[SelectionSetNode], data: Data) -> int:
        total = weight_of(kind)
        for key, field, nodes in self._fields(kind, sets):
            total += own(field, self._arguments(field, nodes[0]))
            for value in flat(data.get(key)):
                total += self._value(field, _below(nodes), value)
        return total

    def _value(self, field: GraphQLField, sets: Sequence[SelectionSetNode], value: Any) -> int:
        if is_leaf_type(get_named_type(field.type)):
            return weight_of(field.type)
        members = self._members(field)
        keys = [set(self._keys(member, sets, "__typename")) for member in members]
        if common := set.intersection(*keys):
            return sum(self._answered(member, sets, value) for member in members if member.name == value[min(common)])
        fitting = [member for member in members if set(self._keys(member, sets)) == value.keys()]
        return max(self._answered(member, sets, value) for member in fitting)

    def _members(self, field: GraphQLField) -> Sequence[GraphQLNamedType]:
        kind = get_named_type(field.type)
        if is_leaf_type(kind):
            return []
        return list(self._schema.get_possible_types(kind)) if is_abstract_type(kind) else [kind]

    def _keys(self, kind: GraphQLNamedType, sets: Sequence[SelectionSetNode], name: str | None = None) -> list[str]:
        grouped = self._collect(kind, sets, {}, set())
        return [key for key, nodes in grouped.items() if name in {None, nodes[0].name.value}]

    def _fields(
        self, kind: GraphQLNamedType, sets: Sequence[SelectionSetNode]
    ) -> Iterable[tuple[str, GraphQLField, list[FieldNode]]]:
        assert isinstance(kind, GraphQLObjectType)
        for key, nodes in self._collect(kind, sets, {}, set()).items():
            if nodes[0].name.value != "__typename":
                yield key, kind.fields[nodes[0].name.value], nodes

    def _collect(
        self,
        kind: GraphQLNamedType,
        sets: Sequence[SelectionSetNode],
        grouped: dict[str, list[FieldNode]],
        spread: set[str],
    ) -> dict[str, list[FieldNode]]:
        for node in [selection for one in sets for selection in one.selections if self._is_there(selection)]:
            if isinstance(node, FieldNode):
                grouped.setdefault((node.alias or node.name).value, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                if node.type_condition is None or self._applies(node.type_condition.name.value, kind):
                    self._collect(kind, [node.selection_set], grouped, spread)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
                spread.add(node.name.value)
                fragment = self._fragments[node.name.value]
                if self._applies(fragment.type_condition.name.value, kind):
                    self._collect(kind, [fragment.selection_set], grouped, spread)
        return grouped

    def _applies(self, condition: str, kind: GraphQLNamedType) -> bool:
        other = self._schema.type_map[condition]
        return other is kind or (is_abstract_type(other) and self._schema.is_sub_type(other, kind))

    def _is_there(self, node: Any) -> bool:
        skip = get_directive_values(GraphQLSkipDirective, node, self._variables)
        include = get_directive_values(GraphQLIncludeDirective, node, self._variables)
        return not (skip and skip["if"]) and (include is None or include["if"])

    def _arguments(self, field: GraphQLField, node: FieldNode) -> dict[str, Any]:
        return get_argument_values(field, node, self._variables)


def own(field: GraphQLField, arguments: Mapping[str, Any]) -> int:
    """The cost of resolving a field once."""
    used = [(field.args[name], value) for name, value in arguments.items() if value is not None]
    return max(
        weight_of(field) + sum(weight_of(argument) + input_cost(argument.type, value) for argument, value in used), 0
    )


def input_cost(kind: Any, value: Any) -> int:
    """The cost of the fields of input objects."""
    named = get_named_type(kind)
    if not isinstance(named, GraphQLInputObjectType):
        return 0
    return sum(
        weight_of(named.fields[name]) + input_cost(named.fields[name].type, inner)
        for item in flat(value)
        for name, inner in item.items()
        if inner is not None
    )


def weight_of(element: Any) -> int:
    """The weight in the SDL, or the default."""
    element = get_named_type(element) if is_type(element) else element
    for directive in _directives(element, "cost"):
        return int(directive["weight"])
    return 0 if is_leaf_type(element if is_type(element) else get_named_type(element.type)) else 1


def size_of(field: GraphQLField, arguments: Mapping[str, Any]) -> int:
    """The largest length of a field's list."""
    for directive in _directives(field, "listSize"):
        values = [_at(arguments, path.split(".")) for path in directive.get("slicingArguments", ())]
        lengths = [len(value) if isinstance(value, list) else value for value in values if value is not None]
        return min(max(0, *lengths), ASSUMED) if lengths else int(directive.get("assumedSize", ASSUMED))
    return ASSUMED


def handed(field: GraphQLField, arguments: Mapping[str, Any]) -> Sizes:
    """The sizes that a field's ``sizedFields`` give to lists: at least the size that the list itself declares."""
    kind = get_named_type(field.type)
    for directive in _directives(field, "listSize"):
        names = directive.get("sizedFields", ())
        fields = kind.fields if isinstance(kind, GraphQLObjectType) else {}
        return {name: max(size_of(field, arguments), _own_size(fields[name])) for name in names}
    return {}


def _own_size(field: GraphQLField) -> int:
    return sum(int(directive.get("assumedSize", 0)) for directive in _directives(field, "listSize"))


def _at(arguments: Any, path: Sequence[str]) -> Any:
    for name in path:
        arguments = (arguments or {}).get(name)
    return arguments


def depth_of(field: GraphQLField) -> int:
    """The number of list types around a field's type."""
    kind, depth = field.type, 0
    while isinstance(kind, GraphQLList | GraphQLNonNull):
        depth, kind = depth + isinstance(kind, GraphQLList), kind.of_type
    return depth


def flat(value: Any) -> list[Any]:
    """The values in lists of lists that are not null."""
    if isinstance(value, list):
        return [inner for item in value for inner in flat(item)]
    return [] if value is None else [value]


def _below(nodes: Sequence[FieldNode]) -> list[SelectionSetNode]:
    return [node.selection_set for node in nodes if node.selection_set]


def _directives(element: Any, name: str) -> list[dict[str, Any]]:
    nodes = (element.ast_node and element.ast_node.directives) or ()
    return [
        {argument.name.value: _plain(argument.value) for argument in node.arguments or ()}
        for node in nodes
        if node.name.value == name
    ]


def _plain(value: Any) -> Any:
    return [item.value for item in value.values] if hasattr(value, "values") else _number(value.value)


def _number(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.lstrip("-").isdigit() else value
