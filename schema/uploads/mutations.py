"""Mutations of uploads."""

import strawberry

from resolvers import uploads
from schema.cost.directives import CHANGE, Cost
from schema.execution.errors import UserError, to_payload
from schema.relay.node import RequestInfo
from schema.uploads.inputs import InitUploadInput, ReportedChunk
from schema.uploads.types import Upload, UploadPayload
from services.uploads.types import Report
from storage.uploads import models

#: The disk reserves the file's bytes, and the quota is summed over the account's tables.
RESERVATION = Cost(weight="20")
#: Minutes of ffmpeg, or all of a file's bytes read again.
WORK = Cost(weight="50")


@strawberry.type
class UploadMutations:
    @strawberry.mutation(description="Begin an upload: reserve its place and get its slots.", directives=[RESERVATION])
    async def init_upload(self, info: RequestInfo, input: InitUploadInput) -> UploadPayload:  # noqa: A002
        async def work() -> models.Upload:
            return await uploads.init_upload(info.context, input.to_domain())

        return await UploadPayload.to_payload(work())

    @strawberry.mutation(
        description="Ask whether all is there. The last chunk starts the rest by itself.", directives=[CHANGE]
    )
    async def complete_upload(self, info: RequestInfo, upload_id: strawberry.ID) -> UploadPayload:
        return await UploadPayload.to_payload(uploads.complete_upload(info.context, upload_id))

    # A page of the store's parts is listed for every thousand slots between the first and the last one.
    @strawberry.mutation(
        description="Get receipts for chunks of a `direct` upload, 1 to 1000 at once. Those that the store does not "
        "have as they are reported are `userErrors`; the others count. The last one starts the rest.",
        directives=[WORK],
    )
    async def report_chunks(
        self, info: RequestInfo, upload_id: strawberry.ID, chunks: list[ReportedChunk]
    ) -> UploadPayload:
        reports = [Report(one.index, one.etag, one.sha256) for one in chunks]
        found, errors = await to_payload(uploads.report_chunks(info.context, upload_id, reports))
        row, refused = found or (None, [])
        return UploadPayload(
            upload=Upload.of(row) if row else None,
            user_errors=[*errors, *(UserError.of_argument(one) for one in refused)],
        )

    @strawberry.mutation(description="Give an upload up.", directives=[CHANGE])
    async def abort_upload(self, info: RequestInfo, upload_id: strawberry.ID) -> UploadPayload:
        return await UploadPayload.to_payload(uploads.abort_upload(info.context, upload_id))

    @strawberry.mutation(
        description="Try again what failed: the compression of a READY upload, or the reassembly of a FAILED one "
        "whose bytes are still there.",
        directives=[WORK],
    )
    async def retry_upload(self, info: RequestInfo, upload_id: strawberry.ID) -> UploadPayload:
        return await UploadPayload.to_payload(uploads.retry_upload(info.context, upload_id))
