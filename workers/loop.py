"""The claim loop: take a job row, hold its lease, run it, store how it ended.

Each kind of job has lanes of its own, so that quick reassemblies never wait behind long compressions. A hint wakes the
lanes of some worker at once; without one they look for themselves, and so find jobs whose worker died.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from services.core.clock import now
from services.core.context import about, note
from services.core.counters import Counters
from services.core.errors import ErrorCode, ExpectedError
from services.maintenance.sweeper import Sweeper
from services.uploads.progress import Progress
from services.uploads.uploads import Uploads
from storage.accounts import accounts
from storage.blobs import BlobStore
from storage.errors import DatabaseUnavailable, NoSpace, StateChanged, StoreUnavailable
from storage.jobs import jobs
from storage.jobs.job_notifications import JobNotifications
from storage.jobs.models import Job, JobKind, JobState
from storage.jobs.worker_heartbeat import WorkerHeartbeats
from storage.redis.connection import RedisUnavailable
from storage.tracing import span
from storage.uploads import uploads as rows
from storage.uploads.models import UploadStatus
from workers.worker_membership import WorkerMembership

logger = logging.getLogger("cloudkeep.worker")

POLL_SECONDS = 2.0
ANNOUNCE_SECONDS = 3.0
HOUSEKEEPING_SECONDS = 60.0
#: Every derived blob is looked at, so not more often than it takes for one to count as left over.
DERIVED_SECONDS = 3600.0
#: The lease is renewed this many times before it would run out.
RENEWALS = 4
#: For a handler whose job is done to tell watchers and other workers of it.
TELLING_SECONDS = 30.0
BACKOFF_SECONDS = 2.0
#: From this attempt on the pause does not grow any more: about a minute, however many attempts are allowed.
LONGEST_BACKOFF = 6
#: A job that met a full disk, or no blob store, is looked at again after so long; its lane waits as long as ROOM_PAUSE
#: before the next.
ROOM_SECONDS = 30.0
ROOM_PAUSE_SECONDS = 1.0

#: What the end of a run is counted as; a fault of ours is an ``error``.
OUTCOMES: Mapping[type[BaseException], str] = {
    asyncio.CancelledError: "given_back",
    StateChanged: "lease_lost",
    NoSpace: "no_room",
    ExpectedError: "failed",
}

#: What nobody's work can do without, and is no fault of it: an attempt that lacked it does not count.
WAITS_FOR: dict[type[Exception], ErrorCode] = {
    NoSpace: ErrorCode.STORAGE_FULL,
    StoreUnavailable: ErrorCode.STORAGE_UNAVAILABLE,
    DatabaseUnavailable: ErrorCode.TEMPORARILY_UNAVAILABLE,
}

T = TypeVar("T")
Handler = Callable[[Job], Awaitable[None]]


@dataclass(frozen=True)
class Lane:
    """How one kind of job is run, and how many of them at once."""

    handler: Handler
    width: int
    #: What becomes of the upload when the job fails for good.
    on_failure: UploadStatus
    #: Which of the jobs that are due this worker claims.
    choose: jobs.Choice = jobs.oldest_first


@dataclass(frozen=True)
class LeasePolicy:
    """Under which name jobs are claimed, for how long, and how often they are tried."""

    worker_name: str
    lease: timedelta
    max_attempts: int


class Worker:
    """Runs jobs until it is cancelled; then it gives them back."""

    def __init__(
        self,
        terms: LeasePolicy,
        lanes: Mapping[JobKind, Lane],
        store: BlobStore,
        progress: Progress,
        uploads: Uploads,
        hints: JobNotifications,
        presence: WorkerHeartbeats,
        roster: WorkerMembership,
        counts: Counters | None = None,
    ) -> None:
        self._counts = counts or Counters()
        self._terms = terms
        self._lanes = lanes
        self._store = store
        self._progress = progress
        self._sweeper = Sweeper(store, uploads)
        self._hints = hints
        self._presence = presence
        self._roster = roster
        self._wakes: list[asyncio.Event] = []
        #: What cannot be done at the moment, by what it is called.
        self._failures: dict[str, str] = {}
        #: Set once the others may know of this worker.
        self.begun = asyncio.Event()

    def wake(self) -> None:
        """Look for jobs at once: there may be one."""
        for wake in self._wakes:
            wake.set()

    async def run(self) -> None:
        """Work for ever. What a dead worker of the same name held is taken up first."""
        note(worker=self._terms.worker_name)
        await stored(lambda: jobs.release(self._terms.worker_name, now()))
        try:
            # Before the first claim: who else is there decides what is whose.
            await self._try(self._announce)
            self.begun.set()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._hints.listen(self.wake))
                group.create_task(self._every(ANNOUNCE_SECONDS, self._announce))
                group.create_task(self._every(HOUSEKEEPING_SECONDS, self._keep_house))
                group.create_task(self._every(DERIVED_SECONDS, self._sweep_derived))
                for kind, lane in self._lanes.items():
                    for _ in range(lane.width):
                        group.create_task(self._drive(kind, lane))
        finally:
            # Whoever is cancelled in the middle of a claim does not hear what was claimed.
            with contextlib.suppress(NoSpace, DatabaseUnavailable):
                await jobs.release(self._terms.worker_name, now(), spent=False)
            with contextlib.suppress(*RedisUnavailable):
                await self._presence.leave(self._terms.worker_name)

    async def _drive(self, kind: JobKind, lane: Lane) -> None:
        wake = asyncio.Event()
        self._wakes.append(wake)
        while True:
            # Before the rows are looked at: what wakes this lane meanwhile may have come too late for them.
            wake.clear()
            job = await self._claim(kind, lane)
            if job:
                with about(job_id=job.id, upload_id=job.subject_id):
                    await self._run(job, lane)
            else:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(POLL_SECONDS):
                        await wake.wait()

    async def _claim(self, kind: JobKind, lane: Lane) -> Job | None:
        try:
            return await jobs.claim([kind], self._terms.worker_name, self._terms.lease, now(), lane.choose)
        except NoSpace:
            # Nothing can be claimed by anybody until there is room; nothing is lost meanwhile.
            return None
        except DatabaseUnavailable as error:
            logger.warning("looking for jobs failed, trying again: %s", error)
            return None
        except Exception:
            logger.exception("looking for jobs failed, trying again")
            return None

    async def _run(self, job: Job, lane: Lane) -> None:
        try:
            await self._attempt(job, lane)
        except StateChanged:
            logger.warning("%s %s: the lease was lost, another worker goes on", job.kind, job.subject_id)
        except Exception:
            logger.exception("%s %s: its end could not be stored; the lease will run out", job.kind, job.subject_id)

    async def _attempt(self, job: Job, lane: Lane) -> None:
        if job.attempts > self._terms.max_attempts:
            await self._fail(job, lane, ErrorCode.INTERNAL, f"Gave up after {self._terms.max_attempts} attempts.")
            return
        logger.debug("%s begins, attempt %d", job.kind, job.attempts)
        try:
            with _counted(job, self._counts), _traced(job):
                await self._run_under_lease(job, lane.handler)
            # A handler that finds nothing left to do returns without ending its row.
            await jobs.finish(job)
        except asyncio.CancelledError:
            with contextlib.suppress(NoSpace, DatabaseUnavailable):
                await jobs.give_back(job, now())
            raise
        except StateChanged:
            raise
        except tuple(WAITS_FOR) as error:
            lacking = next(code for kind, code in WAITS_FOR.items() if isinstance(error, kind))
            logger.warning("%s %s waits, %s: %s", job.kind, job.subject_id, lacking.value, error)
            await self._wait_for(lacking, job)
        except ExpectedError as error:
            await self._fail(job, lane, error.code, str(error))
        except Exception:
            logger.exception("%s %s: attempt %d failed", job.kind, job.subject_id, job.attempts)
            await self._try_again(job, lane)

    async def _run_under_lease(self, job: Job, handler: Handler) -> None:
        """Run the handler and renew the lease beside it. Raises :class:`StateChanged` as soon as the lease is lost.

        A lease ends with its job as well, while the handler still has to tell of it.
        """
        work = asyncio.ensure_future(handler(job))
        heart = asyncio.ensure_future(self._renew(job))
        try:
            await asyncio.wait({work, heart}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done() and heart.result():
                await asyncio.wait({work}, timeout=TELLING_SECONDS)
            if not work.done():
                raise StateChanged("the lease was lost")
        finally:
            for task in (work, heart):
                task.cancel()
            await asyncio.wait({work, heart})
        work.result()

    async def _renew(self, job: Job) -> bool:
        """Return when there is no lease any more, and whether that is because the job is done.

        Raises :class:`NoSpace` when it was lost for want of room to renew it.
        """
        held_until, full = now() + self._terms.lease, None
        while now() < held_until:
            await asyncio.sleep(self._terms.lease.total_seconds() / RENEWALS)
            try:
                until = now() + self._terms.lease
                if not await jobs.renew(job, until):
                    found = await jobs.find(job.kind, job.subject_id)
                    return found is not None and found.state is JobState.DONE
                held_until, full = until, None
            except NoSpace as error:
                full = error
            except Exception:
                logger.exception("%s %s: the lease could not be renewed, trying again", job.kind, job.subject_id)
        if full:
            raise full
        return False

    async def _wait_for(self, lacking: ErrorCode, job: Job) -> None:
        """Give the job back, which may itself need room. Its lane waits a little, so that many do not run in circles.

        An attempt is not counted, and its owner is told what it waits for. A database that has taken the job back is
        there again, so there is no reason to wait for longer than the lane does.
        """
        seconds = ROOM_PAUSE_SECONDS if lacking is ErrorCode.TEMPORARILY_UNAVAILABLE else ROOM_SECONDS
        await stored(lambda: jobs.give_back(job, now() + timedelta(seconds=seconds), lacking))
        await self._progress.changed(job.subject_id)
        await asyncio.sleep(ROOM_PAUSE_SECONDS)

    async def _try_again(self, job: Job, lane: Lane) -> None:
        if job.attempts >= self._terms.max_attempts:
            await self._fail(job, lane, ErrorCode.INTERNAL, f"Gave up after {job.attempts} attempts.")
            return
        delay = timedelta(seconds=BACKOFF_SECONDS ** min(job.attempts, LONGEST_BACKOFF))
        await stored(lambda: jobs.postpone(job, now() + delay, f"attempt {job.attempts} failed"))

    async def _fail(self, job: Job, lane: Lane, code: ErrorCode, message: str) -> None:
        logger.warning("%s %s failed: %s %s", job.kind, job.subject_id, code, message)
        await stored(lambda: rows.fail_job(job, status=lane.on_failure, code=code, message=message))
        # Only bytes that are proven not to be the declared file are thrown away.
        if code is ErrorCode.CHECKSUM_MISMATCH:
            upload = await rows.find(job.subject_id)
            if upload:
                await self._store.discard(upload.staging_area, sealed=True)
        await self._progress.changed(job.subject_id)

    async def _announce(self) -> None:
        self._roster.update(await self._presence.announce(self._terms.worker_name))

    async def _keep_house(self) -> None:
        await accounts.purge_expired(now())
        if self._roster.is_first:
            await self._sweeper.sweep()

    async def _sweep_derived(self) -> None:
        if self._roster.is_first:
            await self._sweeper.sweep_derived()

    async def _every(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            await self._try(work)
            await asyncio.sleep(seconds)

    async def _try(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do it, and say when it fails otherwise than the last time, or no longer."""
        name = work.__name__.strip("_")
        try:
            await work()
        except Exception as error:
            if self._failures.get(name) != str(error):
                logger.warning("%s failed, trying again and again: %s", name, error)
            self._failures[name] = str(error)
        else:
            if self._failures.pop(name, None) is not None:
                logger.warning("%s works again", name)


def _traced(job: Job) -> contextlib.AbstractContextManager[None]:
    told = {"job.kind": job.kind.value, "job.attempt": job.attempts}
    return span(f"job {job.kind.value}", told, kind="consumer", parent=job.trace)


@contextlib.contextmanager
def _counted(job: Job, counts: Counters) -> Iterator[None]:
    """Count a run of a job, and how it ends."""
    began, outcome = time.perf_counter(), "done"
    try:
        yield
    except BaseException as error:
        outcome = next((word for kind, word in OUTCOMES.items() if isinstance(error, kind)), "error")
        raise
    finally:
        counts.jobs[job.kind.value, outcome] += 1
        counts.job_seconds[job.kind.value].add(time.perf_counter() - began)


async def stored(write: Callable[[], Awaitable[T]]) -> T:
    """What ``write`` returns, as soon as the database is there and has room for it.

    Nobody else can claim the job before, unless it is away for us alone; then ours is a write without a lease.
    """
    while True:
        try:
            return await write()
        except (NoSpace, DatabaseUnavailable):
            await asyncio.sleep(ROOM_PAUSE_SECONDS)
