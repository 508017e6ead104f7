"""Decides which of the live workers follows an upload, and in which order each of them claims reassemblies.

A worker that has verified an upload while it arrived has little work when it is complete; any other worker would start
at its first byte. So every upload has one owner, by rendezvous hashing (Thaler and Ravishankar, 1998): all workers
compute the same owner without communication, and when a worker joins or leaves, only its share moves. Workers may
disagree for some seconds; the job's row, not the owner, decides which worker runs a job.
"""

import logging
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from uuid import UUID

from storage.jobs.models import Job

logger = logging.getLogger("cloudkeep.worker")

#: Seconds that a job is reserved for its owner before any worker may claim it.
HOLD_BACK = timedelta(seconds=1)
#: A job that has waited this long comes before those that this worker owns, so that it does not wait without end.
OVERDUE = timedelta(seconds=10)
#: Cached owners, so that an event of a known upload needs no hashing.
CACHE_SIZE = 4096


class WorkerMembership:
    """The live workers that this one knows; at first only itself."""

    def __init__(self, own_name: str) -> None:
        self._own_name = own_name
        self._names = frozenset({own_name})
        self._is_owner: dict[UUID, bool] = {}

    def update(self, living: Collection[str]) -> None:
        """Replace the names of the live workers."""
        names = frozenset({self._own_name, *living})
        if names != self._names:
            logger.info("%d workers are alive", len(names))
            self._names = names
            self._is_owner.clear()

    @property
    def is_first(self) -> bool:
        """Whether this worker does the work that needs only one. Two may do it for some seconds, which is harmless."""
        return min(self._names) == self._own_name

    def owns(self, upload_id: UUID) -> bool:
        """Whether this worker is the upload's owner."""
        is_owner = self._is_owner.get(upload_id)
        if is_owner is None:
            if len(self._is_owner) >= CACHE_SIZE:
                self._is_owner.clear()
            owner = max(self._names, key=lambda name: _weight(name, upload_id))
            is_owner = self._is_owner[upload_id] = owner == self._own_name
        return is_owner

    def claim_order(self, due: Sequence[Job], now: datetime) -> list[Job]:
        """The jobs that this worker may claim now, in order.

        These include jobs of other owners that have not claimed them in time.
        """
        priorities = ((self._priority(job, now), job) for job in due)
        claimable = [(priority, job) for priority, job in priorities if priority is not None]
        return [job for _, job in sorted(claimable, key=lambda entry: entry[0])]

    def _priority(self, job: Job, now: datetime) -> int | None:
        if job.run_after <= now - OVERDUE:
            return 0
        # No worker has the verification of an earlier attempt.
        if job.attempts or self.owns(job.subject_id):
            return 1
        return 2 if job.run_after <= now - HOLD_BACK else None


def _weight(name: str, upload_id: UUID) -> bytes:
    return blake2b(name.encode() + upload_id.bytes, digest_size=8).digest()
