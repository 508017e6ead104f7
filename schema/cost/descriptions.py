"""Adds prices to the descriptions of the schema. Tools show descriptions, but not directives."""

from collections.abc import Iterable

from graphql import GraphQLField, GraphQLInputField, GraphQLInputObjectType, GraphQLObjectType, GraphQLSchema

from schema.cost.weights import explicit_weight

#: The usual price of a field that returns an object, in points. It is not mentioned.
USUAL = 1


def add_prices(schema: GraphQLSchema) -> None:
    """Append the price to the description of each field and input field that costs more than usual."""
    for kind in schema.type_map.values():
        if kind is schema.subscription_type:
            _append(kind.fields.values(), "Price: {} points to start, and what each event selects.")
        elif isinstance(kind, GraphQLObjectType):
            _append(kind.fields.values(), "Price: {} points.")
        elif isinstance(kind, GraphQLInputObjectType):
            _append(kind.fields.values(), "Price: {} points more.")


def _append(fields: Iterable[GraphQLField | GraphQLInputField], text: str) -> None:
    for field in fields:
        weight = explicit_weight(field)
        if weight is not None and weight > USUAL:
            field.description = f"{field.description} {text.format(weight)}"
