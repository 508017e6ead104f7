"""The cost of introspection: the objects that it returns are counted in the schema.

Deprecated elements count even if the query leaves them out.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLWrappingType,
    SchemaMetaFieldDef,
    StringValueNode,
    TypeMetaFieldDef,
    is_abstract_type,
)

from schema.cost.selections import Identity, Selections, SelectionSets, identity
from schema.cost.weights import Weights
from schema.cost.work_limit import WorkLimit, check_nesting

#: An object of introspection takes about 10 microseconds and no query: a tenth of an object from the database.
OBJECTS_PER_POINT = 10
#: Counting an object takes as long as reading this many selections.
STEPS_PER_OBJECT = 2

SCHEMA_FIELD = "__schema"
TYPE_FIELD = "__type"
META_FIELDS = {SCHEMA_FIELD: SchemaMetaFieldDef, TYPE_FIELD: TypeMetaFieldDef}


def _fields(kind: Any, _: GraphQLSchema) -> Iterable[object]:
    return kind.fields.values() if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType) else ()


def _interfaces(kind: Any, _: GraphQLSchema) -> Iterable[object]:
    return kind.interfaces if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType) else ()


def _possible_types(kind: Any, schema: GraphQLSchema) -> Iterable[object]:
    return schema.get_possible_types(kind) if is_abstract_type(kind) else ()


#: The fields of introspection that return objects, and the elements of the schema that they return, with deprecated
#: ones.
PARTS: dict[str, Callable[[Any, GraphQLSchema], Iterable[object]]] = {
    "__Schema.types": lambda schema, _: schema.type_map.values(),
    "__Schema.queryType": lambda schema, _: [schema.query_type],
    "__Schema.mutationType": lambda schema, _: [schema.mutation_type],
    "__Schema.subscriptionType": lambda schema, _: [schema.subscription_type],
    "__Schema.directives": lambda schema, _: schema.directives,
    "__Type.fields": _fields,
    "__Type.interfaces": _interfaces,
    "__Type.possibleTypes": _possible_types,
    "__Type.enumValues": lambda kind, _: kind.values.values() if isinstance(kind, GraphQLEnumType) else (),
    "__Type.inputFields": lambda kind, _: kind.fields.values() if isinstance(kind, GraphQLInputObjectType) else (),
    "__Type.ofType": lambda kind, _: [kind.of_type] if isinstance(kind, GraphQLWrappingType) else (),
    "__Field.args": lambda field, _: field.args.values(),
    "__Field.type": lambda field, _: [field.type],
    "__InputValue.type": lambda value, _: [value.type],
    "__Directive.args": lambda directive, _: directive.args.values(),
}


@dataclass(frozen=True, slots=True)
class ObjectSelection:
    """The selection on an object."""

    kind: str
    selection_sets: SelectionSets
    identity: Identity


@dataclass(frozen=True, slots=True)
class Branch:
    """A field that returns objects, and the selection on them."""

    coordinate: str
    selection: "ObjectSelection"


class Introspection:
    """Counts the objects that ``__schema`` and ``__type`` return. For each selection, an element is counted once."""

    def __init__(self, weights: Weights, selections: Selections, steps: WorkLimit) -> None:
        self._weights = weights
        self._selections = selections
        self._steps = steps
        self._branches: dict[tuple[str, Identity], list[Branch]] = {}
        self._counts: dict[tuple[str, Identity, int], int] = {}

    def cost(self, nodes: list[FieldNode]) -> int:
        """The cost of ``__schema`` or ``__type``. If a variable has the type's name, the most expensive type counts."""
        schema, field = self._weights.schema, nodes[0]
        if field.name.value == SCHEMA_FIELD:
            things: list[object] = [schema]
        else:
            name = _literal_name(field)
            types = schema.type_map.values() if name is None else [schema.type_map.get(name)]
            things = [thing for thing in types if thing]
        selection = self._merged("__Schema" if field.name.value == SCHEMA_FIELD else "__Type", nodes)
        objects = max((self._count(selection, thing, 1) for thing in things), default=0)
        return -(-objects // OBJECTS_PER_POINT)

    def _count(self, selection: ObjectSelection, thing: object, depth: int) -> int:
        check_nesting(depth)
        self._steps.take(STEPS_PER_OBJECT)
        key = (selection.kind, selection.identity, id(thing))
        if key not in self._counts:
            # This ends a cycle of fragments, which validation rejects later.
            self._counts[key] = 0
            self._counts[key] = 1 + sum(
                self._count(branch.selection, part, depth + 1)
                for branch in self._branches_of(selection)
                for part in PARTS[branch.coordinate](thing, self._weights.schema)
                if part is not None
            )
        return self._counts[key]

    def _branches_of(self, selection: ObjectSelection) -> list[Branch]:
        key = (selection.kind, selection.identity)
        if key not in self._branches:
            self._branches[key] = list(self._read(selection))
        return self._branches[key]

    def _read(self, selection: ObjectSelection) -> Iterable[Branch]:
        for nodes in self._selections.collect(selection.kind, selection.selection_sets).values():
            field = self._weights.fields[selection.kind].get(nodes[0].name.value)
            if field and field.coordinate in PARTS:
                yield Branch(field.coordinate, self._merged(field.type, nodes))

    def _merged(self, kind: str, nodes: list[FieldNode]) -> ObjectSelection:
        selection_sets = self._selections.merged(kind, nodes)
        return ObjectSelection(kind, selection_sets, identity(selection_sets))


def _literal_name(field: FieldNode) -> str | None:
    for argument in field.arguments or ():
        if argument.name.value == "name" and isinstance(argument.value, StringValueNode):
            return argument.value.value
    return None
