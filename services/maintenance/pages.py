"""Reads tables page by page, in constant memory."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeVar
from uuid import UUID

from storage.drive.models import Blob
from storage.uploads.models import Upload

Row = TypeVar("Row", Blob, Upload)

PAGE = 500


async def pages(
    query: Callable[[UUID | None, int], Awaitable[list[Row]]], last: UUID | None = None
) -> AsyncGenerator[list[Row], None]:
    """Every row created after ``last``, in pages. ``query`` returns the oldest rows created after one."""
    while page := await query(last, PAGE):
        yield page
        last = page[-1].id
