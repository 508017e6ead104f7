"""Reports a job's progress: a few times a second to whoever watches, once a second to its row for whoever comes."""

import time
from contextlib import suppress

from services.uploads.progress import Frame, Progress
from storage.errors import DatabaseUnavailable, NoSpace
from storage.jobs import jobs
from storage.jobs.models import Job

PUBLISH_SECONDS = 0.25
SAVE_SECONDS = 1.0


class Reporter:
    """Takes every frame and passes on as many as anybody can use."""

    def __init__(self, job: Job, progress: Progress) -> None:
        self._job = job
        self._progress = progress
        self._published_at = 0.0
        self._saved_at = 0.0

    async def report(self, frame: Frame) -> None:
        """Pass the frame on, if its moment has come."""
        moment = time.monotonic()
        if moment - self._published_at >= PUBLISH_SECONDS:
            self._published_at = moment
            await self._progress.publish(frame)
        if moment - self._saved_at >= SAVE_SECONDS:
            self._saved_at = moment
            # Hours of work are not to be lost for a number.
            with suppress(NoSpace, DatabaseUnavailable):
                await jobs.save_progress(self._job, frame.to_payload())
