"""Which of the living workers follows an upload, and in which order each of them takes reassemblies.

A worker that has verified an upload while it arrived has little left to do when it is whole, and anybody else would
begin at its first byte. So every upload has one owner, by rendezvous hashing (Thaler and Ravishankar, 1998): all of
them come to the same answer without a word, and when one joins or goes only its share changes hands. They may disagree
until all have heard of it; the job's row, not the owner, says who works.
"""

import logging
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from uuid import UUID

from storage.jobs.models import Job

logger = logging.getLogger("cloudkeep.worker")

#: So long a job waits for its owner before anybody takes it.
HOLD_BACK = timedelta(seconds=1)
#: A job that has waited for so long comes before those that this worker owns: it must not wait for ever.
OVERDUE = timedelta(seconds=10)
#: Answers remembered, so that an event of an upload that is known costs no hashing.
REMEMBERED = 4096


class WorkerMembership:
    """The living workers, as far as this one knows; at first that is itself."""

    def __init__(self, me: str) -> None:
        self._me = me
        self._names = frozenset({me})
        self._owned: dict[UUID, bool] = {}

    def update(self, living: Collection[str]) -> None:
        """Take over who is alive."""
        names = frozenset({self._me, *living})
        if names != self._names:
            logger.info("%d workers are alive", len(names))
            self._names = names
            self._owned.clear()

    @property
    def is_first(self) -> bool:
        """Whether this worker does what one is enough for. Two may think so for some seconds, which is harmless."""
        return min(self._names) == self._me

    def owns(self, upload_id: UUID) -> bool:
        """Whether this worker is the upload's owner."""
        known = self._owned.get(upload_id)
        if known is None:
            if len(self._owned) >= REMEMBERED:
                self._owned.clear()
            known = self._owned[upload_id] = max(self._names, key=lambda name: _weight(name, upload_id)) == self._me
        return known

    def in_turn(self, due: Sequence[Job], now: datetime) -> list[Job]:
        """The jobs that this worker may claim now, in the order in which it should.

        Those of another owner only when that one has not claimed them in time.
        """
        turns = ((self._turn(job, now), job) for job in due)
        allowed = [(turn, job) for turn, job in turns if turn is not None]
        return [job for _, job in sorted(allowed, key=lambda entry: entry[0])]

    def _turn(self, job: Job, now: datetime) -> int | None:
        if job.run_after <= now - OVERDUE:
            return 0
        # What was begun before is in nobody's memory any more.
        if job.attempts or self.owns(job.subject_id):
            return 1
        return 2 if job.run_after <= now - HOLD_BACK else None


def _weight(name: str, upload_id: UUID) -> bytes:
    return blake2b(name.encode() + upload_id.bytes, digest_size=8).digest()
