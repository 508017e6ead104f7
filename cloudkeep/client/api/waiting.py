"""Operations before there is a progress display: a wait that the server asks for is printed as a line."""

import asyncio
from typing import Any

from cloudkeep.client.api.graphql import GraphQL, Json
from cloudkeep.client.api.retry import RetryPolicy
from cloudkeep.client.display.display import print_error
from cloudkeep.client.errors import RateLimited, ServerUnreachable

POLICY = RetryPolicy()


async def execute_when_allowed(graphql: GraphQL, document: str, variables: Json, token: str | None) -> Any:
    """Execute, and wait as long as the server asks.

    Raises what :meth:`GraphQL.execute` raises, and :class:`ServerUnreachable` for a wait that is too long to sit out.
    """
    while True:
        try:
            return await graphql.execute(document, variables, token)
        except RateLimited as error:
            if error.retry_after > POLICY.max_retry_after:
                raise ServerUnreachable(f"{error}; try again in {error.retry_after / 60:.0f} minutes") from error
            delay = POLICY.rate_limit_delay(error.retry_after)
            print_error(f"cloudkeep: {error}; waiting {max(1, round(delay))} s, as it asks")
            await asyncio.sleep(delay)
