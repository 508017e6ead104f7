"""The one schema."""

import strawberry
from strawberry.extensions import MaxTokensLimiter
from strawberry.schema.config import StrawberryConfig

from schema.errors import CodedErrors
from schema.mutation import Mutation
from schema.query import Query
from schema.scalars import SCALARS
from schema.subscription import Subscription

#: GraphiQL's introspection query has about 300 tokens.
MAX_TOKENS = 1_500


def build_schema() -> strawberry.Schema:
    """The schema that is served, and whose SDL ``schema/schema.graphql`` holds."""
    return strawberry.Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        config=StrawberryConfig(scalar_map=SCALARS),
        extensions=[CodedErrors, lambda: MaxTokensLimiter(max_token_count=MAX_TOKENS)],
    )
