"""Subscriptions to uploads."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import strawberry

from resolvers import uploads
from schema.cost.directives import Cost
from schema.relay.node import RequestInfo
from schema.scopes.directives import READ_OR_UPLOAD
from schema.uploads.progress import UploadProgress
from schema.uploads.queries import UPLOAD_ID

AFTER = strawberry.argument(description="The last `cursor` that the client has received, to continue after it.")


@strawberry.type
class UploadSubscriptions:
    @strawberry.subscription(
        description="The progress of an upload: the current one, then each change, at most four per second. The "
        "subscription ends after READY, FAILED, ABORTED or EXPIRED. Each event costs 1 point, and what it selects of "
        "`upload`. While the budget has too few points, an event waits, and a newer one replaces it; after 30 seconds "
        "the subscription ends with RATE_LIMITED: start it again after `retryAfter` seconds, with the last `cursor`.",
        # For a lease in Redis and the first snapshot. The frames are paid for one by one.
        directives=[Cost(weight="10"), READ_OR_UPLOAD],
    )
    async def upload_progress(
        self,
        info: RequestInfo,
        upload_id: Annotated[strawberry.ID, UPLOAD_ID],
        after: Annotated[str | None, AFTER] = None,
    ) -> AsyncGenerator[UploadProgress, None]:
        frames = uploads.watch_upload(info.context, upload_id, after)
        async with aclosing(frames):
            async for frame in frames:
                yield UploadProgress.of(frame)
