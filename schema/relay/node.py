"""The interface of objects that ``node`` can load, and the type of ``info`` in resolvers."""

import strawberry
from strawberry.types import Info

from resolvers.context import Context

RequestInfo = Info[Context, None]
#: The argument of every mutation.
INPUT = strawberry.argument(description="The input of the mutation.")


@strawberry.interface(description="An object with an ID. The query `node` loads it by this ID.")
class Node:
    id: strawberry.ID = strawberry.field(
        description="The ID, which is unique across all types. It is opaque and never changes."
    )
