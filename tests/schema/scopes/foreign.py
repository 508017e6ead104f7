"""Operations that name objects by ID, generated from the schema: one for each argument and input field of type ID.

All other IDs of an operation are the viewer's own, so that it fails because of the one ID alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_required_argument,
    is_required_input_field,
)

from tests.schema.scopes.documents import SCALARS

#: A document has a limited number of tokens.
MOST_CALLS = 4
#: The types whose IDs an argument accepts, by its name.
ACCEPTED: Mapping[str, Sequence[str]] = {
    "itemId": ("File", "Folder"),
    "itemIds": ("File", "Folder"),
    "parentId": ("Folder",),
    "fileId": ("File",),
    "versionId": ("FileVersion",),
    "uploadId": ("Upload",),
    "ids": ("Upload",),
    "sessionId": ("Session",),
    "apiTokenId": ("ApiToken",),
}


@dataclass(frozen=True)
class Operation:
    """A call of a root field. ``path`` leads to the ID in its arguments, such as ``input.itemIds``.

    ``calls`` is how many of them fit into a document. An error of a query that is never null ends all others.
    """

    kind: str
    field: str
    path: tuple[str, ...]
    arguments: Mapping[str, str]
    selection: str
    variables: Mapping[str, Any]
    calls: int

    @property
    def name(self) -> str:
        """A name for messages."""
        return f"{self.field}({'.'.join(self.path)})"

    def text(self, calls: int) -> str:
        """The document with so many calls, each with variables of its own."""
        numbers, fields = range(calls), self.arguments.items()
        declared = ", ".join(f"${name}{number}: {kind}" for number in numbers for name, kind in fields)
        called = " ".join(
            f"call{number}: {self.field}({', '.join(f'{name}: ${name}{number}' for name in self.arguments)}) "
            f"{self.selection}"
            for number in numbers
        )
        return f"{self.kind} ({declared}) {{ {called} }}"

    def naming(self, public_ids: Sequence[str]) -> dict[str, Any]:
        """The variables, with one of these IDs in each call; in a list, after one of the viewer's own."""
        return {
            f"{name}{number}": value
            for number, public_id in enumerate(public_ids)
            for name, value in _replaced(self.variables, self.path, public_id).items()
        }


def operations(schema: GraphQLSchema, own: Mapping[str, str]) -> Iterator[Operation]:
    """All operations. ``own`` has the ID of an object of the viewer's of each type."""
    roots = {"query": schema.query_type, "mutation": schema.mutation_type, "subscription": schema.subscription_type}
    for kind, root in roots.items():
        assert root
        for name, field in root.fields.items():
            for path in id_paths(field.args):
                used = {key: each for key, each in field.args.items() if is_required_argument(each) or key == path[0]}
                types = {key: str(each.type) for key, each in used.items()}
                values = {key: _value(key, used[key].type, own, path[1:] if key == path[0] else ()) for key in used}
                calls = 1 if kind == "query" and is_non_null_type(field.type) else MOST_CALLS
                yield Operation(kind, name, path, types, _selection(field.type, max(2, len(path))), values, calls)


def id_paths(elements: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """The paths to all arguments or input fields of type ID."""
    for name, element in elements.items():
        kind = get_named_type(element.type)
        if isinstance(kind, GraphQLInputObjectType):
            yield from ((name, *path) for path in id_paths(kind.fields))
        elif kind.name == "ID":
            yield (name,)


def _value(name: str, kind: Any, own: Mapping[str, str], path: Sequence[str]) -> Any:
    if is_list_type(get_nullable_type(kind)):
        return [_value(name, get_nullable_type(kind).of_type, own, path)]
    named = get_named_type(kind)
    if isinstance(named, GraphQLInputObjectType):
        return {
            key: _value(key, each.type, own, path[1:])
            for key, each in named.fields.items()
            if is_required_input_field(each) or key == next(iter(path), None)
        }
    if isinstance(named, GraphQLEnumType):
        return next(iter(named.values))
    if named.name == "ID":
        return own[ACCEPTED.get(name, ("File",))[0]]
    return SCALARS[named.name]


def _replaced(value: Any, path: Sequence[str], public_id: str) -> Any:
    if not path:
        return [*value, public_id] if isinstance(value, list) else public_id
    if isinstance(value, list):
        return [_replaced(each, path, public_id) for each in value]
    return {**value, path[0]: _replaced(value[path[0]], path[1:], public_id)}


def _selection(kind: Any, depth: int = 2) -> str:
    """The type, all scalars that need no argument, and the same of the objects below."""
    named = get_named_type(kind)
    return "{ __typename " + " ".join(_selected(named, depth)) + " }" if is_composite_type(named) else ""


def _selected(kind: Any, depth: int) -> Iterator[str]:
    # A union has no fields.
    for name, field in getattr(kind, "fields", {}).items():
        if any(is_required_argument(each) for each in field.args.values()):
            continue
        if is_leaf_type(get_named_type(field.type)):
            yield name
        elif depth > 1:
            yield f"{name} {_selection(field.type, depth - 1)}"
