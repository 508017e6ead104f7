"""Job rows: claim by compare-and-set, lease, heartbeat.

A claim writes a fresh lease token. Every later write names it, so a worker that lost its lease can change nothing, and
a job's result is stored exactly once, however often the work was started.
"""

import random
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from tortoise.expressions import F, Q
from tortoise.functions import Count, Min

from storage.jobs.models import Job, JobKind, JobState
from storage.tracing import traceparent

CANDIDATES = 50
LONGEST_REASON = 500
#: What a job that is queued once more forgets.
AFRESH = [
    "state",
    "attempts",
    "run_after",
    "lease_owner",
    "lease_token",
    "lease_until",
    "progress",
    "error_code",
    "error_message",
    "trace",
]


#: Of jobs that are due, oldest first, and now: those to claim, in this order.
Choice = Callable[[Sequence[Job], datetime], Sequence[Job]]


def oldest_first(due: Sequence[Job], _: datetime) -> Sequence[Job]:
    """Whoever waits for longest."""
    return due


async def enqueue(kind: JobKind, subject_id: UUID, now: datetime) -> None:
    """Queue work on a subject; a row that ended before starts afresh. Call it inside a transaction."""
    row = Job(kind=kind, subject_id=subject_id, run_after=now, trace=traceparent())
    await Job.bulk_create([row], on_conflict=["kind", "subject_id"], update_fields=AFRESH)


async def claim(
    kinds: Collection[JobKind], owner: str, lease: timedelta, now: datetime, choose: Choice = oldest_first
) -> Job | None:
    """Take a job that is due or whose lease ran out; None when there is none, or none of them is chosen."""
    # Looked at again as long as others were faster with every one of them: each round some job found its worker.
    while candidates := choose(await _due(kinds, now), now):
        # The oldest first; whoever was not fast enough for it would run into the same others at the next one.
        for job in [candidates[0], *random.sample(candidates[1:], len(candidates) - 1)]:
            if await _take(job, owner, now + lease):
                return job
    return None


async def _due(kinds: Collection[JobKind], now: datetime) -> list[Job]:
    due = Q(state=JobState.QUEUED, run_after__lte=now) | Q(state=JobState.RUNNING, lease_until__lt=now)
    return await Job.filter(due, kind__in=list(kinds)).order_by("run_after", "id").limit(CANDIDATES)


async def _take(job: Job, owner: str, until: datetime) -> bool:
    unchanged = Job.filter(id=job.id, state=job.state, attempts=job.attempts)
    # NULL equals nothing in SQL, hence the two forms of "the lease is still the one that was read".
    unchanged = unchanged.filter(lease_until=job.lease_until) if job.lease_until else unchanged
    lease: dict[str, Any] = {
        "state": JobState.RUNNING,
        "attempts": job.attempts + 1,
        "lease_owner": owner,
        "lease_token": uuid4(),
        "lease_until": until,
        "error_code": None,
    }
    if not await unchanged.update(**lease):
        return False
    # Not read again: by now the row may hold the lease of somebody else.
    job.update_from_dict(lease)
    return True


async def renew(job: Job, until: datetime) -> bool:
    """Extend the lease; False when it was lost, and the work must stop."""
    return bool(await _held(job).update(lease_until=until))


async def save_progress(job: Job, progress: dict[str, Any]) -> None:
    """Keep the latest progress for whoever asks next."""
    await _held(job).update(progress=progress)


async def finish(job: Job) -> bool:
    """Mark the job DONE; False when the lease was lost. Call it first in the transaction that stores the result."""
    return bool(await _held(job).update(state=JobState.DONE, lease_token=None, lease_until=None))


async def fail(job: Job, code: str, message: str) -> bool:
    """Mark the job FAILED; False when the lease was lost."""
    return bool(
        await _held(job).update(
            state=JobState.FAILED, error_code=code, error_message=shortened(message), lease_token=None, lease_until=None
        )
    )


async def postpone(job: Job, run_after: datetime, message: str) -> bool:
    """Give the job back for another attempt; False when the lease was lost."""
    return bool(
        await _held(job).update(
            state=JobState.QUEUED,
            run_after=run_after,
            error_message=shortened(message),
            lease_token=None,
            lease_until=None,
        )
    )


async def give_back(job: Job, run_after: datetime, waits_for: str | None = None) -> None:
    """Give the job back because the worker stops, or lacks what ``waits_for`` names: this attempt does not count."""
    await _held(job).update(
        state=JobState.QUEUED,
        attempts=F("attempts") - 1,
        run_after=run_after,
        error_code=waits_for,
        lease_token=None,
        lease_until=None,
    )


async def waiting_of(subject_ids: Collection[UUID]) -> dict[UUID, str]:
    """What the work on each subject waits for, where it waits for something."""
    waiting = Job.filter(subject_id__in=list(subject_ids), state=JobState.QUEUED, error_code__not_isnull=True)
    return {row["subject_id"]: row["error_code"] for row in await waiting.values("subject_id", "error_code")}


async def release(owner: str, now: datetime, *, spent: bool = True) -> int:
    """Give back what a worker of this name held that is dead or has stopped. Returns how many jobs that were.

    Unless they are ``spent``, these attempts do not count.
    """
    return await Job.filter(state=JobState.RUNNING, lease_owner=owner).update(
        state=JobState.QUEUED,
        attempts=F("attempts") - (0 if spent else 1),
        run_after=now,
        lease_token=None,
        lease_until=None,
    )


async def find(kind: JobKind, subject_id: UUID) -> Job | None:
    """The job of this kind on a subject."""
    return await Job.get_or_none(kind=kind, subject_id=subject_id)


async def open_ones() -> list[tuple[JobKind, JobState, int, datetime]]:
    """How many jobs of each kind wait or run, and since when the first of them was to be run. One indexed question."""
    found = Job.filter(state__in=[JobState.QUEUED, JobState.RUNNING]).group_by("kind", "state")
    rows = await found.annotate(number=Count("id"), first=Min("run_after")).values("kind", "state", "number", "first")
    moment = Job._meta.fields_map["run_after"].to_python_value
    return [(JobKind(row["kind"]), JobState(row["state"]), row["number"], moment(row["first"])) for row in rows]


def shortened(message: str) -> str:
    """As much of a reason as its column holds: one that cannot be stored must not keep a job from ending.

    PostgreSQL takes neither NUL nor half surrogate pairs, and neither engine's driver the latter.
    """
    return message.replace("\0", "").encode(errors="replace").decode()[:LONGEST_REASON]


def _held(job: Job) -> Any:
    return Job.filter(id=job.id, state=JobState.RUNNING, lease_token=job.lease_token)
