"""Deletes what the settings keep for a limited time only: the trash, and old versions."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from services.core.clock import now
from services.core.pacing import paced
from services.drive.deletion import Deletion
from storage.deletion import items, trash, versions
from storage.deletion.purging import MOST_VERSIONS
from storage.deletion.versions import VersionLimits

FIRST = UUID(int=0)
UNLIMITED = VersionLimits()


@dataclass(frozen=True)
class Retention:
    """Deletes what is in the trash for longer than ``trash_ttl``, if there is one, and versions beyond the limits."""

    deletion: Deletion
    trash_ttl: timedelta | None = None
    version_limits: VersionLimits = UNLIMITED

    async def apply(self) -> None:
        """Delete everything that is due, a few rows at a time, and queue deletions that were given up."""
        if self.trash_ttl:
            await self._purge_trash(self.trash_ttl)
        if self.version_limits != UNLIMITED:
            await self._purge_versions()
        await items.queue_unfinished(now())

    async def _purge_trash(self, ttl: timedelta) -> None:
        account_id = await trash.next_account(FIRST)
        while account_id:
            # Most accounts have nothing that old: they are not locked.
            if await trash.holds_older(account_id, now() - ttl):
                while await paced(self.deletion.purge_trash(account_id, ttl)):
                    pass
            account_id = await trash.next_account(account_id)

    async def _purge_versions(self) -> None:
        after: UUID | None = FIRST
        while after:
            found, after = await versions.superseded(self.version_limits, after, now())
            for account_id, keys in found.items():
                for start in range(0, len(keys), MOST_VERSIONS):
                    batch = keys[start : start + MOST_VERSIONS]
                    while not (await paced(versions.delete_superseded(account_id, batch, now()))).is_nothing:
                        pass
