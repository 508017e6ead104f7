"""Queries of uploads."""

import strawberry

from resolvers import pages, uploads
from schema.cost.directives import paged
from schema.relay.connections import Connection, PageSize, connect
from schema.relay.node import RequestInfo
from schema.uploads.types import Upload
from storage.uploads.models import UploadStatus


@strawberry.type
class UploadQueries:
    @strawberry.field(description="One of my uploads.")
    async def upload(self, info: RequestInfo, id: strawberry.ID) -> Upload | None:  # noqa: A002
        row = await uploads.find_upload(info.context, id)
        return Upload.of(row) if row else None

    @strawberry.field(description="My uploads, newest first.", directives=[paged()])
    async def uploads(
        self,
        info: RequestInfo,
        status: UploadStatus | None = None,
        first: PageSize = pages.PAGE,
        after: str | None = None,
    ) -> Connection[Upload]:
        page = await uploads.uploads_page(info.context, status, first, after)
        return connect(page, Upload.of, lambda row: str(row.id))
