"""Deletes old changes from the logs of all drives, every hour."""

from collections.abc import Sequence
from datetime import timedelta

from services.core.clock import now
from services.core.counters import Counters
from services.core.pacing import paced
from storage.events import events
from workers.periodic import PeriodicTask
from workers.worker_membership import WorkerMembership

PURGE_SECONDS = 3600.0


class OldChanges:
    """The first of the live workers purges for all of them. A client that needs these changes lists the drive again."""

    def __init__(self, lifetime: timedelta, membership: WorkerMembership, counters: Counters) -> None:
        self._lifetime = lifetime
        self._membership = membership
        self._counters = counters

    def tasks(self) -> Sequence[PeriodicTask]:
        """The periodic tasks of a worker."""
        return [PeriodicTask(PURGE_SECONDS, self.purge_changes)]

    async def purge_changes(self) -> None:
        """Delete changes that are older than their lifetime, in batches."""
        if not self._membership.is_first:
            return
        before = now() - self._lifetime
        while purged := await paced(events.purge(before)):
            self._counters.changes_purged += purged
