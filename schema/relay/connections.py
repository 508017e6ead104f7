"""Lists in pages, by the GraphQL Cursor Connections specification."""

from collections.abc import Callable
from typing import Annotated, Generic, TypeVar

import strawberry

from resolvers.pages import Page

T = TypeVar("T")
Row = TypeVar("Row")

PageSize = Annotated[int | None, strawberry.argument(description="1 to 100.")]


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    has_next_page: bool
    end_cursor: str | None = strawberry.field(description="Pass it as `after` to get the next page.")


@strawberry.type
class Edge(Generic[T]):
    cursor: str
    node: T


@strawberry.type
class Connection(Generic[T]):
    edges: list[Edge[T]]
    nodes: list[T]
    page_info: PageInfo


def connect(page: Page[Row], node: Callable[[Row], T], cursor: Callable[[Row], str]) -> Connection[T]:
    """The GraphQL form of a page."""
    edges = [Edge(cursor=cursor(row), node=node(row)) for row in page.items]
    end = edges[-1].cursor if edges else None
    info = PageInfo(has_next_page=page.has_next, end_cursor=end)
    return Connection(edges=edges, nodes=[edge.node for edge in edges], page_info=info)
