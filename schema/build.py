"""The one schema."""

import strawberry
from graphql import GraphQLError
from strawberry.extensions import MaxTokensLimiter
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from schema.errors import CodedErrors
from schema.mutation import Mutation
from schema.query import Query
from schema.scalars import SCALARS
from schema.subscription import Subscription

#: GraphiQL's introspection query has about 300 tokens.
MAX_TOKENS = 1_500


class Schema(strawberry.Schema):
    """Strawberry's schema, but for its logging: it would let anybody fill the log with tracebacks of their mistakes."""

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Log nothing here; :class:`CodedErrors` logs the faults that are ours."""


def build_schema() -> strawberry.Schema:
    """The schema that is served, and whose SDL ``schema/schema.graphql`` holds."""
    return Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        config=StrawberryConfig(scalar_map=SCALARS),
        extensions=[CodedErrors, lambda: MaxTokensLimiter(max_token_count=MAX_TOKENS)],
    )
