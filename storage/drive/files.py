"""Rows of files and renditions, always with their blobs."""

from collections.abc import Collection
from uuid import UUID

from storage.database.pages import Window, newest_first
from storage.drive.models import File, Rendition


async def find(file_id: UUID) -> File | None:
    """The file with this key, its blob loaded."""
    return await File.get_or_none(id=file_id).select_related("blob")


async def find_many(file_ids: Collection[UUID]) -> dict[UUID, File]:
    """The files with these keys, their blobs loaded."""
    files = await File.filter(id__in=list(file_ids)).select_related("blob")
    return {file.id: file for file in files}


async def find_same(account_id: UUID, size: int, sha256: str) -> File | None:
    """The account's newest file with these verified bytes, its blob loaded."""
    query = File.filter(account_id=account_id, blob__sha256=sha256, blob__size=size)
    return await query.order_by("-id").select_related("blob").first()


async def page(account_id: UUID, window: Window[UUID]) -> list[File]:
    """A window of the files of an account, the newest one first, their blobs loaded."""
    return await newest_first(File.filter(account_id=account_id).select_related("blob"), window)


async def count(account_id: UUID) -> int:
    """The number of an account's files."""
    return await File.filter(account_id=account_id).count()


async def find_rendition(rendition_id: UUID) -> Rendition | None:
    """The rendition with this key, its blob and file loaded."""
    return await Rendition.get_or_none(id=rendition_id).select_related("blob", "file")


async def renditions_of(file_ids: Collection[UUID]) -> dict[UUID, list[Rendition]]:
    """The renditions of each file, in one query."""
    grouped: dict[UUID, list[Rendition]] = {file_id: [] for file_id in file_ids}
    for rendition in await Rendition.filter(file_id__in=list(file_ids)).order_by("id").select_related("blob"):
        grouped[rendition.file_id].append(rendition)
    return grouped
