"""Queries of folders and files."""

from typing import Annotated

import strawberry

from resolvers import drive
from resolvers.pages import PageArguments
from schema.cost.directives import paged
from schema.drive.items import DriveItem, File, Folder
from schema.relay.connections import After, Before, Connection, First, Last, connect
from schema.relay.node import RequestInfo
from schema.scopes.directives import READ

ITEM_ID = strawberry.argument(description="The ID of the folder or file.")
FILE_ID = strawberry.argument(description="The ID of the file.")


@strawberry.type
class DriveQueries:
    @strawberry.field(
        description="The root of the viewer's drive, the folder of everything else; null when nobody is signed in.",
        directives=[READ],
    )
    async def root(self, info: RequestInfo) -> Folder | None:
        row = await drive.root(info.context)
        return Folder.of(row) if row else None

    @strawberry.field(
        description="The viewer's folder or file with this ID, also if it is in the trash; null if there is none.",
        directives=[READ],
    )
    async def item(self, info: RequestInfo, id: Annotated[strawberry.ID, ITEM_ID]) -> DriveItem | None:
        row = await drive.find_item(info.context, id)
        return DriveItem.of(row) if row else None

    @strawberry.field(description="The viewer's file with this ID; null if there is none.", directives=[READ])
    async def file(self, info: RequestInfo, id: Annotated[strawberry.ID, FILE_ID]) -> File | None:
        row = await drive.find_file(info.context, id)
        return File.of(row) if row else None

    @strawberry.field(description="The viewer's files, newest first.", directives=[paged(), READ])
    async def files(
        self, info: RequestInfo, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[File]:
        page = await drive.files_page(info.context, PageArguments(first, after, last, before))
        return connect(page, File.of, lambda row: str(row.id))
