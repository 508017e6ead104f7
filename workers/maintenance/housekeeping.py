"""Deletes what has expired or was left over, every minute and every hour."""

from collections.abc import Sequence

from services.core.clock import now
from services.maintenance.sweeper import Sweeper
from storage.accounts import accounts
from workers.periodic import PeriodicTask
from workers.worker_membership import WorkerMembership

HOUSEKEEPING_SECONDS = 60.0
#: Every derived blob is looked at, so not more often than it takes for one to count as left over.
DERIVED_SECONDS = 3600.0


class Housekeeping:
    """The first of the living workers sweeps for all of them. Registrations and sessions any worker may purge."""

    def __init__(self, sweeper: Sweeper, membership: WorkerMembership) -> None:
        self._sweeper = sweeper
        self._membership = membership

    def tasks(self) -> Sequence[PeriodicTask]:
        """What a worker has to run."""
        return [
            PeriodicTask(HOUSEKEEPING_SECONDS, self.purge_and_sweep),
            PeriodicTask(DERIVED_SECONDS, self.sweep_derived),
        ]

    async def purge_and_sweep(self) -> None:
        """Delete expired registrations and sessions, expired uploads, and what dead uploads have left."""
        await accounts.purge_expired(now())
        if self._membership.is_first:
            await self._sweeper.sweep()

    async def sweep_derived(self) -> None:
        """Delete what interrupted compressions left among the blobs."""
        if self._membership.is_first:
            await self._sweeper.sweep_derived()
