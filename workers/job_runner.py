"""Runs one claimed job, and stores the outcome of the attempt."""

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
from workers.job_type import Failure, JobType, Postponed
from workers.lease import LeasePolicy, run_under_lease, until_stored

logger = logging.getLogger("cloudkeep.worker")

BACKOFF_SECONDS = 2.0
#: From this attempt on the pause does not grow: about a minute, whatever the number of allowed attempts.
LONGEST_BACKOFF = 6
#: Seconds after which a job that waits for a full disk, or for the blob store, runs again.
WAIT_SECONDS = 30.0
#: Seconds that this consumer of the queue pauses then, so that many such jobs do not cause a busy loop.
PAUSE_SECONDS = 1.0

#: The outcomes of runs in the metrics; an internal error is an ``error``.
OUTCOMES: Mapping[type[BaseException], str] = {
    asyncio.CancelledError: "given_back",
    StateChanged: "lease_lost",
    NoSpace: "no_room",
    Postponed: "postponed",
    ExpectedError: "failed",
}

#: Errors for missing resources, without which no job can continue. Such an attempt does not count.
MISSING_RESOURCES: Mapping[type[Exception], ErrorCode] = {
    NoSpace: ErrorCode.STORAGE_FULL,
    StoreUnavailable: ErrorCode.STORAGE_UNAVAILABLE,
    DatabaseUnavailable: ErrorCode.TEMPORARILY_UNAVAILABLE,
}


class JobRunner:
    """Runs jobs of every type. Afterwards each is done, failed, waiting or queued again, unless its lease was lost."""

    def __init__(self, policy: LeasePolicy, context: JobContext) -> None:
        self._policy = policy
        self._context = context

    async def run(self, job: Job, job_type: JobType) -> None:
        """Run the job and store the outcome. A cancellation gives the job back."""
        try:
            await self._attempt(job, job_type)
        except StateChanged:
            logger.warning("job %s: the lease was lost, another worker continues", job.kind)
        except Exception:
            logger.exception("job %s: outcome not stored; the lease will expire", job.kind)

    async def _attempt(self, job: Job, job_type: JobType) -> None:
        if job.attempts > self._max_attempts(job_type):
            # The last attempt ended its worker before the failure could be stored.
            await self._fail(job, job_type, _gave_up(job_type, self._max_attempts(job_type)))
            return
        logger.debug("%s begins, attempt %d", job.kind, job.attempts)
        try:
            with _counted(job, self._context.counters), _traced(job):
                await run_under_lease(job, job_type.handler(job, self._context), self._policy.lease)
            # A handler without a result to store returns without finishing its row.
            await jobs.finish(job)
        except asyncio.CancelledError:
            with contextlib.suppress(NoSpace, DatabaseUnavailable):
                await jobs.give_back(job, now())
            raise
        except StateChanged:
            raise
        except tuple(MISSING_RESOURCES) as error:
            code = next(code for kind, code in MISSING_RESOURCES.items() if isinstance(error, kind))
            logger.warning("job %s waits, %s: %s", job.kind, code.value, error)
            await self._wait(job, job_type, code)
        except Postponed as error:
            await self._postpone(job, error)
        except ExpectedError as error:
            await self._fail(job, job_type, Failure(error.code, str(error)))
        except Exception:
            logger.exception("job %s: attempt %d failed", job.kind, job.attempts)
            await self._try_again(job, job_type)

    async def _wait(self, job: Job, job_type: JobType, code: ErrorCode) -> None:
        """Give the job back without counting the attempt, which may itself need the missing resource.

        A database that has accepted this is available again, so such a job only waits for the consumer's pause.
        """
        seconds = PAUSE_SECONDS if code is ErrorCode.TEMPORARILY_UNAVAILABLE else WAIT_SECONDS
        await until_stored(lambda: jobs.give_back(job, now() + timedelta(seconds=seconds), code))
        await job_type.on_wait(job, self._context)
        await asyncio.sleep(PAUSE_SECONDS)

    async def _postpone(self, job: Job, error: Postponed) -> None:
        logger.warning("job %s: attempt %d failed: %s", job.kind, job.attempts, error)
        await until_stored(lambda: jobs.postpone(job, now() + error.pause, str(error)))

    async def _try_again(self, job: Job, job_type: JobType) -> None:
        if job.attempts >= self._max_attempts(job_type):
            await self._fail(job, job_type, _gave_up(job_type, job.attempts))
            return
        delay = timedelta(seconds=BACKOFF_SECONDS ** min(job.attempts, LONGEST_BACKOFF))
        await until_stored(lambda: jobs.postpone(job, now() + delay, f"attempt {job.attempts} failed"))

    async def _fail(self, job: Job, job_type: JobType, failure: Failure) -> None:
        logger.warning("job %s failed: %s %s", job.kind, failure.code, failure.message)
        await job_type.on_failure(job, failure, self._context)

    def _max_attempts(self, job_type: JobType) -> int:
        return self._policy.max_attempts if job_type.max_attempts is None else job_type.max_attempts


def _gave_up(job_type: JobType, attempts: int) -> Failure:
    return Failure(job_type.failure_code, f"Gave up after {attempts} attempts.")


def _traced(job: Job) -> contextlib.AbstractContextManager[None]:
    attributes = {"job.kind": job.kind.value, "job.attempt": job.attempts}
    return span(f"job {job.kind.value}", attributes, kind="consumer", parent=job.trace)


@contextlib.contextmanager
def _counted(job: Job, counters: Counters) -> Iterator[None]:
    """Count a run of a job, and its outcome."""
    start, outcome = time.perf_counter(), "done"
    try:
        yield
    except BaseException as error:
        outcome = next((word for kind, word in OUTCOMES.items() if isinstance(error, kind)), "error")
        raise
    finally:
        counters.jobs[job.kind.value, outcome] += 1
        counters.job_seconds[job.kind.value].add(time.perf_counter() - start)
