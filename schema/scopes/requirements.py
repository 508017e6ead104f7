"""What API tokens need for each field and type of a schema, read from its directives once."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from graphql import GraphQLField, GraphQLNamedType, GraphQLObjectType, GraphQLSchema, OperationType

from schema.cost.directives import STRAWBERRY
from schema.scopes.directives import AnyApiToken, NoApiToken, Scope
from services.access.types import NO_TOKEN, TokenRequirement

Declaration = Scope | AnyApiToken | NoApiToken


class Requirements:
    """The requirements of a schema, by the coordinate of a field, such as ``Upload.file``."""

    def __init__(self, schema: GraphQLSchema) -> None:
        roots = {root.name for kind in OperationType if (root := schema.get_root_type(kind))}
        self.fields: Mapping[str, TokenRequirement] = {
            f"{kind.name}.{name}": requirement
            for kind in schema.type_map.values()
            if isinstance(kind, GraphQLObjectType)
            for name, field in kind.fields.items()
            # A field of a root type that declares nothing is closed to API tokens.
            if (requirement := _declared(field) or (NO_TOKEN if kind.name in roots else None))
        }

    def of(self, coordinates: Collection[str]) -> Iterator[tuple[str, TokenRequirement]]:
        """The fields among these that require something, in the order of their names."""
        for coordinate in sorted(self.fields.keys() & coordinates):
            yield coordinate, self.fields[coordinate]


def requirement_of_type(kind: type) -> TokenRequirement:
    """What loading an object of a Strawberry type by ``node`` requires. A type that declares nothing is closed."""
    definition: Any = getattr(kind, "__strawberry_definition__", None)
    return _requirement(definition.directives or ()) or NO_TOKEN


def add_scopes(schema: GraphQLSchema) -> None:
    """Append what API tokens need to the descriptions of fields. Tools show descriptions, but not directives."""
    for kind in schema.type_map.values():
        for field in kind.fields.values() if isinstance(kind, GraphQLObjectType) else ():
            requirement = _declared(field)
            if requirement and (text := _text(requirement)):
                field.description = f"{field.description} {text}"


def _text(requirement: TokenRequirement) -> str:
    if not requirement.allows_tokens:
        return "No API token may use it."
    return f"Scope: {' or '.join(sorted(requirement.any_of))}." if requirement.any_of else ""


def _declared(element: GraphQLField | GraphQLNamedType) -> TokenRequirement | None:
    return _requirement(getattr(element.extensions.get(STRAWBERRY), "directives", None) or ())


def _requirement(directives: Iterable[object]) -> TokenRequirement | None:
    return next((each.requirement for each in directives if isinstance(each, Declaration)), None)
