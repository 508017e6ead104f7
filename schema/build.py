"""The one schema."""

from strawberry.schema.config import StrawberryConfig

from schema.execution.engine import Schema
from schema.scalars import SCALARS
from schema.uploads.mutations import Mutation
from schema.uploads.queries import Query
from schema.uploads.subscriptions import Subscription

#: Points: a page of 100 objects, each with a page of 20 below it, can be had.
MOST = 10_000


def build_schema(most: int = MOST) -> Schema:
    """The schema that is served, whose SDL is ``schema/schema.graphql``. No operation may cost more than ``most``."""
    return Schema(
        most=most,
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        config=StrawberryConfig(scalar_map=SCALARS),
    )
