"""Queries for the price of an operation and the client's remaining budget."""

from typing import Annotated

import strawberry
from strawberry.scalars import JSON

from schema.budgets.operation_cost import OperationCost
from schema.budgets.rate_limit import FREE, RateLimit
from schema.cost.directives import Cost
from schema.execution.admission import INVALID_COST
from schema.relay.node import RequestInfo
from schema.scopes.directives import ANY_API_TOKEN


@strawberry.type
class BudgetQueries:
    @strawberry.field(
        description="The client's remaining budget; null if the server has no budgets. Only `ingest` has a price.",
        directives=[FREE, ANY_API_TOKEN],
    )
    def rate_limit(self, info: RequestInfo) -> RateLimit | None:
        return RateLimit.of(info.context.admission)

    @strawberry.field(
        description="The price of an operation, field by field, without running it. An operation can have this field "
        "once.",
        # The document is parsed and analysed as if it were run.
        directives=[Cost(weight=str(INVALID_COST)), ANY_API_TOKEN],
    )
    def operation_cost(
        self,
        info: RequestInfo,
        query: Annotated[str, strawberry.argument(description="The GraphQL document.")],
        variables: Annotated[
            JSON | None, strawberry.argument(description="The operation's variables, by name.")
        ] = None,
        operation_name: Annotated[
            str | None,
            strawberry.argument(description="The name of the operation, if the document has several operations."),
        ] = None,
    ) -> OperationCost:
        info.context.analyse_once()
        return OperationCost.of(info.schema, query, variables or {}, operation_name)
