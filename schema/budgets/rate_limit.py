"""What is left of the client's budget, in the format of GitHub's API.

https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
"""

from datetime import datetime, timedelta

import strawberry

from resolvers import operations
from resolvers.context import Admission
from schema.cost.directives import Cost, at_most
from schema.cost.extension import points_of
from schema.relay.node import RequestInfo
from schema.scalars import ByteSize, as_int
from services.budgets.limits import LayerStatus, least_available
from services.core.clock import now

FREE = Cost(weight="0")
#: The longest time until a bucket is full, in seconds: one may be refilled very slowly, or not at all.
NEVER = 10 * 365 * 24 * 60 * 60.0


@strawberry.type(
    description="A budget that an operation is paid from. An operation is paid from all layers at once.",
    directives=[FREE],
)
class BudgetLayer:
    name: str = strawberry.field(description="`address`, `account`, or `anonymous` without a sign-in.")
    limit: int = strawberry.field(description="Points that the budget has when it is full.")
    remaining: int = strawberry.field(description="Points that are left.")
    restore_rate: float = strawberry.field(description="Points that are restored per second.")

    @classmethod
    def of(cls, status: LayerStatus) -> "BudgetLayer":
        """The GraphQL form of a layer's status."""
        return cls(
            name=status.layer,
            limit=as_int(status.capacity),
            remaining=as_int(status.available),
            restore_rate=status.refill,
        )


@strawberry.type(description="The budget for the bytes of the client's chunks.", directives=[FREE])
class IngestBudget:
    limit: ByteSize = strawberry.field(description="Bytes that the budget has when it is full.")
    remaining: ByteSize = strawberry.field(description="Bytes that are left.")
    restore_rate: float = strawberry.field(description="Bytes that are restored per second.")

    @classmethod
    def of(cls, status: LayerStatus) -> "IngestBudget":
        """The GraphQL form of a layer's status."""
        limit, remaining = ByteSize(status.capacity), ByteSize(status.available)
        return cls(limit=limit, remaining=remaining, restore_rate=status.refill)


@strawberry.type(
    description="What is left of the client's budget. The numbers are those of the layer with the fewest points left.",
    directives=[FREE],
)
class RateLimit:
    cost: int = strawberry.field(description="The price of this operation, in points.")
    limit: int = strawberry.field(description="Points that the budget has when it is full.")
    remaining: int = strawberry.field(description="Points that are left after the price of this operation.")
    used: int = strawberry.field(description="Points that are used and not yet restored.")
    reset_at: datetime = strawberry.field(description="When the budget is full again if the client sends nothing more.")
    restore_rate: float = strawberry.field(description="Points that are restored per second.")
    layers: list[BudgetLayer] = strawberry.field(
        description="Every layer that the client's operations are paid from.", directives=[FREE, at_most(4)]
    )

    @strawberry.field(
        description="The budget for the bytes of chunks. Null if they are not limited.",
        directives=[Cost(weight="1")],
    )
    async def ingest(self, info: RequestInfo) -> IngestBudget | None:
        status = await operations.ingest_budget(info.context)
        return IngestBudget.of(status) if status else None

    @classmethod
    def of(cls, admission: Admission) -> "RateLimit | None":
        """The state of the budget while an operation runs. None if the server has no budgets."""
        layers = points_of(admission)
        status = least_available(layers)
        if status is None:
            return None
        used = status.capacity - status.available
        return cls(
            cost=admission.requested,
            limit=as_int(status.capacity),
            remaining=as_int(status.available),
            used=as_int(used),
            reset_at=_restored(used, status.refill),
            restore_rate=status.refill,
            layers=[BudgetLayer.of(layer) for layer in layers],
        )


def _restored(used: int, refill: float) -> datetime:
    if not used:
        return now()
    seconds = used / refill if refill else NEVER
    return now() + timedelta(seconds=min(seconds, NEVER))
