"""Queries of the feed of changes."""

from typing import Annotated

import strawberry

from resolvers import changes
from schema.changes.types import Change, ChangeConnection, connect_changes
from schema.cost.directives import Cost, paged
from schema.relay.node import RequestInfo
from schema.scopes.directives import READ

AFTER = strawberry.argument(
    description="A cursor of the feed: of `changesCursor`, of a change, or the last `endCursor`. Only changes after it "
    "are returned."
)
FIRST = strawberry.argument(description="The number of changes to return: 1 to 100. The default is 20.")


@strawberry.type
class ChangeQueries:
    @strawberry.field(
        description="The current end of the feed of changes. Query it before a listing of the drive: `changes` after "
        "it then has everything that the listing may miss.",
        directives=[Cost(weight="1"), READ],
    )
    async def changes_cursor(self, info: RequestInfo) -> str:
        return await changes.newest_cursor(info.context)

    @strawberry.field(
        description="What has happened in the viewer's drive, in order, each change exactly once. The error "
        "CURSOR_EXPIRED means that changes after the cursor are no longer known: list the drive again, and continue "
        "with a new cursor. By default, changes are kept for 30 days.",
        directives=[paged(arguments=["first"]), READ],
    )
    async def changes(
        self, info: RequestInfo, after: Annotated[str, AFTER], first: Annotated[int | None, FIRST] = None
    ) -> ChangeConnection:
        page = await changes.page(info.context, after, first)
        return connect_changes(page, [Change.of(change) for change in changes.viewed(info.context, page)])
