"""What can be followed."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import strawberry

from resolvers import uploads
from schema.types import RequestInfo
from schema.uploads import UploadProgress


@strawberry.type
class Subscription:
    @strawberry.subscription(
        description="An upload from its first chunk to READY: where it stands, then every change. Ends after READY, "
        "FAILED, ABORTED or EXPIRED. With `after`, goes on from a frame that was seen before."
    )
    async def upload_progress(
        self, info: RequestInfo, upload_id: strawberry.ID, after: str | None = None
    ) -> AsyncGenerator[UploadProgress, None]:
        async with aclosing(uploads.watch_upload(info.context, upload_id, after)) as frames:
            async for frame, row in frames:
                yield UploadProgress.of(frame, row)
