"""The client's remaining budget, in the format of GitHub's API.

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
#: The longest time to report until a bucket is full, in seconds. A bucket may be refilled very slowly, or not at all.
NEVER = 10 * 365 * 24 * 60 * 60.0


@strawberry.type(
    description="One of the budgets that pay for an operation. Its price is taken from each of them.",
    directives=[FREE],
)
class BudgetLayer:
    name: str = strawberry.field(
        description="The name of the layer: `address`, and `account` or, without a sign-in, `anonymous`; for an API "
        "token also `token`."
    )
    limit: int = strawberry.field(description="The points of a full budget.")
    remaining: int = strawberry.field(description="The points that remain.")
    restore_rate: float = strawberry.field(description="The points that are restored per second.")

    @classmethod
    def of(cls, status: LayerStatus) -> "BudgetLayer":
        """The GraphQL form of a layer's status."""
        return cls(
            name=status.layer,
            limit=as_int(status.capacity),
            remaining=as_int(status.available),
            restore_rate=status.refill,
        )


@strawberry.type(description="The budget for the bytes of chunks that the client sends.", directives=[FREE])
class IngestBudget:
    limit: ByteSize = strawberry.field(description="The bytes of a full budget.")
    remaining: ByteSize = strawberry.field(description="The bytes that remain.")
    restore_rate: float = strawberry.field(description="The bytes that are restored per second.")

    @classmethod
    def of(cls, status: LayerStatus) -> "IngestBudget":
        """The GraphQL form of a layer's status."""
        limit, remaining = ByteSize(status.capacity), ByteSize(status.available)
        return cls(limit=limit, remaining=remaining, restore_rate=status.refill)


@strawberry.type(
    description="The client's remaining budget. The numbers are those of the layer with the fewest remaining points.",
    directives=[FREE],
)
class RateLimit:
    cost: int = strawberry.field(description="The price of this operation, in points.")
    limit: int = strawberry.field(description="The points of a full budget.")
    remaining: int = strawberry.field(description="The points that remain after the price of this operation.")
    used: int = strawberry.field(description="The points that are used and not yet restored.")
    reset_at: datetime = strawberry.field(
        description="When the budget will be full if the client sends nothing until then."
    )
    restore_rate: float = strawberry.field(description="The points that are restored per second.")
    layers: list[BudgetLayer] = strawberry.field(
        description="The budgets that pay for the client's operations.", directives=[FREE, at_most(4)]
    )

    @strawberry.field(
        description="The budget for the bytes of chunks; null if they are not limited.",
        directives=[Cost(weight="1")],
    )
    async def ingest(self, info: RequestInfo) -> IngestBudget | None:
        status = await operations.ingest_budget(info.context)
        return IngestBudget.of(status) if status else None

    @classmethod
    def of(cls, admission: Admission) -> "RateLimit | None":
        """The state of the budget while an operation runs; None if the server has no budgets."""
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
