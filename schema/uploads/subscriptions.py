"""Subscriptions to uploads."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import strawberry

from resolvers import uploads
from schema.cost.directives import Cost
from schema.relay.node import RequestInfo
from schema.uploads.types import UploadProgress


@strawberry.type
class UploadSubscriptions:
    @strawberry.subscription(
        description="An upload from its first chunk to READY: where it stands, then every change. Ends after READY, "
        "FAILED, ABORTED or EXPIRED. With `after`, goes on from a frame that was seen before.",
        # Paid once, for all the frames: up to four a second, and a query for each.
        directives=[Cost(weight="10")],
    )
    async def upload_progress(
        self, info: RequestInfo, upload_id: strawberry.ID, after: str | None = None
    ) -> AsyncGenerator[UploadProgress, None]:
        frames = uploads.watch_upload(info.context, upload_id, after)
        async with aclosing(frames):
            async for frame, row in frames:
                yield UploadProgress.of(frame, row)
