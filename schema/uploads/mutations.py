"""Mutations of uploads."""

from typing import Annotated

import strawberry

from resolvers import uploads
from schema.cost.directives import CHANGE, Cost, sized_by
from schema.relay.node import INPUT, RequestInfo
from schema.uploads.inputs import (
    AbortUploadInput,
    CompleteUploadInput,
    InitUploadInput,
    ReportChunksInput,
    RetryUploadInput,
)
from schema.uploads.payloads import (
    AbortUploadPayload,
    CompleteUploadPayload,
    InitUploadPayload,
    ReportChunksPayload,
    RetryUploadPayload,
)

#: The disk reserves the file's bytes, and the quota is summed over the account's tables.
RESERVATION = Cost(weight="20")
#: Minutes of ffmpeg, or all of a file's bytes read again.
WORK = Cost(weight="50")


@strawberry.type
class UploadMutations:
    @strawberry.mutation(
        description="Begin an upload: reserve storage for the file, and get the slots for its chunks.",
        directives=[RESERVATION],
    )
    async def init_upload(self, info: RequestInfo, input: Annotated[InitUploadInput, INPUT]) -> InitUploadPayload:
        return await InitUploadPayload.of(uploads.init_upload(info.context, input.to_domain()))

    @strawberry.mutation(
        description="Confirm that all chunks were sent; CHUNKS_MISSING if some did not arrive. It is optional, for the "
        "last chunk starts the reassembly.",
        directives=[CHANGE],
    )
    async def complete_upload(
        self, info: RequestInfo, input: Annotated[CompleteUploadInput, INPUT]
    ) -> CompleteUploadPayload:
        return await CompleteUploadPayload.of(uploads.complete_upload(info.context, input.upload_id))

    # A page of the store's parts is listed for every thousand slots between the first and the last one.
    @strawberry.mutation(
        description="Get receipts for chunks of a `direct` upload. Each chunk that the store does not have as it is "
        "reported is an error; the others are received. The last chunk starts the reassembly.",
        directives=[WORK, sized_by("input.chunks", "userErrors", maximum=uploads.MAX_REPORTS)],
    )
    async def report_chunks(self, info: RequestInfo, input: Annotated[ReportChunksInput, INPUT]) -> ReportChunksPayload:
        return await ReportChunksPayload.of(uploads.report_chunks(info.context, input.upload_id, input.to_domain()))

    @strawberry.mutation(
        description="Abort an upload and free its storage. It is harmless to do it twice.", directives=[CHANGE]
    )
    async def abort_upload(self, info: RequestInfo, input: Annotated[AbortUploadInput, INPUT]) -> AbortUploadPayload:
        return await AbortUploadPayload.of(uploads.abort_upload(info.context, input.upload_id))

    @strawberry.mutation(
        description="Retry what failed: the compression of a READY upload, or the reassembly of a FAILED upload whose "
        "bytes are still there. It is harmless to do it twice.",
        directives=[WORK],
    )
    async def retry_upload(self, info: RequestInfo, input: Annotated[RetryUploadInput, INPUT]) -> RetryUploadPayload:
        return await RetryUploadPayload.of(uploads.retry_upload(info.context, input.upload_id))
