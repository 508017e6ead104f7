"""Renews the lease of a job while it runs, and stores the outcome under that lease."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from services.core.clock import elapsed, now
from storage.errors import DatabaseUnavailable, NoSpace, StateChanged
from storage.jobs import jobs
from storage.jobs.models import Job, JobState

logger = logging.getLogger("cloudkeep.worker")

#: The lease is renewed this many times before it would expire.
RENEWALS = 4
#: Seconds that a handler may take to publish the result after its job is done.
PUBLISH_SECONDS = 30.0
#: Seconds between two attempts to store something.
STORE_RETRY_SECONDS = 1.0

T = TypeVar("T")


@dataclass(frozen=True)
class LeasePolicy:
    """The name under which jobs are claimed, the time of a lease, and the number of attempts."""

    worker_name: str
    lease: timedelta
    max_attempts: int


async def run_under_lease(job: Job, work: Awaitable[None], lease: timedelta) -> None:
    """Run the work and renew the lease meanwhile. Raises :class:`StateChanged` as soon as the lease is lost.

    A finished job has no lease, while its handler still publishes the result.
    """
    working = asyncio.ensure_future(work)
    renewing = asyncio.ensure_future(_renew(job, lease))
    try:
        await asyncio.wait({working, renewing}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done() and renewing.result():
            await asyncio.wait({working}, timeout=PUBLISH_SECONDS)
        if not working.done():
            raise StateChanged("the lease was lost")
    finally:
        for task in (working, renewing):
            task.cancel()
        await asyncio.wait({working, renewing})
    working.result()


async def until_stored(write: Callable[[], Awaitable[T]]) -> T:
    """Repeat ``write`` until the database is available and has space, and return its result.

    No other worker can claim the job before that, unless only this worker cannot reach the database. Then the write
    comes after the lease was lost, and changes nothing.
    """
    while True:
        try:
            return await write()
        except (NoSpace, DatabaseUnavailable):
            await asyncio.sleep(STORE_RETRY_SECONDS)


async def _renew(job: Job, lease: timedelta) -> bool:
    """Renew the lease until it is lost. Returns whether the reason is that the job is done.

    Raises :class:`NoSpace` if the lease could not be renewed because the disk is full.
    """
    expires, full = elapsed() + lease.total_seconds(), None
    while elapsed() < expires:
        await asyncio.sleep(lease.total_seconds() / RENEWALS)
        try:
            began = elapsed()
            if not await jobs.renew(job, now() + lease):
                current = await jobs.find(job.kind, job.subject_id)
                return current is not None and current.state is JobState.DONE
            expires, full = began + lease.total_seconds(), None
        except NoSpace as error:
            full = error
        except Exception:
            logger.exception("job %s: the lease could not be renewed, retrying", job.kind)
    if full:
        raise full
    return False
