"""Pages of lists: newest first, continued behind a cursor."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from resolvers.context import Context
from resolvers.ids import parse_id
from services.core.errors import InvalidInput
from services.uploads.uploads import Slot
from storage.drive.models import File
from storage.uploads.models import Upload, UploadStatus

T = TypeVar("T")

PAGE = 20
MAX_PAGE = 100
SLOTS = 100
MAX_SLOTS = 1_000
#: Each of their URLs is signed for S3, which takes about a millisecond.
MAX_DIRECT_SLOTS = 100


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some of a list, and whether there is more behind it."""

    items: Sequence[T]
    has_next: bool


def page_size(first: int | None, default: int, maximum: int) -> int:
    """The wanted number of items. Raises :class:`InvalidInput` outside 1 to ``maximum``."""
    if first is None:
        return default
    if not 1 <= first <= maximum:
        raise InvalidInput(f"'first' is 1 to {maximum}.", field="first")
    return first


async def uploads_page(
    context: Context, status: UploadStatus | None, first: int | None, after: str | None
) -> Page[Upload]:
    """The viewer's newest uploads behind the cursor ``after``."""
    limit = page_size(first, PAGE, MAX_PAGE)
    found = await context.services.uploads.page(context.viewer.account_id, status, _key(after), limit + 1)
    return _cut(found, limit)


async def files_page(context: Context, first: int | None, after: str | None) -> Page[File]:
    """The viewer's newest files behind the cursor ``after``."""
    limit = page_size(first, PAGE, MAX_PAGE)
    found = await context.services.files.page(context.viewer.account_id, _key(after), limit + 1)
    return _cut(found, limit)


async def slots_page(
    context: Context, upload: Upload, first: int | None, after: str | None, missing: bool
) -> Page[Slot]:
    """Slots of an upload of the viewer's, by index, behind the cursor ``after``."""
    limit = min(page_size(first, SLOTS, MAX_SLOTS), MAX_DIRECT_SLOTS if upload.direct else MAX_SLOTS)
    start = 0 if after is None else _index(after) + 1
    found = await context.services.uploads.slots(upload, start, limit + 1, missing=missing)
    return _cut(found, limit)


def _cut(found: Sequence[T], limit: int) -> Page[T]:
    return Page(found[:limit], len(found) > limit)


def _key(cursor: str | None) -> UUID | None:
    if cursor is None:
        return None
    key = parse_id(cursor)
    if key is None:
        raise InvalidInput("This cursor was not made by this server.", field="after")
    return key


def _index(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 9):
        raise InvalidInput("This cursor was not made by this server.", field="after")
    return int(cursor)
