"""The one schema."""

from collections.abc import Iterable
from typing import Any

import strawberry
from graphql import GraphQLError
from strawberry.extensions import MaxTokensLimiter, ValidationCache
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext, ExecutionResult
from strawberry.types.graphql import OperationType

from schema.errors import CodedErrors
from schema.mutation import Mutation
from schema.query import Query
from schema.scalars import SCALARS
from schema.subscription import Subscription

#: GraphiQL's introspection query has about 300 tokens.
MAX_TOKENS = 1_500


ONE_ANSWER = frozenset({OperationType.QUERY, OperationType.MUTATION})


class Schema(strawberry.Schema):
    """Strawberry's schema, but for its logging: it would let anybody fill the log with tracebacks of their mistakes."""

    async def execute(
        self,
        query: str | None,
        variable_values: dict[str, Any] | None = None,
        context_value: Any | None = None,
        root_value: Any | None = None,
        operation_name: str | None = None,
        allowed_operation_types: Iterable[OperationType] | None = None,
        operation_extensions: dict[str, Any] | None = None,
    ) -> ExecutionResult:
        """Run a query or a mutation. A subscription has many answers; asked for a single one, it would fail inside."""
        allowed = ONE_ANSWER if allowed_operation_types is None else ONE_ANSWER.intersection(allowed_operation_types)
        return await super().execute(
            query, variable_values, context_value, root_value, operation_name, allowed, operation_extensions
        )

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Log nothing here; :class:`CodedErrors` logs the faults that are ours."""


def build_schema() -> strawberry.Schema:
    """The schema that is served, and whose SDL ``schema/schema.graphql`` holds."""
    return Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        config=StrawberryConfig(scalar_map=SCALARS),
        extensions=[CodedErrors, lambda: MaxTokensLimiter(max_token_count=MAX_TOKENS), ValidationCache],
    )
