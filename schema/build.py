"""The one schema."""

from strawberry.schema.config import StrawberryConfig

from schema.execution.engine import Schema
from schema.mutation import Mutation
from schema.query import Query
from schema.scalars import SCALARS
from schema.subscription import Subscription

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
