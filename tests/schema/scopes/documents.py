"""A document for every field of a schema, generated from the schema, with arguments of the right types."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_introspection_type,
    is_object_type,
    is_required_argument,
    is_required_input_field,
)

#: A value for the argument or input field with this name, whose type has this name, of the field that returns a type.
Ids = Callable[[str, str], str]
SCALARS: Mapping[str, Any] = {
    "Boolean": True,
    "ByteSize": 10,
    "DateTime": "2999-01-01T00:00:00Z",
    "Float": 1.0,
    "Int": 1,
    "JSON": {},
    "String": "text",
}


@dataclass(frozen=True)
class Step:
    """A field on the way from a root of the schema, with the object type that it is on."""

    parent: GraphQLObjectType
    name: str

    @property
    def field(self) -> GraphQLField:
        """The field itself."""
        found: GraphQLField = self.parent.fields[self.name]
        return found

    @property
    def coordinate(self) -> str:
        """Such as ``Upload.file``."""
        return f"{self.parent.name}.{self.name}"


@dataclass(frozen=True)
class Document:
    """An operation: the fields on the way to an object, and what is selected there.

    ``coordinates`` are those of all its fields, and of the type of the object if ``node`` loads it.
    """

    kind: str
    path: tuple[Step, ...]
    selection: tuple[Step, ...]
    node_type: str | None = None

    @property
    def coordinates(self) -> list[str]:
        """All fields of the document."""
        return [step.coordinate for step in (*self.path, *self.selection)]

    @property
    def root(self) -> str:
        """The coordinate of the root field."""
        return self.coordinates[0]

    @property
    def name(self) -> str:
        """A name for messages."""
        if self.node_type:
            return f"Query.node | {self.node_type}"
        return " ".join([*(step.coordinate for step in self.path), "|", *(step.name for step in self.selection)])

    def text(self, ids: Ids) -> str:
        """The text of the document."""
        inner = " ".join(_selected(step, ids) for step in self.selection) or "__typename"
        if self.node_type:
            return f'{{ node(id: "{ids("id", self.node_type)}") {{ __typename id }} }}'
        below = self.selection[0].parent.name
        for step in reversed(self.path):
            if is_abstract_type(get_named_type(step.field.type)):
                inner = f"... on {below} {{ {inner} }}"
            inner, below = f"{_called(step, ids)} {{ {inner} }}", step.parent.name
        return f"{self.kind} {{ {inner} }}"


def every_document(schema: GraphQLSchema, is_declared: Callable[[str], bool]) -> Iterator[Document]:
    """For each object type, a document with all fields that declare nothing, and one for each field that does.

    The way to an object is the shortest from a root, and through a query if there is one.
    """
    ways = _ways(schema)
    for kind in ways:
        operation, way = ways[kind]
        parent = schema.type_map[kind]
        assert is_object_type(parent)
        steps = [Step(parent, name) for name in parent.fields]
        if way and (plain := tuple(step for step in steps if not is_declared(step.coordinate))):
            yield Document(operation, way, plain)
        yield from (Document(operation, way, (step,)) for step in steps if is_declared(step.coordinate) or not way)
    query = schema.query_type
    assert query
    for member in schema.get_possible_types(schema.type_map["Node"]):  # type: ignore[arg-type]
        yield Document("query", (Step(query, "node"),), (), node_type=member.name)


def object_types(schema: GraphQLSchema) -> list[GraphQLObjectType]:
    """The object types of a schema, without those of introspection."""
    return [kind for kind in schema.type_map.values() if is_object_type(kind) and not is_introspection_type(kind)]


def _ways(schema: GraphQLSchema) -> dict[str, tuple[str, tuple[Step, ...]]]:
    """By the name of each object type: the type of operation that leads to it, and the fields on the way."""
    roots = {"query": schema.query_type, "mutation": schema.mutation_type, "subscription": schema.subscription_type}
    ways: dict[str, tuple[str, tuple[Step, ...]]] = {}
    for operation, root in roots.items():
        assert root
        ways[root.name] = (operation, ())
        pending = [root]
        while pending:
            parent = pending.pop(0)
            for name, field in parent.fields.items():
                for kind in _returned(schema, field):
                    if kind.name not in ways:
                        ways[kind.name] = (operation, (*ways[parent.name][1], Step(parent, name)))
                        pending.append(kind)
    return ways


def _returned(schema: GraphQLSchema, field: GraphQLField) -> Sequence[GraphQLObjectType]:
    """The object types that a field may return. ``Node`` is left out: it has documents of its own."""
    kind = get_named_type(field.type)
    if is_object_type(kind):
        return [kind]
    return schema.get_possible_types(kind) if is_abstract_type(kind) and kind.name != "Node" else []


def _selected(step: Step, ids: Ids) -> str:
    inner = " { __typename }" if is_composite_type(get_named_type(step.field.type)) else ""
    return _called(step, ids) + inner


def _called(step: Step, ids: Ids) -> str:
    """The field with its required arguments."""
    returned = get_named_type(step.field.type).name
    given = [
        f"{name}: {_literal(_value(name, argument, returned, ids))}"
        for name, argument in step.field.args.items()
        if is_required_argument(argument)
    ]
    return f"{step.name}({', '.join(given)})" if given else step.name


def _value(name: str, element: GraphQLArgument | GraphQLInputField, returned: str, ids: Ids) -> Any:
    kind: Any = element.type.of_type if isinstance(element.type, GraphQLNonNull) else element.type
    if isinstance(kind, GraphQLList):
        return [_scalar(name, get_named_type(kind), returned, ids)]
    return _scalar(name, kind, returned, ids)


def _scalar(name: str, kind: Any, returned: str, ids: Ids) -> Any:
    if isinstance(kind, GraphQLInputObjectType):
        fields = kind.fields.items()
        return {key: _value(key, field, returned, ids) for key, field in fields if is_required_input_field(field)}
    if isinstance(kind, GraphQLEnumType):
        return _Name(next(iter(kind.values)))
    if name == "query":
        return "{ server { version } }"
    return ids(name, returned) if kind.name == "ID" else SCALARS[kind.name]


class _Name(str):
    """The name of an enum's value, which has no quotes."""


def _literal(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_literal, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, _Name | int | float) else f'"{value}"'
