"""The claim loop: claim a job of each kind, run it, claim the next one.

Each kind of job has a queue and consumers of its own, so short reassemblies never wait for long compressions. A
notification wakes the consumers of one worker at once. Without one, they query jobs every few seconds, which also finds
the jobs of dead workers.
"""

import asyncio
import contextlib
import logging
from collections.abc import Sequence

from services.core.clock import now
from services.core.log_context import bind_log_context, bound_log_context
from storage.errors import DatabaseUnavailable, NoSpace
from storage.jobs import jobs
from storage.jobs.models import Job, JobKind
from storage.jobs.worker_heartbeat import WorkerHeartbeats
from storage.redis.connection import RedisUnavailable
from workers.job_context import JobContext
from workers.job_runner import JobRunner
from workers.job_type import JobType
from workers.lease import LeasePolicy, until_stored
from workers.periodic import PeriodicTask

logger = logging.getLogger("cloudkeep.worker")

POLL_SECONDS = 2.0
ANNOUNCE_SECONDS = 3.0


class Worker:
    """Runs jobs of these types until it is cancelled; then it gives them back."""

    def __init__(
        self,
        policy: LeasePolicy,
        job_types: Sequence[JobType],
        context: JobContext,
        heartbeats: WorkerHeartbeats,
        periodic_tasks: Sequence[PeriodicTask] = (),
    ) -> None:
        self._policy = policy
        self._job_types = job_types
        self._context = context
        self._heartbeats = heartbeats
        self._runner = JobRunner(policy, context)
        self._announcing = PeriodicTask(ANNOUNCE_SECONDS, self._announce)
        self._periodic_tasks = (self._announcing, *periodic_tasks)
        self._wakes: list[asyncio.Event] = []
        #: Set once the other workers may know this one.
        self.announced = asyncio.Event()

    def wake(self) -> None:
        """Query jobs at once."""
        for wake in self._wakes:
            wake.set()

    async def run(self) -> None:
        """Work until cancelled. First queues the jobs of a dead worker of the same name again."""
        bind_log_context(worker=self._policy.worker_name)
        await until_stored(lambda: jobs.release(self._policy.worker_name, now()))
        try:
            # Before the first claim, because the jobs that this worker may claim depend on the other live workers.
            await self._announcing.run_once()
            self.announced.set()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._context.notifications.listen(self.wake))
                for task in self._periodic_tasks:
                    group.create_task(task.run())
                for job_type in self._job_types:
                    for _ in range(job_type.concurrency):
                        group.create_task(self._consume(job_type))
        finally:
            await self._leave()

    async def _leave(self) -> None:
        # A consumer that is cancelled during a claim does not know which job it claimed.
        with contextlib.suppress(NoSpace, DatabaseUnavailable):
            await jobs.release(self._policy.worker_name, now(), spent=False)
        with contextlib.suppress(*RedisUnavailable):
            await self._heartbeats.leave(self._policy.worker_name)

    async def _announce(self) -> None:
        self._context.membership.update(await self._heartbeats.announce(self._policy.worker_name))

    async def _consume(self, job_type: JobType) -> None:
        """Run jobs of this type, one after another."""
        claim_order, wake = job_type.claim_order(self._context), asyncio.Event()
        self._wakes.append(wake)
        while True:
            # Cleared before the rows are read: a later notification may be about a job that is not among them.
            wake.clear()
            job = await self._claim(job_type.kind, claim_order)
            if job:
                with bound_log_context(job_id=job.id, **{job_type.subject: job.subject_id}):
                    await self._runner.run(job, job_type)
            else:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(POLL_SECONDS):
                        await wake.wait()

    async def _claim(self, kind: JobKind, claim_order: jobs.Choice) -> Job | None:
        try:
            return await jobs.claim([kind], self._policy.worker_name, self._policy.lease, now(), claim_order)
        except NoSpace:
            # No worker can claim a job until there is space; nothing is lost meanwhile.
            return None
        except DatabaseUnavailable as error:
            logger.warning("query of jobs failed, retrying: %s", error)
            return None
        except Exception:
            logger.exception("query of jobs failed, retrying")
            return None
