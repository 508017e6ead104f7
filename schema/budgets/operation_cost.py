"""The price of an operation without running it."""

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


@strawberry.type(description="What one field adds to an operation's price.")
class FieldCost:
    path: str = strawberry.field(description="Where it stands in the answer, as in `uploads.nodes.file`.")
    coordinate: str = strawberry.field(description="The field of the schema, as in `Upload.file`.")
    times: int = strawberry.field(description="How often it is asked for at most.")
    cost: int = strawberry.field(description="Points for it alone, all those times together.")
    total: int = strawberry.field(description="Points for it and everything below it.")

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """The GraphQL form of an entry."""
        count, cost, total = map(as_int, (entry.count, entry.cost, entry.total))
        return cls(path=entry.path, coordinate=entry.coordinate, times=count, cost=cost, total=total)


@strawberry.type(description="What an operation would cost.", directives=[Cost(weight="0")])
class OperationCost:
    requested_query_cost: int = strawberry.field(description="Points that have to be there to run it.")
    maximum: int = strawberry.field(description="Points that no operation may exceed.")
    fields: list[FieldCost] = strawberry.field(
        description="The price field by field, from the outside in; the first 1,000 of them. Each of them costs a "
        "point, and so many have to be there.",
        directives=[Cost(weight="0"), at_most(MAX_ENTRIES)],
    )

    @classmethod
    def of(cls, schema: BaseSchema, query: str, variables: object, name: str | None) -> Self:
        """The price of an operation at a schema. Raises :class:`InvalidInput` for what could not be run."""
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
        raise InvalidInput("'variables' is an object.", field="variables")
    coerced = get_variable_values(schema.as_graphql(), operation.node.variable_definitions or (), variables)
    if isinstance(coerced, list):
        raise InvalidInput(coerced[0].message, field="variables")
    return coerced.coerced
