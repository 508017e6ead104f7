"""Deletes expired rows and garbage, every minute and every hour."""

from collections.abc import Sequence
from datetime import timedelta

from services.core.clock import now
from services.core.pacing import paced
from services.maintenance.collector import Collector
from services.maintenance.retention import Retention
from services.maintenance.sweeper import Sweeper
from storage.accounts import expired
from storage.drive import zips
from storage.outbox import outbox
from workers.periodic import PeriodicTask
from workers.worker_membership import WorkerMembership

HOUSEKEEPING_SECONDS = 60.0
#: How long the outbox keeps a mail that was not sent, and the reason, for the operator.
UNSENT_MAIL = timedelta(days=30)
#: Expired zip files deleted in one statement. The list of one may take half a megabyte.
ZIPS = 20
#: Checks every derived blob, so it runs only as often as one can become garbage.
DERIVED_SECONDS = 3600.0
#: Times of retention are days. It reads every version, if versions are limited.
RETENTION_SECONDS = 3600.0


class Housekeeping:
    """The first of the live workers sweeps for all of them. Any worker may purge registrations and sessions."""

    def __init__(
        self, sweeper: Sweeper, collector: Collector, retention: Retention, membership: WorkerMembership
    ) -> None:
        self._sweeper = sweeper
        self._collector = collector
        self._retention = retention
        self._membership = membership

    def tasks(self) -> Sequence[PeriodicTask]:
        """The periodic tasks of a worker."""
        return [
            PeriodicTask(HOUSEKEEPING_SECONDS, self.purge_and_sweep),
            PeriodicTask(DERIVED_SECONDS, self.sweep_derived),
            PeriodicTask(HOUSEKEEPING_SECONDS, self.collect),
            PeriodicTask(RETENTION_SECONDS, self.apply_retention),
        ]

    async def purge_and_sweep(self) -> None:
        """Delete expired rows of accounts, mails, zip files and uploads, and the remains of dead uploads."""
        await expired.purge(now())
        # The row of a mail that was sent is needed no longer than its worker needs to end the job.
        sent_before = now() - timedelta(seconds=HOUSEKEEPING_SECONDS)
        while await paced(outbox.purge(sent_before, now() - UNSENT_MAIL)) == outbox.BATCH:
            pass
        while await paced(zips.purge(now(), ZIPS)) == ZIPS:
            pass
        if self._membership.is_first:
            await self._sweeper.sweep()

    async def sweep_derived(self) -> None:
        """Delete the blobs of interrupted compressions."""
        if self._membership.is_first:
            await self._sweeper.sweep_derived()

    async def collect(self) -> None:
        """Delete the bytes of blobs that nothing has named for some time."""
        if self._membership.is_first:
            await self._collector.collect()

    async def apply_retention(self) -> None:
        """Delete what is in the trash for too long, and old versions."""
        if self._membership.is_first:
            await self._retention.apply()
