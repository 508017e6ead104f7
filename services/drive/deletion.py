"""Deletes items for good."""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from services.core.clock import now
from services.core.counters import Counters
from services.core.errors import InvalidInput
from services.core.pacing import paced
from storage.deletion import items
from storage.deletion.items import Deleted
from storage.jobs.job_notifications import JobNotifications
from storage.jobs.models import JobKind

#: Items of one request.
MOST_ITEMS = 100
#: Items of the trash that one transaction deletes, and that one request does: it takes a few seconds.
TRASH_BATCH = 200
MOST_TRASH = 10_000


class EmptiedTrash(NamedTuple):
    """How many items were deleted, and whether nothing is left in the trash."""

    deleted_count: int
    is_empty: bool


class Deletion:
    """Deletes the items of an account. Callers have checked the viewer's permission."""

    def __init__(self, notifications: JobNotifications, counters: Counters | None = None) -> None:
        self._notifications = notifications
        self._counters = counters or Counters()

    async def delete_items(self, account_id: UUID, item_ids: Sequence[UUID]) -> int:
        """Delete items with everything below them. Returns how many of those items there were.

        Nothing of them can be seen afterwards, but a worker may still delete rows. Raises :class:`InvalidInput`.
        """
        if not 1 <= len(item_ids) <= MOST_ITEMS:
            raise InvalidInput(f"Name 1 to {MOST_ITEMS} items.", field="itemIds")
        deleted = await items.delete(account_id, item_ids, now())
        await self._follow_up(deleted)
        return deleted.tops

    async def empty_trash(self, account_id: UUID) -> EmptiedTrash:
        """Delete what is in the trash now, but at most ``MOST_TRASH`` items, without those below them."""
        count, until = 0, now() + timedelta(microseconds=1)
        while count < MOST_TRASH:
            deleted = await paced(items.delete_trash(account_id, until, TRASH_BATCH, now()))
            await self._follow_up(deleted)
            count += deleted.tops
            if deleted.tops < TRASH_BATCH:
                return EmptiedTrash(count, is_empty=True)
        return EmptiedTrash(count, is_empty=False)

    async def purge_trash(self, account_id: UUID, ttl: timedelta) -> bool:
        """Delete some of what is in the trash for longer than this. Returns whether there may be more."""
        deleted = await items.delete_trash(account_id, now() - ttl, TRASH_BATCH, now())
        await self._follow_up(deleted)
        return deleted.tops == TRASH_BATCH

    async def _follow_up(self, deleted: Deleted) -> None:
        self._counters.deletion.add(deleted.rows, deleted.released)
        if deleted.is_queued:
            await self._notifications.send(JobKind.DELETE_ITEMS)
