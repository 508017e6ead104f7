"""The versions of files, for authorized callers."""

from collections.abc import Sequence
from uuid import UUID

from services.core.clock import now
from services.core.counters import Counters
from services.core.errors import InvalidInput, NotFound
from services.drive.item_allowance import ItemAllowance
from storage.database.pages import Window
from storage.deletion import versions as rows
from storage.deletion.versions import IsCurrent
from storage.drive import versions
from storage.drive.models import FileVersion, Item


class FileVersions:
    """Lists, restores and deletes versions. Callers have checked the viewer's permission."""

    def __init__(self, counters: Counters | None = None, allowance: ItemAllowance | None = None) -> None:
        self._counters = counters or Counters()
        self._allowance = allowance or ItemAllowance()

    async def page(self, item_id: UUID, window: Window[int]) -> Sequence[FileVersion]:
        """A window of the versions of a file, by number, the newest one first."""
        return await versions.page(item_id, window)

    async def count(self, item_id: UUID) -> int:
        """The number of versions of a file."""
        return await versions.count(item_id)

    async def restore(self, file: Item, version_id: UUID) -> Item:
        """Store a new version of the file with the content of one of its earlier ones. Returns the file.

        Raises :class:`NotFound` if it is no version of the file, and :class:`services.drive.errors.TooManyItems`.
        """
        await self._allowance.require(file.account_id)
        item = await rows.restore(file.account_id, file.id, version_id, now())
        if not item:
            raise NotFound("The file has no such version.", field="versionId")
        return item

    async def delete(self, version: FileVersion) -> Item:
        """Delete a version that is not the current one. Returns its file.

        Raises :class:`NotFound`, and :class:`InvalidInput` for the current one.
        """
        try:
            found = await rows.delete(version.account_id, version.id, now())
        except IsCurrent as error:
            text = "This is the current version. Restore another one first, or delete the file."
            raise InvalidInput(text, field="versionId") from error
        if not found:
            raise NotFound("There is no such version.", field="versionId")
        item, purged = found
        self._counters.deletion.add(purged.versions, purged.released)
        return item
