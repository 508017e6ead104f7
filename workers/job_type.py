"""What defines a kind of job. The definition stands beside the handler, and :mod:`workers.registry` lists all."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from services.core.errors import ErrorCode
from storage.jobs import jobs
from storage.jobs.models import Job, JobKind
from workers.job_context import JobContext


@dataclass(frozen=True)
class Failure:
    """Why a job failed for good. The owner of its subject may read the message."""

    code: ErrorCode
    message: str


Handler = Callable[[Job, JobContext], Awaitable[None]]
FailureHandler = Callable[[Job, Failure, JobContext], Awaitable[None]]


def oldest_first(_: JobContext) -> jobs.Choice:
    """The claim order of most kinds: any worker takes the job that has waited for longest."""
    return jobs.oldest_first


@dataclass(frozen=True)
class JobType:
    """How jobs of one kind are run, and what becomes of their subject.

    A *handler* ends its job by :func:`storage.jobs.jobs.finish` in the transaction that stores the result; where there
    is nothing to store, it only returns. It may run again after a crash at any point. What it raises decides what
    follows: an :class:`services.core.errors.ExpectedError` fails the job for good, a missing resource
    (:mod:`workers.job_runner`) has it wait, anything else is tried again.

    *on_failure* ends a job that has failed for good by :func:`storage.jobs.jobs.fail` in the transaction that changes
    its subject, repeated by :func:`workers.lease.until_stored`. *on_wait* is called after a job was given back because
    a resource is missing.
    """

    kind: JobKind
    handler: Handler
    on_failure: FailureHandler
    on_wait: Handler
    #: What log records call the ID of the job's subject.
    subject: str
    #: How many jobs of this kind one worker runs at once. Each kind has a queue of its own.
    concurrency: int = 1
    #: How often a job is tried; None is what the settings say.
    max_attempts: int | None = None
    #: Which of the jobs that are due this worker claims, and in which order.
    claim_order: Callable[[JobContext], jobs.Choice] = oldest_first
