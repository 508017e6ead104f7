"""Work that finds SQLite locked by another process waits and continues, without counting an attempt."""

from contextlib import ExitStack

import pytest

from storage.accounts.models import Account
from storage.database.sqlite import engine as sqlite
from storage.jobs.models import Job, JobKind, JobState
from tests.support.backends.databases import written_by_another
from tests.support.waiting import eventually
from tests.workers.conftest import Start, new_upload, queue
from workers import job_runner, lease

pytestmark = pytest.mark.sqlite


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for the database for long, and look again soon; what a full disk waits for does not come about."""
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MS", 20)
    monkeypatch.setattr(job_runner, "WAIT_SECONDS", 3_600.0)
    monkeypatch.setattr(job_runner, "PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(lease, "STORE_RETRY_SECONDS", 0.05)


async def test_a_job_that_cannot_be_given_back_either_is_given_back_and_done_as_soon_as_the_database_is_there(
    start: Start, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    upload, attempts, backup = await new_upload(), list[int](), ExitStack()

    async def handler(job: Job) -> None:
        attempts.append(job.attempts)
        if len(attempts) == 1:
            backup.enter_context(written_by_another(database_url))
        await Account.all().update(name="changed")

    async def refused_often() -> bool:
        return caplog.text.count("database is locked") > 5

    with backup:
        async with start(handler, attempts=1):
            await queue(JobKind.REASSEMBLE, upload)
            await eventually(refused_often)
            backup.close()
            await eventually(lambda: Job.get_or_none(subject_id=upload.id, state=JobState.DONE))
    assert attempts == [1, 1]
