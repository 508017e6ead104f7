"""Queries of folders and files."""

from typing import Annotated

import strawberry

from resolvers.drive import folders
from resolvers.drive import items as drive
from resolvers.drive.item_cursors import trash_cursor
from resolvers.pages import PageArguments
from schema.cost.directives import Cost, paged
from schema.drive.items import DriveItem, File, Folder
from schema.relay.connections import After, Before, Connection, First, Last, connect
from schema.relay.node import RequestInfo
from schema.scopes.directives import READ

ITEM_ID = strawberry.argument(description="The ID of the folder or file.")
PATH = strawberry.argument(description="The names of the folders from the root on and of the item, after slashes.")
#: One query for each name, up to a hundred.
BY_PATH = Cost(weight="10")
FILE_ID = strawberry.argument(description="The ID of the file.")


@strawberry.type
class DriveQueries:
    @strawberry.field(
        description="The root of the viewer's drive, which contains everything else; null when nobody is signed in.",
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

    @strawberry.field(
        description="The viewer's folder or file at this path, such as `/Films/holiday.mp4`; null if there is none, or "
        "if it is in the trash. `/` is the root. Case is ignored.",
        directives=[BY_PATH, READ],
    )
    async def item_by_path(self, info: RequestInfo, path: Annotated[str, PATH]) -> DriveItem | None:
        row = await folders.find_by_path(info.context, path)
        return DriveItem.of(row) if row else None

    @strawberry.field(
        description="What the viewer has put into the trash, the last first. What is in a folder in the trash is not "
        "listed, unless it was put there before the folder.",
        directives=[paged(), READ],
    )
    async def trash(
        self, info: RequestInfo, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[DriveItem]:
        page = await folders.trash_page(info.context, PageArguments(first, after, last, before))
        return connect(page, DriveItem.of, trash_cursor)

    @strawberry.field(
        description="The viewer's folders and files with a star, in any folder, the newest first. What is in the trash "
        "is not listed.",
        directives=[paged(), READ],
    )
    async def starred(
        self, info: RequestInfo, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[DriveItem]:
        page = await drive.starred_page(info.context, PageArguments(first, after, last, before))
        return connect(page, DriveItem.of, lambda row: str(row.id))

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
