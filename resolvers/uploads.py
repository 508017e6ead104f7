"""Uploads as their owner sees them."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from uuid import UUID

from resolvers.context import Context
from resolvers.ids import parse_id, require_id
from services.accounts.errors import Unauthenticated
from services.core.clock import now
from services.core.errors import ExpectedError, NotFound
from services.uploads.direct import Report
from services.uploads.progress import Frame
from services.uploads.uploads import NewUpload
from storage.errors import DatabaseUnavailable
from storage.uploads.models import Upload

#: Between two attempts to find out what a frame is about, while the database is away.
AWAY_SECONDS = 1.0


async def init_upload(context: Context, request: NewUpload) -> Upload:
    """Begin an upload for the viewer."""
    return await context.services.uploads.init(context.viewer.account_id, request)


async def complete_upload(context: Context, upload_id: str) -> Upload:
    """Confirm the viewer's upload."""
    return await context.services.uploads.complete(context.viewer.account_id, require_id(upload_id, "upload"))


async def abort_upload(context: Context, upload_id: str) -> Upload:
    """Give the viewer's upload up."""
    return await context.services.uploads.abort(context.viewer.account_id, require_id(upload_id, "upload"))


async def report_chunks(
    context: Context, upload_id: str, reports: Sequence[Report]
) -> tuple[Upload, list[ExpectedError]]:
    """Give receipts for what the viewer has put into slots past us."""
    return await context.services.direct.report(context.viewer.account_id, require_id(upload_id, "upload"), reports)


async def retry_upload(context: Context, upload_id: str) -> Upload:
    """Try again what failed of the viewer's upload."""
    return await context.services.uploads.retry(context.viewer.account_id, require_id(upload_id, "upload"))


async def find_upload(context: Context, upload_id: str) -> Upload | None:
    """The viewer's upload with this ID."""
    account_id, key = context.viewer.account_id, parse_id(upload_id)
    return await context.services.uploads.find(account_id, key) if key else None


async def watch_upload(
    context: Context, upload_id: str, after: str | None
) -> AsyncGenerator[tuple[Frame, Upload], None]:
    """Progress of the viewer's upload, each frame with the upload as it is then.

    While the database is away, frames wait. Raises :class:`NotFound` at the beginning, and :class:`Unauthenticated`
    when the viewer's token expires.
    """
    viewer = context.viewer
    key = require_id(upload_id, "upload")
    if not await context.services.uploads.find(viewer.account_id, key):
        raise NotFound("There is no such upload.")
    async with aclosing(context.services.progress.watch(key, after)) as frames:
        async for frame in frames:
            upload = await _find_in_the_end(context, key)
            if upload:
                yield frame, upload
            if viewer.expires_at < now():
                raise Unauthenticated("The access token has expired.")


async def _find_in_the_end(context: Context, key: UUID) -> Upload | None:
    """The viewer's upload, once the database answers; None when there is none, or the viewer's token expires before."""
    viewer = context.viewer
    while True:
        try:
            return await context.services.uploads.find(viewer.account_id, key)
        except DatabaseUnavailable:
            if viewer.expires_at < now():
                return None
            await asyncio.sleep(AWAY_SECONDS)
