"""Folders and files, for authorized callers."""

from collections.abc import Collection, Sequence
from uuid import UUID

from services.core.clock import now
from storage.database.pages import Window
from storage.drive import items as rows
from storage.drive import versions
from storage.drive.models import FileVersion, Item, Rendition


class Items:
    """Reads folders and files. Callers check the viewer's permission."""

    async def root(self, account_id: UUID) -> Item:
        """The root of the account's drive."""
        return await rows.ensure_root(account_id, now())

    async def find(self, item_id: UUID) -> Item | None:
        """The folder or file with this key, of any account."""
        return await rows.find(item_id)

    async def find_many(self, item_ids: Collection[UUID]) -> dict[UUID, Item]:
        """Folders and files by key."""
        return await rows.find_many(item_ids)

    async def files_page(self, account_id: UUID, window: Window[UUID]) -> Sequence[Item]:
        """A window of the account's files, the newest one first."""
        return await rows.files_page(account_id, window)

    async def count_files(self, account_id: UUID) -> int:
        """The number of the account's files."""
        return await rows.count_files(account_id)

    async def find_version(self, version_id: UUID) -> FileVersion | None:
        """The version with this key, of any account; its blob and its file are loaded."""
        return await versions.find(version_id)

    async def find_versions(self, version_ids: Collection[UUID]) -> dict[UUID, FileVersion]:
        """Versions by key, with their blobs and files."""
        return await versions.find_many(version_ids)

    async def find_rendition(self, rendition_id: UUID) -> Rendition | None:
        """The rendition with this key, of any account; its blob, version and file are loaded."""
        return await versions.find_rendition(rendition_id)

    async def renditions_of(self, version_ids: Collection[UUID]) -> dict[UUID, list[Rendition]]:
        """Renditions by version."""
        return await versions.renditions_of(version_ids)
