"""Queries of files."""

import strawberry

from resolvers import drive, pages
from schema.cost.directives import paged
from schema.drive.types import File
from schema.relay.connections import Connection, PageSize, connect
from schema.relay.node import RequestInfo


@strawberry.type
class DriveQueries:
    @strawberry.field(description="One of my files.")
    async def file(self, info: RequestInfo, id: strawberry.ID) -> File | None:  # noqa: A002
        row = await drive.find_file(info.context, id)
        return File.of(row) if row else None

    @strawberry.field(description="My files, newest first.", directives=[paged()])
    async def files(
        self, info: RequestInfo, first: PageSize = pages.PAGE, after: str | None = None
    ) -> Connection[File]:
        page = await drive.files_page(info.context, first, after)
        return connect(page, File.of, lambda row: str(row.id))
