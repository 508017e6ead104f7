"""Job rows: claim by compare-and-set, lease, heartbeat.

A claim writes a new lease token. Every later write names it, so a worker that lost its lease can change nothing, and a
job's result is stored exactly once, even if the work was started several times.
"""

import random
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from tortoise.expressions import F, Q
from tortoise.functions import Count, Min

from storage.jobs.models import Job, JobKind, JobState
from storage.redaction import without_credentials
from storage.tracing import traceparent

CANDIDATES = 50
LONGEST_REASON = 500
#: Columns that are reset when a job is queued again.
RESET_FIELDS = [
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

#: Takes the due jobs, oldest first, and the time; returns those to claim, in order.
Choice = Callable[[Sequence[Job], datetime], Sequence[Job]]


def oldest_first(due: Sequence[Job], _: datetime) -> Sequence[Job]:
    """Claim the job that has waited longest first."""
    return due


async def enqueue(kind: JobKind, subject_id: UUID, now: datetime) -> None:
    """Queue a job on a subject. The row of an earlier, finished job is reset. Call it inside a transaction."""
    await enqueue_all(kind, [subject_id], now)


async def enqueue_all(kind: JobKind, subject_ids: Collection[UUID], now: datetime) -> None:
    """Queue a job on each of these subjects, like :func:`enqueue`."""
    trace = traceparent()
    rows = [Job(kind=kind, subject_id=subject_id, run_after=now, trace=trace) for subject_id in subject_ids]
    if rows:
        await Job.bulk_create(rows, on_conflict=["kind", "subject_id"], update_fields=RESET_FIELDS)


async def claim(
    kinds: Collection[JobKind], owner: str, lease: timedelta, now: datetime, choose: Choice = oldest_first
) -> Job | None:
    """Claim a job that is due or whose lease has expired; None if there is none, or ``choose`` returns none."""
    # Repeat while other workers were faster with every candidate: in each round, some worker claims a job.
    while candidates := choose(await _due(kinds, now), now):
        # The first job first. The others in random order: workers that are too slow for it would otherwise compete
        # again.
        for job in [candidates[0], *random.sample(candidates[1:], len(candidates) - 1)]:
            if await _take(job, owner, now + lease):
                return job
    return None


async def _due(kinds: Collection[JobKind], now: datetime) -> list[Job]:
    due = Q(state=JobState.QUEUED, run_after__lte=now) | Q(state=JobState.RUNNING, lease_until__lt=now)
    return await Job.filter(due, kind__in=list(kinds)).order_by("run_after", "id").limit(CANDIDATES)


async def _take(job: Job, owner: str, until: datetime) -> bool:
    unchanged = Job.filter(id=job.id, state=job.state, attempts=job.attempts)
    # NULL equals nothing in SQL, hence the two forms of "the lease has not changed".
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
    # Not read again from the database, where the row may have another worker's lease by now.
    job.update_from_dict(lease)
    return True


async def renew(job: Job, until: datetime) -> bool:
    """Extend the lease; False when it was lost, and the work must stop."""
    return bool(await _leased(job).update(lease_until=until))


async def save_progress(job: Job, progress: dict[str, Any]) -> None:
    """Store the latest progress, for watchers that come later."""
    await _leased(job).update(progress=progress)


async def finish(job: Job) -> bool:
    """Mark the job DONE; False when the lease was lost. Call it first in the transaction that stores the result."""
    return bool(await _leased(job).update(state=JobState.DONE, lease_token=None, lease_until=None))


async def fail(job: Job, code: str, message: str) -> bool:
    """Mark the job FAILED; False when the lease was lost."""
    return bool(
        await _leased(job).update(
            state=JobState.FAILED, error_code=code, error_message=shortened(message), lease_token=None, lease_until=None
        )
    )


async def postpone(job: Job, run_after: datetime, message: str) -> bool:
    """Give the job back for another attempt; False when the lease was lost."""
    return bool(
        await _leased(job).update(
            state=JobState.QUEUED,
            run_after=run_after,
            error_message=shortened(message),
            lease_token=None,
            lease_until=None,
        )
    )


async def give_back(job: Job, run_after: datetime, waits_for: str | None = None) -> None:
    """Give the job back because the worker stops, or lacks what ``waits_for`` names: this attempt does not count."""
    await _leased(job).update(
        state=JobState.QUEUED,
        attempts=F("attempts") - 1,
        run_after=run_after,
        error_code=waits_for,
        lease_token=None,
        lease_until=None,
    )


async def waiting_of(subject_ids: Collection[UUID]) -> dict[UUID, str]:
    """The resource that the job on each subject waits for, if any."""
    waiting = Job.filter(subject_id__in=list(subject_ids), state=JobState.QUEUED, error_code__not_isnull=True)
    return {row["subject_id"]: row["error_code"] for row in await waiting.values("subject_id", "error_code")}


async def release(owner: str, now: datetime, *, spent: bool = True) -> int:
    """Give back the jobs of a dead or stopped worker, by its name. Returns their number.

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


async def find_many(kind: JobKind, subject_ids: Collection[UUID]) -> dict[UUID, Job]:
    """The jobs of this kind, by their subjects."""
    return {job.subject_id: job for job in await Job.filter(kind=kind, subject_id__in=list(subject_ids))}


async def count_open() -> list[tuple[JobKind, JobState, int, datetime]]:
    """The number of waiting and running jobs of each kind, and when the first of them was due. One indexed query.

    Jobs of kinds that only a newer version knows are left out: during an upgrade, it may have queued some.
    """
    known = Job.filter(state__in=[JobState.QUEUED, JobState.RUNNING], kind__in=list(JobKind))
    groups = known.group_by("kind", "state")
    rows = await groups.annotate(number=Count("id"), first=Min("run_after")).values("kind", "state", "number", "first")
    as_datetime = Job._meta.fields_map["run_after"].to_python_value
    return [(JobKind(row["kind"]), JobState(row["state"]), row["number"], as_datetime(row["first"])) for row in rows]


def shortened(message: str) -> str:
    """The part of a reason that fits its column, without secrets, because the owner of an upload sees it.

    A reason that cannot be stored must not prevent the end of a job.

    PostgreSQL accepts neither NUL nor lone surrogates, and neither driver accepts the latter.
    """
    return without_credentials(message).replace("\0", "").encode(errors="replace").decode()[:LONGEST_REASON]


def _leased(job: Job) -> Any:
    """The job's row, unless its lease was lost."""
    return Job.filter(id=job.id, state=JobState.RUNNING, lease_token=job.lease_token)
