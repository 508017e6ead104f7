"""Deletes the rows of items that were deleted for good, in short transactions with pauses."""

from services.core.clock import now
from services.core.pacing import paced
from storage.deletion import items
from storage.jobs.models import Job, JobKind
from workers.job_context import JobContext
from workers.job_type import JobType


async def delete_items(job: Job, context: JobContext) -> None:
    """Delete everything that is being deleted in the account, also what is added meanwhile."""
    while True:
        step = await paced(items.step(job.subject_id, now()))
        context.counters.deletion.add(step.rows, step.released)
        if not step.rows and await items.finish(job):
            return


DELETE_ITEMS = JobType(
    kind=JobKind.DELETE_ITEMS,
    handler=delete_items,
    subject="account_id",
)
