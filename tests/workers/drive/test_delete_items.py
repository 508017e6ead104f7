"""A worker deletes what is left of deleted items."""

import asyncio
from uuid import UUID

import pytest

from storage.deletion import items
from storage.drive.models import FileVersion, Item
from storage.jobs.models import Job, JobKind, JobState
from tests.storage.rows import NOW, new_account
from tests.storage.stored_files import new_file, new_folder, used_bytes
from tests.support.waiting import eventually
from tests.workers.conftest import Start
from workers.drive.delete_items import delete_items
from workers.job_context import JobContext


@pytest.fixture(autouse=True)
def _few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a job delete nearly everything, in many steps."""
    monkeypatch.setattr(items, "AT_ONCE", 1)
    monkeypatch.setattr(items, "BATCH", 2)


async def deleted_folder(account_id: UUID, files: int = 9) -> None:
    folder = await new_folder(account_id, str(files))
    for number in range(files):
        await new_file(account_id, str(number), folder.id)
    assert (await items.delete(account_id, [folder.id], NOW)).is_queued


async def is_done() -> bool:
    return (await Job.get(kind=JobKind.DELETE_ITEMS)).state is JobState.DONE


async def test_everything_is_deleted(start: Start, context: JobContext) -> None:
    account = await new_account()
    await deleted_folder(account.id)
    async with start(lambda job: delete_items(job, context), JobKind.DELETE_ITEMS):
        await eventually(is_done)
    assert await Item.all().values_list("id", flat=True) == [account.id]
    assert await used_bytes(account.id) == (0, 0)
    assert context.counters.deletion.released_bytes > 0


async def test_what_is_deleted_meanwhile_is_deleted_as_well(start: Start, context: JobContext) -> None:
    account = await new_account()
    await deleted_folder(account.id)
    async with start(lambda job: delete_items(job, context), JobKind.DELETE_ITEMS):
        await deleted_folder(account.id, 5)
        await eventually(is_done)
    assert not await FileVersion.all().exists()


async def test_the_next_worker_continues(start: Start, context: JobContext) -> None:
    account = await new_account()
    await deleted_folder(account.id)
    began = asyncio.Event()

    async def stop_after_a_step(job: Job) -> None:
        await items.step(job.subject_id, NOW)
        began.set()
        await asyncio.Event().wait()

    async with start(stop_after_a_step, JobKind.DELETE_ITEMS):
        await began.wait()
    async with start(lambda job: delete_items(job, context), JobKind.DELETE_ITEMS, name="two"):
        await eventually(is_done)
    assert await Item.all().count() == 1
