"""Lists in pages, by the GraphQL Cursor Connections specification: https://relay.dev/graphql/connections.htm."""

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
        description="The page has the first items behind `after`: 1 to 100. It has 20 if neither `first` nor `last` is "
        "given; give one of them."
    ),
]
Last = Annotated[int | None, strawberry.argument(description="The page has the last items before `before`: 1 to 100.")]
After = Annotated[
    str | None, strawberry.argument(description="A cursor of this list. The page has items that come after it.")
]
Before = Annotated[
    str | None, strawberry.argument(description="A cursor of this list. The page has items that come before it.")
]


@strawberry.type(description="The position of a page in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether the list goes on after this page.")
    has_previous_page: bool = strawberry.field(description="Whether the list has items before this page.")
    start_cursor: str | None = strawberry.field(
        description="The cursor of the first item: pass it as `before`, with `last`, to get the previous page. It is "
        "null on an empty page."
    )
    end_cursor: str | None = strawberry.field(
        description="The cursor of the last item: pass it as `after` to get the next page. It is null on an empty page."
    )


@strawberry.type(description="An item of a list, and its position.")
class Edge(Generic[T]):
    cursor: str = strawberry.field(description="The position, for `after` and `before`. It is opaque.")
    node: T = strawberry.field(description="The item.")


@strawberry.type(description="A page of a list.")
class Connection(Generic[T]):
    count: strawberry.Private[Count]
    edges: list[Edge[T]] = strawberry.field(description="The items of the page, with their cursors.")
    nodes: list[T] = strawberry.field(description="The items of the page.")
    page_info: PageInfo = strawberry.field(description="The position of the page in its list.")

    # All rows of the list are counted, and for missing slots all receipts are read.
    @strawberry.field(
        description="How many items all pages have together; null if that is not counted.",
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
