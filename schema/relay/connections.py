"""Paginated lists, according to the GraphQL Cursor Connections specification.

https://relay.dev/graphql/connections.htm
"""

from collections.abc import Callable
from typing import Annotated, Generic, TypeVar

import strawberry

from resolvers.pages import Count, Page
from schema.cost.directives import Cost

T = TypeVar("T")
Row = TypeVar("Row")

First = Annotated[
    int | None,
    strawberry.argument(
        description="The number of items to return from the start of the list, or from those after `after`: 1 to 100. "
        "It cannot be combined with `last`; without either of them it is 20."
    ),
]
Last = Annotated[
    int | None,
    strawberry.argument(
        description="The number of items to return from the end of the list, or from those before `before`: 1 to 100."
    ),
]
After = Annotated[
    str | None, strawberry.argument(description="A cursor of this list. Only items after it are returned.")
]
Before = Annotated[
    str | None, strawberry.argument(description="A cursor of this list. Only items before it are returned.")
]


@strawberry.type(description="The position of a page in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether the list has items after this page.")
    has_previous_page: bool = strawberry.field(description="Whether the list has items before this page.")
    start_cursor: str | None = strawberry.field(
        description="The cursor of the first item; null on an empty page. To get the previous page, pass it as "
        "`before`, with `last`."
    )
    end_cursor: str | None = strawberry.field(
        description="The cursor of the last item; null on an empty page. To get the next page, pass it as `after`."
    )


@strawberry.type(description="An item of a list, with its cursor.")
class Edge(Generic[T]):
    cursor: str = strawberry.field(description="The position of the item, for `after` and `before`. It is opaque.")
    node: T = strawberry.field(description="The item.")


@strawberry.type(description="A page of a list.")
class Connection(Generic[T]):
    count: strawberry.Private[Count]
    edges: list[Edge[T]] = strawberry.field(description="The items of the page, with their cursors.")
    nodes: list[T] = strawberry.field(description="The items of the page.")
    page_info: PageInfo = strawberry.field(description="The position of the page in its list.")

    # The price covers a count of all rows; to count missing slots, all receipts of the upload are read.
    @strawberry.field(
        description="The number of items in the whole list; null if they are not counted.",
        directives=[Cost(weight="5")],
    )
    async def total_count(self) -> int | None:
        return await self.count()


def connect(page: Page[Row], node: Callable[[Row], T], cursor: Callable[[Row], str]) -> Connection[T]:
    """The GraphQL form of a page."""
    edges = [Edge(cursor=cursor(row), node=node(row)) for row in page.items]
    info = PageInfo(
        has_next_page=page.has_next,
        has_previous_page=page.has_previous,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )
    return Connection(count=page.count, edges=edges, nodes=[edge.node for edge in edges], page_info=info)
