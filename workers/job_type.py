"""The definition of a kind of job. Each is beside its handler, and :mod:`workers.registry` lists all."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from services.core.errors import ErrorCode
from storage.jobs import jobs
from storage.jobs.models import Job, JobKind
from workers.job_context import JobContext
from workers.lease import until_stored


@dataclass(frozen=True)
class Failure:
    """The reason why a job failed permanently. The owner of its subject may read the message."""

    code: ErrorCode
    message: str


class Postponed(Exception):
    """The attempt failed for a reason that passes. The job runs again after the pause. ``str(error)`` is the reason."""

    def __init__(self, pause: timedelta, reason: str) -> None:
        super().__init__(reason)
        self.pause = pause


Handler = Callable[[Job, JobContext], Awaitable[None]]
FailureHandler = Callable[[Job, Failure, JobContext], Awaitable[None]]


def oldest_first(_: JobContext) -> jobs.Choice:
    """The claim order of most kinds: any worker takes the job that has waited longest."""
    return jobs.oldest_first


async def keep_reason(job: Job, failure: Failure, _: JobContext) -> None:
    """Keep the reason of a failure in the job alone."""
    await until_stored(lambda: jobs.fail(job, failure.code, failure.message))


async def tell_nobody(_job: Job, _context: JobContext) -> None:
    """Do nothing: nobody watches the subject."""


@dataclass(frozen=True)
class JobType:
    """How jobs of one kind run, and what happens to their subject on failure.

    A *handler* ends its job by :func:`storage.jobs.jobs.finish` in the transaction that stores the result; without a
    result, it only returns. It may run again after a crash at any point. Its exception decides what follows: after an
    :class:`services.core.errors.ExpectedError` the job fails for good, after an error for a missing resource
    (:mod:`workers.job_runner`) it waits, after :class:`Postponed` it runs again when the pause is over, and after any
    other error it is retried.

    *on_failure* ends a job that has failed for good by :func:`storage.jobs.jobs.fail` in the transaction that changes
    its subject, repeated by :func:`workers.lease.until_stored`. *on_wait* is called after a job was given back because
    of a missing resource.
    """

    kind: JobKind
    handler: Handler
    #: The key of the subject's ID in log records.
    subject: str
    on_failure: FailureHandler = keep_reason
    on_wait: Handler = tell_nobody
    #: The code of a job that has used up its attempts.
    failure_code: ErrorCode = ErrorCode.INTERNAL
    #: The jobs of this kind that one worker runs at the same time. Each kind has a queue of its own.
    concurrency: int = 1
    #: The maximum number of attempts; None is the value of the settings.
    max_attempts: int | None = None
    #: Selects and orders the due jobs that this worker may claim.
    claim_order: Callable[[JobContext], jobs.Choice] = oldest_first
