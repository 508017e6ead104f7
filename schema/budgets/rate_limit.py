"""What is left to whoever asks, in the words of GitHub's API.

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
#: Seconds: a bucket that is not refilled, or hardly, is not back within any time that matters.
NEVER = 10 * 365 * 24 * 60 * 60.0


@strawberry.type(description="One of the buckets that an operation's points are taken from.", directives=[FREE])
class BudgetLayer:
    name: str
    limit: int = strawberry.field(description="Points that it holds when it is full.")
    remaining: int = strawberry.field(description="Points that are left.")
    restore_rate: float = strawberry.field(description="Points that come back every second.")

    @classmethod
    def of(cls, status: LayerStatus) -> "BudgetLayer":
        """The GraphQL form of a layer's status."""
        return cls(
            name=status.layer,
            limit=as_int(status.capacity),
            remaining=as_int(status.available),
            restore_rate=status.refill,
        )


@strawberry.type(description="Bytes of chunks that may come in for me.", directives=[FREE])
class IngestBudget:
    limit: ByteSize = strawberry.field(description="Bytes that there are at most.")
    remaining: ByteSize = strawberry.field(description="Bytes that may come at once.")
    restore_rate: float = strawberry.field(description="Bytes that come back every second.")

    @classmethod
    def of(cls, status: LayerStatus) -> "IngestBudget":
        """The GraphQL form of a layer's status."""
        limit, remaining = ByteSize(status.capacity), ByteSize(status.available)
        return cls(limit=limit, remaining=remaining, restore_rate=status.refill)


@strawberry.type(
    description="What I may still ask for. Of several buckets, that with the least left is the one that counts.",
    directives=[FREE],
)
class RateLimit:
    cost: int = strawberry.field(description="Points that this operation was priced at.")
    limit: int = strawberry.field(description="Points that there are at most.")
    remaining: int = strawberry.field(description="Points that are left, this operation's taken off.")
    used: int = strawberry.field(description="Points that are gone for now.")
    reset_at: datetime = strawberry.field(description="When all of them are back, should nothing more be asked for.")
    restore_rate: float = strawberry.field(description="Points that come back every second.")
    layers: list[BudgetLayer] = strawberry.field(
        description="Every bucket that pays for what I ask for.", directives=[FREE, at_most(4)]
    )

    @strawberry.field(
        description="The bucket for the bytes of chunks; null where they are not limited.",
        directives=[Cost(weight="1")],
    )
    async def ingest(self, info: RequestInfo) -> IngestBudget | None:
        status = await operations.ingest_budget(info.context)
        return IngestBudget.of(status) if status else None

    @classmethod
    def of(cls, admission: Admission) -> "RateLimit | None":
        """What an operation finds when it is run; None where nothing is limited."""
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
