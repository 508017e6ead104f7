"""The interface that everything with an ID of its own shares, and the request's context as fields see it."""

import strawberry
from strawberry.types import Info

from resolvers.context import Context

RequestInfo = Info[Context, None]


@strawberry.interface(description="Anything with an ID, which is unique across all types.")
class Node:
    id: strawberry.ID
