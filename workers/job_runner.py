"""Running one job that was claimed, and storing how the attempt ended."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta

from services.core.clock import now
from services.core.counters import Counters
from services.core.errors import ErrorCode, ExpectedError
from storage.errors import DatabaseUnavailable, NoSpace, StateChanged, StoreUnavailable
from storage.jobs import jobs
from storage.jobs.models import Job
from storage.tracing import span
from workers.job_context import JobContext
from workers.job_type import Failure, JobType
from workers.lease import LeasePolicy, run_under_lease, until_stored

logger = logging.getLogger("cloudkeep.worker")

BACKOFF_SECONDS = 2.0
#: From this attempt on the pause does not grow any more: about a minute, however many attempts are allowed.
LONGEST_BACKOFF = 6
#: A job that waits for a full disk, or for the blob store, is looked at again after this long.
WAIT_SECONDS = 30.0
#: How long this consumer of the queue pauses then, so that many such jobs do not run in circles.
PAUSE_SECONDS = 1.0

#: How the end of a run is counted; a fault of ours is an ``error``.
OUTCOMES: Mapping[type[BaseException], str] = {
    asyncio.CancelledError: "given_back",
    StateChanged: "lease_lost",
    NoSpace: "no_room",
    ExpectedError: "failed",
}

#: Resources without which no job can go on. An attempt that missed one does not count.
MISSING_RESOURCES: Mapping[type[Exception], ErrorCode] = {
    NoSpace: ErrorCode.STORAGE_FULL,
    StoreUnavailable: ErrorCode.STORAGE_UNAVAILABLE,
    DatabaseUnavailable: ErrorCode.TEMPORARILY_UNAVAILABLE,
}


class JobRunner:
    """Runs jobs of every type: each is done, failed, waiting or queued again, unless its lease was lost."""

    def __init__(self, policy: LeasePolicy, context: JobContext) -> None:
        self._policy = policy
        self._context = context

    async def run(self, job: Job, job_type: JobType) -> None:
        """Run the job and store how that ended. A cancellation gives it back."""
        try:
            await self._attempt(job, job_type)
        except StateChanged:
            logger.warning("%s %s: the lease was lost, another worker goes on", job.kind, job.subject_id)
        except Exception:
            logger.exception("%s %s: its end could not be stored; the lease will run out", job.kind, job.subject_id)

    async def _attempt(self, job: Job, job_type: JobType) -> None:
        if job.attempts > self._max_attempts(job_type):
            # The last attempt ended its worker before it could be counted as failed.
            await self._fail(job, job_type, _gave_up(self._max_attempts(job_type)))
            return
        logger.debug("%s begins, attempt %d", job.kind, job.attempts)
        try:
            with _counted(job, self._context.counters), _traced(job):
                await run_under_lease(job, job_type.handler(job, self._context), self._policy.lease)
            # A handler that has nothing to store returns without ending its row.
            await jobs.finish(job)
        except asyncio.CancelledError:
            with contextlib.suppress(NoSpace, DatabaseUnavailable):
                await jobs.give_back(job, now())
            raise
        except StateChanged:
            raise
        except tuple(MISSING_RESOURCES) as error:
            code = next(code for kind, code in MISSING_RESOURCES.items() if isinstance(error, kind))
            logger.warning("%s %s waits, %s: %s", job.kind, job.subject_id, code.value, error)
            await self._wait(job, job_type, code)
        except ExpectedError as error:
            await self._fail(job, job_type, Failure(error.code, str(error)))
        except Exception:
            logger.exception("%s %s: attempt %d failed", job.kind, job.subject_id, job.attempts)
            await self._try_again(job, job_type)

    async def _wait(self, job: Job, job_type: JobType, code: ErrorCode) -> None:
        """Give the job back without counting the attempt, which may itself need the missing resource.

        A database that has taken the job back is there again, so that such a job waits only for the consumer's pause.
        """
        seconds = PAUSE_SECONDS if code is ErrorCode.TEMPORARILY_UNAVAILABLE else WAIT_SECONDS
        await until_stored(lambda: jobs.give_back(job, now() + timedelta(seconds=seconds), code))
        await job_type.on_wait(job, self._context)
        await asyncio.sleep(PAUSE_SECONDS)

    async def _try_again(self, job: Job, job_type: JobType) -> None:
        if job.attempts >= self._max_attempts(job_type):
            await self._fail(job, job_type, _gave_up(job.attempts))
            return
        delay = timedelta(seconds=BACKOFF_SECONDS ** min(job.attempts, LONGEST_BACKOFF))
        await until_stored(lambda: jobs.postpone(job, now() + delay, f"attempt {job.attempts} failed"))

    async def _fail(self, job: Job, job_type: JobType, failure: Failure) -> None:
        logger.warning("%s %s failed: %s %s", job.kind, job.subject_id, failure.code, failure.message)
        await job_type.on_failure(job, failure, self._context)

    def _max_attempts(self, job_type: JobType) -> int:
        return self._policy.max_attempts if job_type.max_attempts is None else job_type.max_attempts


def _gave_up(attempts: int) -> Failure:
    return Failure(ErrorCode.INTERNAL, f"Gave up after {attempts} attempts.")


def _traced(job: Job) -> contextlib.AbstractContextManager[None]:
    attributes = {"job.kind": job.kind.value, "job.attempt": job.attempts}
    return span(f"job {job.kind.value}", attributes, kind="consumer", parent=job.trace)


@contextlib.contextmanager
def _counted(job: Job, counters: Counters) -> Iterator[None]:
    """Count a run of a job, and how it ends."""
    start, outcome = time.perf_counter(), "done"
    try:
        yield
    except BaseException as error:
        outcome = next((word for kind, word in OUTCOMES.items() if isinstance(error, kind)), "error")
        raise
    finally:
        counters.jobs[job.kind.value, outcome] += 1
        counters.job_seconds[job.kind.value].add(time.perf_counter() - start)
