"""Queries of uploads."""

from typing import Annotated

import strawberry

from resolvers import uploads
from resolvers.pages import PageArguments
from schema.cost.directives import ListSize, paged
from schema.relay.connections import After, Before, Connection, First, Last, connect
from schema.relay.node import RequestInfo
from schema.scopes.directives import READ_OR_UPLOAD
from schema.uploads.types import Upload, UploadStatus
from storage.uploads import models

UPLOAD_ID = strawberry.argument(description="The ID of the upload.")
PARENT = strawberry.argument(description="The ID of the folder for the files of the uploads to return.")
UPLOAD_IDS = strawberry.argument(description="The IDs of 1 to 100 uploads.")
STATUS = strawberry.argument(description="The status of the uploads to return. By default all are returned.")


@strawberry.type
class UploadQueries:
    @strawberry.field(
        description="The viewer's upload with this ID; null if there is none.", directives=[READ_OR_UPLOAD]
    )
    async def upload(self, info: RequestInfo, id: Annotated[strawberry.ID, UPLOAD_ID]) -> Upload | None:
        row = await uploads.find_upload(info.context, id)
        return Upload.of(row) if row else None

    @strawberry.field(
        description="The viewer's uploads with these IDs, in the same order; null for an ID of which there is none.",
        directives=[
            ListSize(slicing_arguments=["ids"], require_one_slicing_argument=strawberry.UNSET),
            READ_OR_UPLOAD,
        ],
    )
    async def uploads_by_ids(
        self, info: RequestInfo, ids: Annotated[list[strawberry.ID], UPLOAD_IDS]
    ) -> list[Upload | None]:
        rows = await uploads.find_uploads(info.context, ids)
        return [Upload.of(row) if row else None for row in rows]

    @strawberry.field(description="The viewer's uploads, newest first.", directives=[paged(), READ_OR_UPLOAD])
    async def uploads(
        self,
        info: RequestInfo,
        status: Annotated[UploadStatus | None, STATUS] = None,
        parent_id: Annotated[strawberry.ID | None, PARENT] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Upload]:
        arguments = PageArguments(first, after, last, before)
        page = await uploads.uploads_page(info.context, _status(status), parent_id, arguments)
        return connect(page, Upload.of, lambda row: str(row.id))


def _status(status: UploadStatus | None) -> models.UploadStatus | None:
    return models.UploadStatus[status.name] if status else None
