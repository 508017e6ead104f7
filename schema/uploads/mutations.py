"""Mutations of uploads."""

from typing import Annotated

import strawberry

from resolvers import uploads
from schema.cost.directives import CHANGE, Cost, sized_by
from schema.relay.node import INPUT, RequestInfo
from schema.scopes.directives import DELETE, UPLOAD
from schema.uploads.inputs import (
    AbortUploadInput,
    CompleteUploadInput,
    InitUploadInput,
    InitUploadsInput,
    ReportChunksInput,
    RetryUploadInput,
)
from schema.uploads.payloads import (
    AbortUploadPayload,
    CompleteUploadPayload,
    InitUploadPayload,
    InitUploadsPayload,
    ReportChunksPayload,
    RetryUploadPayload,
)

#: The server reserves disk space for the file, and sums up what the account uses of its quota.
RESERVATION = Cost(weight="20")
#: ffmpeg may run for minutes, or all bytes of a file are read again.
WORK = Cost(weight="50")


@strawberry.type
class UploadMutations:
    @strawberry.mutation(
        description="Starts an upload: reserves storage for the file, and returns the slots for its chunks.",
        directives=[RESERVATION, UPLOAD],
    )
    async def init_upload(self, info: RequestInfo, input: Annotated[InitUploadInput, INPUT]) -> InitUploadPayload:
        return await InitUploadPayload.of(uploads.init_upload(info.context, input.to_domain(), input.parent_id))

    # A file of a batch takes a tenth of the time of one by itself: see docs/performance.md.
    @strawberry.mutation(
        description="Starts the uploads of up to 100 files like `initUpload`, at a lower price. Each is started, or "
        "refused, independently of the others.",
        directives=[RESERVATION, sized_by("input.uploads", "results", maximum=uploads.MAX_INITS), UPLOAD],
    )
    async def init_uploads(self, info: RequestInfo, input: Annotated[InitUploadsInput, INPUT]) -> InitUploadsPayload:
        return await InitUploadsPayload.of(uploads.init_uploads(info.context, input.to_domain()))

    @strawberry.mutation(
        description="Confirms that all chunks were sent, or fails with CHUNKS_MISSING. It is optional: the server "
        "starts to reassemble the file as soon as the last chunk has arrived.",
        directives=[CHANGE, UPLOAD],
    )
    async def complete_upload(
        self, info: RequestInfo, input: Annotated[CompleteUploadInput, INPUT]
    ) -> CompleteUploadPayload:
        return await CompleteUploadPayload.of(uploads.complete_upload(info.context, input.upload_id))

    # S3 lists its parts in pages of a thousand, from the first reported chunk to the last one.
    @strawberry.mutation(
        description="Reports chunks of a `direct` upload that were sent to S3. The server compares each report with "
        "the chunk on S3: if they match, the slot is `received`, otherwise there is an error. It starts to reassemble "
        "the file as soon as the last chunk is reported.",
        directives=[WORK, sized_by("input.chunks", "userErrors", maximum=uploads.MAX_REPORTS), UPLOAD],
    )
    async def report_chunks(self, info: RequestInfo, input: Annotated[ReportChunksInput, INPUT]) -> ReportChunksPayload:
        return await ReportChunksPayload.of(uploads.report_chunks(info.context, input.upload_id, input.to_domain()))

    @strawberry.mutation(
        description="Aborts an upload and frees its storage. It fails with UPLOAD_CLOSED once all chunks have arrived, "
        "unless the upload FAILED with INTERNAL. It can be repeated.",
        directives=[CHANGE, DELETE],
    )
    async def abort_upload(self, info: RequestInfo, input: Annotated[AbortUploadInput, INPUT]) -> AbortUploadPayload:
        return await AbortUploadPayload.of(uploads.abort_upload(info.context, input.upload_id))

    @strawberry.mutation(
        description="Retries the step that failed: the compression of a READY upload, or the reassembly of an upload "
        "that FAILED with INTERNAL. It can be repeated.",
        directives=[WORK, UPLOAD],
    )
    async def retry_upload(self, info: RequestInfo, input: Annotated[RetryUploadInput, INPUT]) -> RetryUploadPayload:
        return await RetryUploadPayload.of(uploads.retry_upload(info.context, input.upload_id))
