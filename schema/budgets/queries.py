"""Queries of what operations cost, and of what is left to a client."""

import strawberry
from strawberry.scalars import JSON

from schema.budgets.operation_cost import OperationCost
from schema.budgets.rate_limit import FREE, RateLimit
from schema.cost.directives import Cost
from schema.execution.admission import INVALID_COST
from schema.relay.node import RequestInfo


@strawberry.type
class BudgetQueries:
    @strawberry.field(
        description="What I may still ask for; null where nothing is limited. Asking for it alone costs nothing.",
        directives=[FREE],
    )
    def rate_limit(self, info: RequestInfo) -> RateLimit | None:
        return RateLimit.of(info.context.admission)

    @strawberry.field(
        description="What an operation would cost, field by field, without running it. To be asked for once at a time.",
        # It is read and analysed like one that is to be run.
        directives=[Cost(weight=str(INVALID_COST))],
    )
    def operation_cost(
        self, info: RequestInfo, query: str, variables: JSON | None = None, operation_name: str | None = None
    ) -> OperationCost:
        info.context.analyse_once()
        return OperationCost.of(info.schema, query, variables or {}, operation_name)
