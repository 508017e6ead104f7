"""Prices in words: tools that show a schema show its descriptions, but not its directives."""

from collections.abc import Iterable

from graphql import GraphQLField, GraphQLInputField, GraphQLInputObjectType, GraphQLObjectType, GraphQLSchema

from schema.cost.weights import explicit_weight

#: Every field that returns an object costs this much, so that it need not be said.
USUAL = 1


def add_prices(schema: GraphQLSchema) -> None:
    """Append to the description of each field and input field what it costs, where that is more than usual."""
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLObjectType):
            _append(kind.fields.values(), "Price: {} points.")
        elif isinstance(kind, GraphQLInputObjectType):
            _append(kind.fields.values(), "Price: {} points more.")


def _append(fields: Iterable[GraphQLField | GraphQLInputField], text: str) -> None:
    for field in fields:
        weight = explicit_weight(field)
        if weight is not None and weight > USUAL:
            field.description = f"{field.description} {text.format(weight)}"
