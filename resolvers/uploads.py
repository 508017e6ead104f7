"""Uploads of the viewer, their slots and their progress."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from resolvers.context import Context
from resolvers.drive.items import require_folder_key
from resolvers.pages import MAX_PAGE, Listing, Page, PageArguments, parse_index, parse_key
from services.access.permissions import Permission, require_permission, visible
from services.accounts.tokens import Viewer
from services.core.errors import ExpectedError, InvalidInput
from services.core.ids import Prefix, decode, require_key
from services.uploads import direct
from services.uploads.ingest import slot_authorization
from services.uploads.progress.frame import ProgressFrame
from services.uploads.types import NewUpload, Report, Slot
from storage.drive.models import Item
from storage.errors import DatabaseUnavailable
from storage.uploads.models import JOB_OF_STATUS, Upload, UploadStatus
from storage.uploads.uploads import UploadFilter

SLOTS = 100
MAX_SLOTS = 1_000
#: Slots of a direct upload on one page. Each URL is signed for S3, which takes about a millisecond.
MAX_DIRECT_SLOTS = 100
#: Chunks of one ``reportChunks``.
MAX_REPORTS = direct.MAX_REPORTS
#: Uploads of one ``initUploads``. All are started in one transaction, which locks the account.
MAX_INITS = 100
#: The pause between two attempts to read an upload while the database is away.
AWAY_SECONDS = 1.0


async def init_upload(context: Context, request: NewUpload, parent_id: str | None) -> Upload:
    """Start an upload for the viewer, into a folder; null is the root."""
    request = await _with_folder(context, request, parent_id)
    return await context.services.uploads.init(context.viewer.account_id, request)


async def init_uploads(
    context: Context, requests: Sequence[tuple[NewUpload, str | None]]
) -> list[Upload | ExpectedError]:
    """Start uploads for the viewer, each into a folder. Returns each upload, or why it was not started.

    Raises :class:`InvalidInput` for too many of them.
    """
    if not 1 <= len(requests) <= MAX_INITS:
        raise InvalidInput(f"Start 1 to {MAX_INITS} uploads at a time.", field="uploads")
    checked = await asyncio.gather(*(_checked(context, request, parent_id) for request, parent_id in requests))
    allowed = [request for request in checked if isinstance(request, NewUpload)]
    started = iter(await context.services.uploads.init_all(context.viewer.account_id, allowed))
    return [next(started) if isinstance(request, NewUpload) else request for request in checked]


async def _checked(context: Context, request: NewUpload, parent_id: str | None) -> NewUpload | ExpectedError:
    try:
        return await _with_folder(context, request, parent_id)
    except ExpectedError as error:
        return error


async def _with_folder(context: Context, request: NewUpload, parent_id: str | None) -> NewUpload:
    """The request with the key of its folder, to which the viewer may add files; none for the root."""
    key = await require_folder_key(context, Permission.EDIT, parent_id)
    return request if key == context.viewer.account_id else replace(request, parent_id=key)


async def complete_upload(context: Context, upload_id: str) -> Upload:
    """Confirm that all chunks of the viewer's upload were sent."""
    return await context.services.uploads.complete(await _require_upload(context, upload_id, Permission.EDIT))


async def abort_upload(context: Context, upload_id: str) -> Upload:
    """Abort the viewer's upload."""
    return await context.services.uploads.abort(await _require_upload(context, upload_id, Permission.EDIT))


async def report_chunks(
    context: Context, upload_id: str, reports: Sequence[Report]
) -> tuple[Upload, list[ExpectedError]]:
    """Store receipts for chunks that the viewer has sent to S3. Returns the upload and the errors of other chunks."""
    upload = await _require_upload(context, upload_id, Permission.EDIT)
    return await context.services.direct.report(upload, reports)


async def retry_upload(context: Context, upload_id: str) -> Upload:
    """Retry the step of the viewer's upload that failed."""
    return await context.services.uploads.retry(await _require_upload(context, upload_id, Permission.EDIT))


async def find_upload(context: Context, upload_id: str) -> Upload | None:
    """The upload with this ID, if the viewer may see it."""
    viewer, key = context.viewer, decode(Prefix.UPLOAD, upload_id)
    return visible(viewer, await context.services.uploads.find(key)) if key else None


async def find_uploads(context: Context, upload_ids: Sequence[str]) -> list[Upload | None]:
    """The uploads with these IDs, in the same order, without those that the viewer may not see.

    Raises :class:`InvalidInput` for too many of them.
    """
    if not 1 <= len(upload_ids) <= MAX_PAGE:
        raise InvalidInput(f"Name 1 to {MAX_PAGE} uploads.", field="ids")
    viewer, keys = context.viewer, [decode(Prefix.UPLOAD, upload_id) for upload_id in upload_ids]
    found = await context.services.uploads.find_many([key for key in keys if key])
    return [visible(viewer, found.get(key)) if key else None for key in keys]


async def _require_upload(context: Context, upload_id: str, permission: Permission) -> Upload:
    viewer, key = context.viewer, require_key(Prefix.UPLOAD, upload_id, field="uploadId")
    upload = await context.services.uploads.find(key)
    return require_permission(viewer, permission, upload, "upload", field="uploadId")


async def uploads_page(
    context: Context, status: UploadStatus | None, parent_id: str | None, arguments: PageArguments
) -> Page[Upload]:
    """A page of the viewer's uploads, or of those into a folder, newest first.

    Raises :class:`InvalidInput` and :class:`services.core.errors.NotFound`.
    """
    uploads, owner = context.services.uploads, context.viewer.account_id
    # Without a folder, those into all folders.
    folder = None if parent_id is None else await require_folder_key(context, Permission.VIEW, parent_id)
    only = UploadFilter(status, folder)
    listing: Listing[Upload, UUID] = Listing(
        fetch=lambda window: uploads.page(owner, only, window),
        count=lambda: uploads.count(owner, only),
        key=lambda upload: upload.id,
        parse=parse_key,
    )
    return await listing.page(arguments)


async def slots_page(context: Context, upload: Upload, arguments: PageArguments, *, missing: bool) -> Page[Slot]:
    """A page of the slots of the viewer's upload, by index. Raises :class:`InvalidInput`."""
    uploads, find_open = context.services.uploads, context.loaders.open_slots.load

    async def count() -> int:
        return uploads.count_slots(upload, missing=missing)

    listing: Listing[Slot, int] = Listing(
        fetch=lambda window: uploads.slots(upload, window, missing=missing, find_open=find_open),
        count=count,
        key=lambda slot: slot.index,
        parse=parse_index,
        default=SLOTS,
        maximum=MAX_SLOTS,
        largest=MAX_DIRECT_SLOTS if upload.direct else MAX_SLOTS,
    )
    return await listing.page(arguments)


async def find_slot(context: Context, upload: Upload, index: int) -> Slot | None:
    """The slot of the viewer's upload with this index; None if there is none."""
    return await context.services.uploads.slot(upload, index, context.loaders.open_slots.load)


def slot_url(context: Context, upload: Upload, index: int) -> str | Awaitable[str]:
    """The signed URL for the chunk of a slot of the viewer's upload.

    Only that of a direct upload needs a coroutine, which would take longer than to sign the others.
    """
    if upload.direct:
        return context.services.direct.url(upload, index)
    return context.services.signed_urls.slot(slot_authorization(upload, index), context.base_url)


def slot_url_expires_at(context: Context, upload: Upload) -> datetime:
    """The expiry of a slot's URL that is signed now."""
    return direct.expires_at() if upload.direct else context.services.signed_urls.expires_at()


async def file_of(context: Context, upload: Upload) -> Item | None:
    """The file of the viewer's upload; None until it is stored, and after it was deleted."""
    version = await context.loaders.versions.load(upload.version_id) if upload.version_id else None
    return version.item if version else None


async def parent_of(context: Context, upload: Upload) -> Item | None:
    """The folder for the file of the viewer's upload; the root if it was deleted."""
    for key in (upload.parent_id, upload.account_id):
        if key and (folder := await context.loaders.items.load(key)):
            return folder
    return await context.services.items.root(upload.account_id)


async def waits_for(context: Context, upload: Upload) -> str | None:
    """The code of the resource that the viewer's upload waits for; None if it does not wait."""
    return await context.loaders.waiting.load(upload.id) if upload.status in JOB_OF_STATUS else None


@dataclass(frozen=True)
class WatchedFrame:
    """A frame of an upload's progress, and the viewer who watches."""

    progress: ProgressFrame
    viewer: Viewer


async def watch_upload(context: Context, upload_id: str, after: str | None) -> AsyncGenerator[WatchedFrame, None]:
    """The progress of the viewer's upload. Raises :class:`NotFound` before the first frame.

    The owner of an upload never changes, so that the permission is checked once.
    """
    viewer = context.viewer
    key = (await _require_upload(context, upload_id, Permission.VIEW)).id
    async with aclosing(context.services.progress.watch(key, after)) as frames:
        async for frame in frames:
            yield WatchedFrame(frame, viewer)


async def upload_of_frame(context: Context, frame: WatchedFrame) -> Upload:
    """The upload of a frame, which all its watchers share, as soon as the database responds. Raises :class:`NotFound`.

    The permission is checked for each watcher.
    """
    while True:
        try:
            upload = await context.services.progress.upload_of(frame.progress)
        except DatabaseUnavailable:
            await asyncio.sleep(AWAY_SECONDS)
        else:
            return require_permission(frame.viewer, Permission.VIEW, upload, "upload")
