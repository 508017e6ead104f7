"""Builds the schema that is served."""

from strawberry.schema.config import StrawberryConfig

from schema.changes.types import Heartbeat
from schema.error_codes import RequestErrorCode
from schema.execution.engine import Schema
from schema.roots import MUTATIONS, QUERIES, SUBSCRIPTIONS, root
from schema.scalars import SCALARS

#: The most points that one operation may cost: enough for a page of 100 objects, each with a page of 20 below it.
MAXIMUM_COST = 10_000


def build_schema(maximum_cost: int = MAXIMUM_COST) -> Schema:
    """The schema that is served. Its SDL is ``schema/schema.graphql``.

    No operation may cost more than ``maximum_cost`` points.
    """
    return Schema(
        maximum_cost=maximum_cost,
        query=root("Query", QUERIES),
        mutation=root("Mutation", MUTATIONS),
        subscription=root("Subscription", SUBSCRIPTIONS),
        # No field returns this enum, which documents the codes of `errors[].extensions.code`. No field returns only
        # heartbeats, so that nothing else names their type.
        types=[RequestErrorCode, Heartbeat],
        config=StrawberryConfig(scalar_map=SCALARS),
    )
