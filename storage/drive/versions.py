"""Rows of versions and renditions, always with their blobs."""

from collections.abc import Collection
from uuid import UUID

from storage.drive.models import FileVersion, Rendition


async def find(version_id: UUID) -> FileVersion | None:
    """The version with this key, its blob and its file loaded."""
    return await FileVersion.get_or_none(id=version_id).select_related("blob", "item")


async def find_many(version_ids: Collection[UUID]) -> dict[UUID, FileVersion]:
    """The versions with these keys, their blobs and files loaded."""
    rows = await FileVersion.filter(id__in=list(version_ids)).select_related("blob", "item")
    return {version.id: version for version in rows}


async def find_same(account_id: UUID, size: int, sha256: str) -> FileVersion | None:
    """The account's newest version with these verified bytes, its blob and its file loaded."""
    query = FileVersion.filter(account_id=account_id, blob__sha256=sha256, blob__size=size)
    return await query.order_by("-id").select_related("blob", "item").first()


async def find_rendition(rendition_id: UUID) -> Rendition | None:
    """The rendition with this key, its blob, its version and its file loaded."""
    return await Rendition.get_or_none(id=rendition_id).select_related("blob", "version__item")


async def renditions_of(version_ids: Collection[UUID]) -> dict[UUID, list[Rendition]]:
    """The renditions of each version, in one query."""
    grouped: dict[UUID, list[Rendition]] = {version_id: [] for version_id in version_ids}
    for rendition in await Rendition.filter(version_id__in=list(version_ids)).order_by("id").select_related("blob"):
        grouped[rendition.version_id].append(rendition)
    return grouped
