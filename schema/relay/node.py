"""The interface of everything that has an ID and can be loaded by it, and the request's context as fields see it."""

import strawberry
from strawberry.types import Info

from resolvers.context import Context

RequestInfo = Info[Context, None]
#: Of every mutation.
INPUT = strawberry.argument(description="What the mutation needs to know.")


@strawberry.interface(description="An object that `node` loads by its ID.")
class Node:
    id: strawberry.ID = strawberry.field(
        description="The ID, which is unique across all types. It is opaque and never changes."
    )
