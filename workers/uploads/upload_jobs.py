"""Common parts of all jobs on uploads: progress, waiting, and failing for good."""

import time
from contextlib import suppress
from uuid import UUID

from services.core.clock import now
from services.uploads.lifecycle import BYTES_GONE
from services.uploads.progress.frame import ProgressFrame
from services.uploads.progress.progress import Progress
from storage.errors import DatabaseUnavailable, NoSpace
from storage.jobs import jobs
from storage.jobs.models import Job
from storage.uploads import job_results
from storage.uploads import uploads as rows
from storage.uploads.models import UploadStatus
from workers.job_context import JobContext
from workers.job_type import Failure
from workers.lease import until_stored

#: The key of an upload's ID in log records.
UPLOAD_ID = "upload_id"

PUBLISH_SECONDS = 0.25
SAVE_SECONDS = 1.0


async def fail_upload(job: Job, failure: Failure, context: JobContext, *, status: UploadStatus) -> None:
    """Mark the job FAILED for good, and give the upload this status and the reason.

    An upload that FAILED can be retried for as long as an upload waits for its next chunk, and then expires.
    Raises :class:`storage.errors.StateChanged` if the lease was lost.
    """
    code, message = failure.code, failure.message
    expires_at = now() + context.upload_lifetime
    await until_stored(
        lambda: job_results.fail_job(job, status=status, code=code, message=message, expires_at=expires_at)
    )
    # Only bytes that are proven not to be the declared file are deleted.
    if code is BYTES_GONE:
        upload = await rows.find(job.subject_id)
        if upload:
            await context.store.discard(upload.staging_area, sealed=True)
    await publish_status(job, context)


async def publish_status(job: Job, context: JobContext) -> None:
    """Publish the upload's state in the database, such as what it waits for."""
    await context.progress.publish_snapshot(job.subject_id)


class ProgressReporter:
    """Reports a job's progress: a few times a second to its watchers, and once a second to its row."""

    def __init__(self, job: Job, progress: Progress, account_id: UUID) -> None:
        """``account_id``: the owner of the upload."""
        self._job = job
        self._progress = progress
        self._account_id = account_id
        self._published_at = 0.0
        self._saved_at = 0.0

    async def report(self, frame: ProgressFrame) -> None:
        """Publish the frame, unless the last one was published a moment ago."""
        monotonic = time.monotonic()
        if monotonic - self._published_at >= PUBLISH_SECONDS:
            self._published_at = monotonic
            await self._progress.publish(frame, self._account_id)
        if monotonic - self._saved_at >= SAVE_SECONDS:
            self._saved_at = monotonic
            # Hours of work must not be lost because a progress could not be stored.
            with suppress(NoSpace, DatabaseUnavailable):
                await jobs.save_progress(self._job, frame.to_payload())
