"""Folders and files, for authorized callers."""

from collections.abc import Collection, Sequence
from uuid import UUID

from services.core.clock import now
from services.core.errors import InvalidInput
from services.core.validation import file_name
from storage.database.pages import Window
from storage.deletion.items import is_attached
from storage.drive import items as rows
from storage.drive import versions
from storage.drive.models import FileVersion, Item, Rendition
from storage.drive.tree import chains as tree
from storage.drive.tree import files, listing, starred, trash
from storage.drive.tree.chains import MAX_CHAIN
from storage.drive.tree.listing import ItemFilter, ItemList
from storage.drive.tree.trash import TrashPosition

#: The items of a folder whose sizes are added: a tenth of a second.
MOST_MEASURED = 10_000


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

    async def find_by_path(self, account_id: UUID, path: str) -> Item | None:
        """The item outside the trash at a path such as ``/Films/a.mp4``; ``/`` is the root.

        The first slash may be missing, and a last one is ignored.
        """
        typed = path.removeprefix("/").removesuffix("/").split("/", MAX_CHAIN)
        try:
            names = [] if typed == [""] else [file_name(name) for name in typed]
        except InvalidInput:
            return None
        await rows.ensure_root(account_id, now())
        return await rows.find_by_path(account_id, names)

    async def paths(self, item_ids: Collection[UUID]) -> dict[UUID, str]:
        """The path of each item: names after slashes; ``/`` for the root."""
        return {key: chain.path for key, chain in (await tree.chains(item_ids)).items()}

    async def pages(self, lists: Sequence[ItemList]) -> list[list[Item]]:
        """Windows of the items of folders."""
        return await listing.pages(lists)

    async def count(self, folder_id: UUID, only: ItemFilter) -> int | None:
        """The number of items of a folder that meet the conditions; None if the folder has more than 10,000."""
        return await listing.count(folder_id, only)

    async def counts(self, folder_ids: Collection[UUID]) -> dict[UUID, int]:
        """The number of items in each folder."""
        return await rows.counts(folder_ids)

    async def total_sizes(self, folder_ids: Collection[UUID]) -> dict[UUID, int | None]:
        """The bytes below each folder; None if there are more than ``MOST_MEASURED`` items."""
        return await tree.total_sizes(folder_ids, MOST_MEASURED)

    async def trash_page(self, account_id: UUID, window: Window[TrashPosition]) -> Sequence[Item]:
        """A window of what was put into the trash, the last first."""
        return await trash.page(account_id, window)

    async def count_trash(self, account_id: UUID) -> int | None:
        """The number of items that were put into the trash; None above 10,000."""
        return await trash.count(account_id)

    async def starred_page(self, account_id: UUID, window: Window[UUID]) -> Sequence[Item]:
        """A window of the account's items that have a star, the newest one first."""
        return await starred.page(account_id, window)

    async def count_starred(self, account_id: UUID) -> int | None:
        """The number of the account's items that have a star; None above 10,000."""
        return await starred.count(account_id)

    async def files_page(self, account_id: UUID, window: Window[UUID]) -> Sequence[Item]:
        """A window of the account's files, the newest one first."""
        return await files.page(account_id, window)

    async def count_files(self, account_id: UUID) -> int | None:
        """The number of the account's files; None above 10,000."""
        return await files.count(account_id)

    async def find_version(self, version_id: UUID) -> FileVersion | None:
        """The version with this key, of any account; its blob and its file are loaded."""
        version = await versions.find(version_id)
        return version if version and await is_attached(version) else None

    async def find_versions(self, version_ids: Collection[UUID]) -> dict[UUID, FileVersion]:
        """Versions by key, with their blobs and files."""
        return await versions.find_many(version_ids)

    async def find_rendition(self, rendition_id: UUID) -> Rendition | None:
        """The rendition with this key, of any account; its blob, version and file are loaded."""
        rendition = await versions.find_rendition(rendition_id)
        return rendition if rendition and await is_attached(rendition.version) else None

    async def renditions_of(self, version_ids: Collection[UUID]) -> dict[UUID, list[Rendition]]:
        """Renditions by version."""
        return await versions.renditions_of(version_ids)
