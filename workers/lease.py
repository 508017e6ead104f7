"""Holding the lease of a job while it runs, and storing its end by that lease."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from services.core.clock import now
from storage.errors import DatabaseUnavailable, NoSpace, StateChanged
from storage.jobs import jobs
from storage.jobs.models import Job, JobState

logger = logging.getLogger("cloudkeep.worker")

#: The lease is renewed this many times before it would run out.
RENEWALS = 4
#: How long a handler whose job is done may take to publish that.
PUBLISH_SECONDS = 30.0
#: Pause between two tries to store something.
STORE_RETRY_SECONDS = 1.0

T = TypeVar("T")


@dataclass(frozen=True)
class LeasePolicy:
    """Under which name jobs are claimed, for how long, and how often they are tried."""

    worker_name: str
    lease: timedelta
    max_attempts: int


async def run_under_lease(job: Job, work: Awaitable[None], lease: timedelta) -> None:
    """Run the work and renew the lease beside it. Raises :class:`StateChanged` as soon as the lease is lost.

    A job that is done has no lease any more, while its handler still publishes that.
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
    """Return what ``write`` returns, as soon as the database is there and has room for it.

    No other worker can claim the job before, unless only we cannot reach the database; then we write without a lease,
    and that changes nothing.
    """
    while True:
        try:
            return await write()
        except (NoSpace, DatabaseUnavailable):
            await asyncio.sleep(STORE_RETRY_SECONDS)


async def _renew(job: Job, lease: timedelta) -> bool:
    """Return when there is no lease any more, and whether that is because the job is done.

    Raises :class:`NoSpace` when it was lost because there was no room to renew it.
    """
    expires, full = now() + lease, None
    while now() < expires:
        await asyncio.sleep(lease.total_seconds() / RENEWALS)
        try:
            until = now() + lease
            if not await jobs.renew(job, until):
                current = await jobs.find(job.kind, job.subject_id)
                return current is not None and current.state is JobState.DONE
            expires, full = until, None
        except NoSpace as error:
            full = error
        except Exception:
            logger.exception("%s %s: the lease could not be renewed, trying again", job.kind, job.subject_id)
    if full:
        raise full
    return False
