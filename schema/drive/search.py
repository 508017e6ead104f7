"""Searches in the viewer's drive."""

from typing import Annotated

import strawberry

from resolvers.drive import search
from resolvers.drive.search import SearchPage
from schema.cost.directives import Cost, paged
from schema.drive.filters import Filter
from schema.drive.items import DriveItem
from schema.relay.connections import After, PageInfo
from schema.relay.node import RequestInfo
from schema.scopes.directives import READ

#: A search may take a fifth of a second of a processor. A page of 20 items of another list takes a thirtieth of that.
PRICE = Cost(weight="200")
Query = Annotated[
    str,
    strawberry.argument(
        description="Words, with spaces between them: at most 300 characters and 10 words. An item is found if its "
        "name contains every word, at any place. Case and accents do not matter."
    ),
]
First = Annotated[
    int | None, strawberry.argument(description="The number of items to return: 1 to 100; without it, 20.")
]


@strawberry.type(description="An item that a search found, with its cursor.")
class SearchEdge:
    cursor: str = strawberry.field(description="The position of the item, for `after`. It is opaque.")
    node: DriveItem = strawberry.field(description="The item.")


@strawberry.type(
    description="A page of what a search found. A page ends early after much work: it may then have fewer items than "
    "requested, or none, although `pageInfo.hasNextPage` is true. `pageInfo.endCursor` is where the next page begins."
)
class SearchConnection:
    edges: list[SearchEdge] = strawberry.field(description="The items of the page, with their cursors.")
    nodes: list[DriveItem] = strawberry.field(description="The items of the page.")
    page_info: PageInfo = strawberry.field(description="The position of the page among all that the search can find.")

    total_count: int | None = strawberry.field(
        default=None, description="Always null: what a search finds is not counted."
    )

    @classmethod
    def of(cls, page: SearchPage, *, is_first: bool) -> "SearchConnection":
        """The GraphQL form of a page."""
        edges = [SearchEdge(cursor=str(hit.position), node=DriveItem.of(hit.item)) for hit in page.hits]
        last = edges[-1].cursor if edges else None
        info = PageInfo(
            has_next_page=page.searched_to is not None,
            has_previous_page=not is_first,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=last if page.searched_to is None else str(page.searched_to),
        )
        return cls(edges=edges, nodes=[edge.node for edge in edges], page_info=info)


@strawberry.type
class SearchQueries:
    @strawberry.field(
        description="The viewer's folders and files with all words of a query in their names, the newest first. What "
        "is in the trash is not found.",
        directives=[PRICE, paged(arguments=["first"]), READ],
    )
    async def search(
        self, info: RequestInfo, query: Query, filter: Filter = None, first: First = None, after: After = None
    ) -> SearchConnection:
        page = await search.search(info.context, query, filter.value if filter else None, first, after)
        return SearchConnection.of(page, is_first=after is None)
