"""The weights of a schema's fields, types and inputs, and the sizes of its lists, read from its directives once.

Rules and default weights are those of IBM's GraphQL Cost Directives specification, sections 5.3.2, 7 and 8, except that
weights are whole numbers.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    OperationType,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_input_object_type,
    is_introspection_type,
    is_leaf_type,
    is_object_type,
    value_from_ast_untyped,
)
from graphql.pyutils import Undefined
from graphql.utilities.coerce_input_value import coerce_default_value

from schema.cost.directives import STRAWBERRY, Cost, ListSize
from schema.cost.list_sizes import SizeRule

Element = GraphQLField | GraphQLArgument | GraphQLInputField | GraphQLNamedType


@dataclass(frozen=True, slots=True)
class InputWeight:
    """An argument or an input field. ``matters`` says whether it can change the cost of a field."""

    weight: int
    type: str | None
    default: object
    matters: bool


@dataclass(frozen=True, slots=True)
class FieldWeight:
    """A field of an object type. ``lists`` is the number of list types around its named type."""

    coordinate: str
    weight: int
    type: str
    lists: int
    is_leaf: bool
    arguments: Mapping[str, InputWeight]
    rule: SizeRule | None


class Weights:
    """The weights of a schema."""

    def __init__(self, schema: GraphQLSchema, assumed: int) -> None:
        self._schema = schema
        self._assumed = assumed
        #: The input types that have a weight, or a field of such a type.
        self.weighted_inputs = _weighted_inputs(_input_types(schema))
        self.inputs = self._input_fields()
        self.types = {
            name: weight_of(kind)
            for name, kind in schema.type_map.items()
            if is_object_type(kind) or is_leaf_type(kind)
        }
        self.fields = {
            kind.name: {name: self._field(kind, name, field) for name, field in kind.fields.items()}
            for kind in schema.type_map.values()
            if isinstance(kind, GraphQLObjectType)
        }
        #: The object types that a value of a composite type may have.
        self.members = {
            kind.name: tuple(member.name for member in _members(schema, kind))
            for kind in schema.type_map.values()
            if is_composite_type(kind)
        }
        #: By object type: the type conditions of fragments that apply to it.
        self.conditions = {
            member: frozenset(name for name, members in self.members.items() if member in members)
            for member in self.fields
        }
        self.roots = {kind: root.name for kind in OperationType if (root := schema.get_root_type(kind))}
        self.sensitive = self._sensitive()

    @classmethod
    def of(cls, schema: GraphQLSchema, assumed: int = ListSize.maximum) -> "Weights":
        """Read the directives of a schema. A list without ``@listSize`` counts as ``assumed`` items.

        Raises :class:`ValueError` if a weight is not a whole number or a slicing argument does not exist.
        """
        return cls(schema, assumed)

    @property
    def schema(self) -> GraphQLSchema:
        """The schema of these weights."""
        return self._schema

    def _field(self, parent: GraphQLObjectType, name: str, field: GraphQLField) -> FieldWeight:
        kind = get_named_type(field.type)
        coordinate, declared, lists = f"{parent.name}.{name}", _list_size(field), _lists(field.type)
        return FieldWeight(
            coordinate=coordinate,
            weight=weight_of(field),
            type=kind.name,
            lists=lists,
            is_leaf=is_leaf_type(kind),
            arguments={name: self._input(argument) for name, argument in field.args.items()},
            rule=SizeRule.of(coordinate, field, declared, self._assumed) if declared or lists else None,
        )

    def _input_fields(self) -> dict[str, dict[str, InputWeight]]:
        kinds = _input_types(self._schema)
        return {kind.name: {name: self._input(field) for name, field in kind.fields.items()} for kind in kinds}

    def _input(self, element: GraphQLArgument | GraphQLInputField) -> InputWeight:
        kind = get_named_type(element.type)
        name = kind.name if is_input_object_type(kind) else None
        weight = weight_of(element)
        matters = weight != 0 or name in self.weighted_inputs
        return InputWeight(weight, name, coerce_default_value(element) if matters else Undefined, matters)

    def _sensitive(self) -> dict[str, frozenset[str]]:
        """By the name of a field: the arguments that change the cost of a field of this name, on any type."""
        arguments_of: dict[str, set[str]] = {}
        for of_type in self.fields.values():
            for name, field in of_type.items():
                weighted = {key for key, argument in field.arguments.items() if argument.matters}
                slicing = {argument.path[0] for argument in field.rule.slicing} if field.rule else ()
                arguments_of.setdefault(name, set()).update(weighted, slicing)
        return {name: frozenset(arguments) for name, arguments in arguments_of.items() if arguments}


def weight_of(element: Element) -> int:
    """The weight in the schema, or the specification's default. Raises :class:`ValueError` for a fraction."""
    explicit = explicit_weight(element)
    if explicit is not None:
        return explicit
    kind = element if isinstance(element, GraphQLNamedType) else get_named_type(element.type)
    # The objects of introspection are priced in schema/cost/introspection.py.
    return 0 if isinstance(kind, GraphQLScalarType | GraphQLEnumType) or is_introspection_type(kind) else 1


def explicit_weight(element: Element) -> int | None:
    """The weight that the schema gives, if it gives one. Raises :class:`ValueError`."""
    explicit = _cost(element)
    return None if explicit is None else _whole(explicit, str(element))


def _whole(text: str, where: str) -> int:
    weight = float(text)
    if not weight.is_integer():
        raise ValueError(f"the weight of {where} must be a whole number, not {text}")
    return int(weight)


def _cost(element: Element) -> str | None:
    """The weight of an element, in a schema that Strawberry or SDL defines."""
    for directive in _directives(element):
        if isinstance(directive, Cost):
            return directive.weight
    for arguments in _written(element, "cost"):
        return str(arguments["weight"])
    return None


def _list_size(field: GraphQLField) -> ListSize | None:
    """The ``@listSize`` of a field, in a schema that Strawberry or SDL defines."""
    for directive in _directives(field):
        if isinstance(directive, ListSize):
            return directive
    for explicit in _written(field, "listSize"):
        return ListSize(
            assumed_size=explicit.get("assumedSize"),
            slicing_arguments=explicit.get("slicingArguments"),
            sized_fields=explicit.get("sizedFields"),
        )
    return None


def _directives(element: Element) -> Iterable[object]:
    return getattr(element.extensions.get(STRAWBERRY), "directives", None) or ()


def _written(element: Element, name: str) -> Iterable[Mapping[str, Any]]:
    """The arguments of an SDL directive."""
    for node in (element.ast_node.directives if element.ast_node else None) or ():
        if node.name.value == name:
            yield {argument.name.value: value_from_ast_untyped(argument.value) for argument in node.arguments or ()}


def _lists(kind: object) -> int:
    depth = 0
    while isinstance(kind, GraphQLList | GraphQLNonNull):
        depth += isinstance(kind, GraphQLList)
        kind = kind.of_type
    return depth


def _members(schema: GraphQLSchema, kind: GraphQLNamedType) -> Iterable[GraphQLNamedType]:
    return schema.get_possible_types(kind) if is_abstract_type(kind) else (kind,)


def _input_types(schema: GraphQLSchema) -> list[GraphQLInputObjectType]:
    return [kind for kind in schema.type_map.values() if isinstance(kind, GraphQLInputObjectType)]


def _weighted_inputs(kinds: Iterable[GraphQLInputObjectType]) -> frozenset[str]:
    # Input types may contain each other.
    weighted: set[str] = set()
    before = -1
    while before < len(weighted):
        before = len(weighted)
        for kind in kinds:
            if any(weight_of(field) or get_named_type(field.type).name in weighted for field in kind.fields.values()):
                weighted.add(kind.name)
    return frozenset(weighted)
