"""The one schema."""

from strawberry.schema.config import StrawberryConfig

from schema.execution.engine import Schema
from schema.roots import MUTATIONS, QUERIES, SUBSCRIPTIONS, root
from schema.scalars import SCALARS

#: Points: a page of 100 objects, each with a page of 20 below it, can be had.
MOST = 10_000


def build_schema(most: int = MOST) -> Schema:
    """The schema that is served, whose SDL is ``schema/schema.graphql``. No operation may cost more than ``most``."""
    return Schema(
        most=most,
        query=root("Query", QUERIES),
        mutation=root("Mutation", MUTATIONS),
        subscription=root("Subscription", SUBSCRIPTIONS),
        config=StrawberryConfig(scalar_map=SCALARS),
    )
