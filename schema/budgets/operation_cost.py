"""The price of an operation, without running it."""

from collections.abc import Mapping
from typing import Any, Self

import strawberry
from graphql import GraphQLError, get_variable_values
from strawberry.schema import BaseSchema

from schema.cost.breakdown import MAX_ENTRIES, Entry
from schema.cost.directives import Cost, at_most
from schema.execution.documents import Operation
from schema.execution.engine import Schema
from schema.scalars import as_int
from services.core.errors import InvalidInput


@strawberry.type(description="The price of one field in an operation.")
class FieldCost:
    path: str = strawberry.field(description="The path of the field in the response, such as `uploads.nodes.file`.")
    coordinate: str = strawberry.field(description="The coordinate of the field in the schema, such as `Upload.file`.")
    times: int = strawberry.field(description="The largest number of times that the field can be resolved.")
    cost: int = strawberry.field(description="The points for the field itself, for all `times` together.")
    total: int = strawberry.field(description="The points for the field and all fields below it.")

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """The GraphQL form of an entry."""
        count, cost, total = map(as_int, (entry.count, entry.cost, entry.total))
        return cls(path=entry.path, coordinate=entry.coordinate, times=count, cost=cost, total=total)


@strawberry.type(description="The price of an operation.", directives=[Cost(weight="0")])
class OperationCost:
    requested_query_cost: int = strawberry.field(
        description="The most that the operation can cost, in points. It only runs if the budget has this many points."
    )
    maximum: int = strawberry.field(description="The most that any single operation may cost, in points.")
    fields: list[FieldCost] = strawberry.field(
        description="The prices of the fields, breadth first: at most 1,000. Each item costs a point. 1,000 points are "
        "reserved, and unused ones are refunded.",
        directives=[Cost(weight="0"), at_most(MAX_ENTRIES)],
    )

    @classmethod
    def of(cls, schema: BaseSchema, query: str, variables: object, name: str | None) -> Self:
        """The price of an operation of a schema. Raises :class:`InvalidInput` if the operation could not be run."""
        assert isinstance(schema, Schema)
        operation = _operation(schema, query, name)
        variable_values = _coerced(schema, operation, variables)
        fields = [FieldCost.of(entry) for entry in operation.plan.entries(variable_values)]
        return cls(
            requested_query_cost=as_int(operation.price(variable_values)), maximum=schema.maximum_cost, fields=fields
        )


def _operation(schema: Schema, query: str, name: str | None) -> Operation:
    schema.trusted.admit(query)
    document = schema.documents.known(query) or schema.documents.prepare(query)
    if document.errors:
        raise InvalidInput(document.errors[0].message, field="query")
    try:
        return document.operation(name)
    except GraphQLError as error:
        raise InvalidInput(error.message, field="operationName") from None


def _coerced(schema: Schema, operation: Operation, variables: object) -> Mapping[str, Any]:
    if not isinstance(variables, dict):
        raise InvalidInput("'variables' must be an object.", field="variables")
    coerced = get_variable_values(schema.as_graphql(), operation.node.variable_definitions or (), variables)
    if isinstance(coerced, list):
        raise InvalidInput(coerced[0].message, field="variables")
    return coerced.coerced
