"""Changes of a drive, and the other events of an account."""

from datetime import datetime
from enum import Enum

import strawberry

from resolvers import changes
from resolvers.changes import ViewedChange
from schema.drive.items import DriveItem
from schema.relay.connections import Edge, PageInfo
from schema.relay.node import RequestInfo
from schema.scopes.directives import READ
from services.changes.types import ChangePage
from services.core.ids import encode

CURSOR = (
    "The position in the feed of changes after this event. Pass the last one as `after` of `activity` or of `changes`: "
    "they continue with the first change that the client has not received. In `uploadProgress`, the position in the "
    "progress of its upload, for `after` of `uploadProgress` only."
)


@strawberry.enum(description="What happened to a folder or a file.")
class ChangeKind(Enum):
    CREATED = strawberry.enum_value("CREATED", description="It was created, copied or uploaded.")
    UPDATED = strawberry.enum_value("UPDATED", description="Its content or its star was changed.")
    RENAMED = strawberry.enum_value("RENAMED", description="It got another name.")
    MOVED = strawberry.enum_value("MOVED", description="It was moved to another folder, perhaps with another name.")
    TRASHED = strawberry.enum_value("TRASHED", description="It was moved to the trash, with everything in it.")
    RESTORED = strawberry.enum_value(
        "RESTORED", description="It was restored from the trash, with everything in it, perhaps with another name."
    )
    DELETED = strawberry.enum_value("DELETED", description="It was deleted, with everything in it.")


@strawberry.interface(description="Something that has happened in an account.")
class ActivityEvent:
    cursor: str = strawberry.field(description=CURSOR)


@strawberry.type(
    description="Sent if there was no other event for a while. The first one says that everything has been sent that "
    "had happened before: all changes after `after`, and the progress of all open uploads."
)
class Heartbeat(ActivityEvent):
    pass


@strawberry.type(description="A change of a folder or a file.")
class Change(ActivityEvent):
    change: strawberry.Private[ViewedChange]
    kind: ChangeKind = strawberry.field(description="What happened.")
    item_id: strawberry.ID = strawberry.field(description="The ID of the folder or file, also if it is deleted.")
    at: datetime = strawberry.field(description="When it happened.")

    @strawberry.field(
        description="The folder or file as it is now, after later changes as well; null if it is deleted by now.",
        directives=[READ],
    )
    async def item(self, info: RequestInfo) -> DriveItem | None:
        row = await changes.item_of(info.context, self.change)
        return DriveItem.of(row) if row else None

    @classmethod
    def of(cls, change: ViewedChange) -> "Change":
        """The GraphQL form of a change."""
        return cls(
            change=change,
            cursor=change.cursor,
            kind=ChangeKind(change.event.kind),
            item_id=strawberry.ID(encode(change.prefix, change.event.item_id)),
            at=change.event.at,
        )


@strawberry.type(description="A page of the feed of changes.")
class ChangeConnection:
    edges: list[Edge[Change]] = strawberry.field(description="The changes of the page, with their cursors.")
    nodes: list[Change] = strawberry.field(description="The changes of the page, in the order in which they happened.")
    page_info: PageInfo = strawberry.field(
        description="The position of the page. `endCursor` is the next `after`, also on an empty page."
    )


def connect_changes(page: ChangePage, nodes: list[Change]) -> ChangeConnection:
    """The GraphQL form of a page of changes."""
    edges = [Edge(cursor=node.cursor, node=node) for node in nodes]
    info = PageInfo(
        has_next_page=page.has_more,
        # The feed is read forwards only: whether there are older changes is not looked up.
        has_previous_page=False,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=str(page.end),
    )
    return ChangeConnection(edges=edges, nodes=nodes, page_info=info)
