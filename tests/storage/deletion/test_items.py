"""Deletion of items for good."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from storage.deletion import items
from storage.drive.models import Blob, FileVersion, Item
from storage.events.models import Event
from storage.jobs import jobs
from storage.jobs.models import Job, JobKind, JobState
from storage.uploads.models import Chunk, ObsoleteRecord, Upload
from tests.storage.rows import LATER, NOW, claim, enqueue, new_account
from tests.storage.stored_files import (
    add_rendition,
    add_version,
    new_file,
    new_folder,
    shared,
    uploaded,
    used_bytes,
)

pytestmark = pytest.mark.usefixtures("database")


async def delete(account_id: UUID, *item_ids: UUID) -> items.Deleted:
    return await items.delete(account_id, item_ids, LATER)


async def run_steps(account_id: UUID) -> int:
    steps = 0
    while (await items.step(account_id, LATER)).rows:
        steps += 1
    return steps


async def test_a_deleted_file_leaves_nothing_but_released_blobs_and_an_event() -> None:
    account = await new_account()
    file = await uploaded(account.id)
    await add_rendition(file.version)
    await add_version(file.item_id)
    assert await used_bytes(account.id) == (30, 3)
    deleted = await delete(account.id, file.item_id)
    assert (deleted.tops, deleted.released.blobs, deleted.released.size) == (1, 3, 33)
    assert not deleted.is_queued
    for table in (FileVersion, Upload, Chunk, Job):
        assert not await table.all().exists()
    assert await Item.all().values_list("id", flat=True) == [account.id]
    assert await Blob.filter(released_at=LATER).count() == 3
    assert await used_bytes(account.id) == (0, 0)
    event = await Event.filter(account_id=account.id).order_by("-seq").first()
    assert event
    assert (event.kind, event.item_id) == ("DELETED", file.item_id)
    assert event.facts["name"] == "file"


async def test_a_folder_is_deleted_with_everything_below_it() -> None:
    account = await new_account()
    top = await new_folder(account.id)
    inner = await new_folder(account.id, "inner", top.id)
    await new_file(account.id, "a", inner.id)
    await new_file(account.id, "b", top.id)
    kept = await new_file(account.id, "kept")
    deleted = await delete(account.id, top.id)
    assert (deleted.tops, deleted.is_queued) == (1, False)
    assert set(await Item.all().values_list("id", flat=True)) == {account.id, kept.item_id}
    assert await used_bytes(account.id) == (10, 0)
    assert await Event.filter(kind="DELETED").values_list("item_id", flat=True) == [top.id]


async def test_much_is_invisible_at_once_and_deleted_in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(items, "AT_ONCE", 4)
    monkeypatch.setattr(items, "BATCH", 3)
    account = await new_account()
    top = await new_folder(account.id)
    inner = await new_folder(account.id, "inner", top.id)
    files = [await new_file(account.id, str(number), folder.id) for number in range(8) for folder in (top, inner)]
    deleted = await delete(account.id, top.id)
    assert deleted.is_queued
    assert not await items.attached(account.id, [top.id, inner.id, *(file.item_id for file in files)])
    job = await claim(JobKind.DELETE_ITEMS, moment=LATER)
    assert job.subject_id == account.id
    assert not await items.finish(job)
    assert await run_steps(account.id) > 1
    assert await items.finish(job)
    assert await Item.all().values_list("id", flat=True) == [account.id]
    assert await used_bytes(account.id) == (0, 0)


async def test_a_file_with_many_versions_is_deleted_in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(items, "AT_ONCE", 1)
    monkeypatch.setattr(items, "MOST_VERSIONS", 2)
    account = await new_account()
    file = await new_file(account.id)
    for _ in range(4):
        await add_version(file.item_id)
    assert (await delete(account.id, file.item_id)).is_queued
    assert await run_steps(account.id) == 2
    assert not await FileVersion.all().exists()
    assert await used_bytes(account.id) == (0, 0)


async def test_only_items_of_the_account_are_deleted_and_never_its_root() -> None:
    mine, other = await new_account(), await new_account()
    foreign = await new_file(other.id)
    await new_file(mine.id)
    assert (await delete(mine.id, foreign.item_id, mine.id, uuid4())).tops == 0
    assert await Item.all().count() == 4


async def test_an_item_is_deleted_once() -> None:
    account = await new_account()
    file = await new_file(account.id)
    assert [(await delete(account.id, file.item_id, file.item_id)).tops for _ in range(2)] == [1, 0]


async def test_a_folder_and_what_is_in_it_are_deleted_in_one_call() -> None:
    account = await new_account()
    top = await new_folder(account.id)
    file = await new_file(account.id, "a", top.id)
    assert (await delete(account.id, top.id, file.item_id)).tops == 2
    assert await Item.all().values_list("id", flat=True) == [account.id]


async def test_the_trash_is_deleted_from_its_oldest_item_on() -> None:
    account = await new_account()
    files = [await new_file(account.id, str(days)) for days in range(3)]
    for days, file in enumerate(files):
        await Item.filter(id=file.item_id).update(trashed_at=NOW + timedelta(days))
    before = NOW + timedelta(1.5)
    assert (await items.delete_trash(account.id, before, 1, LATER)).tops == 1
    assert not await Item.exists(id=files[0].item_id)
    assert (await items.delete_trash(account.id, before, 10, LATER)).tops == 1
    assert (await items.delete_trash(account.id, before, 10, LATER)).tops == 0
    assert await Item.exists(id=files[2].item_id)


async def test_bytes_that_another_file_shares_are_kept_and_counted_once() -> None:
    account = await new_account()
    original = await uploaded(account.id)
    copy = await shared(original.version)
    assert await used_bytes(account.id) == (20, 0)
    assert (await delete(account.id, original.item_id)).released.blobs == 0
    assert await used_bytes(account.id) == (20, 0)
    assert (await delete(account.id, copy.item_id)).released.blobs == 1
    assert await used_bytes(account.id) == (0, 0)


async def test_the_record_of_a_file_that_shares_bytes_becomes_obsolete() -> None:
    account = await new_account()
    original = await uploaded(account.id)
    copy = await shared(original.version)
    await delete(account.id, original.item_id, copy.item_id)
    # That of the original is deleted with the bytes.
    assert [record.key for record in await ObsoleteRecord.all()] == [str(copy.upload.id)]


async def test_a_derived_blob_that_is_also_a_file_counts_as_derived_when_the_file_is_deleted() -> None:
    account = await new_account()
    source = await new_file(account.id)
    rendition = await add_rendition(source)
    blob = await Blob.get(id=rendition.blob_id)
    # As if the rendition had been stored as a file: it counts as an original then.
    file = await new_file(account.id, "derived", blob=blob)
    account.original_bytes, account.derived_bytes, account.change_seq = 13, 0, 2
    await account.save(update_fields=["original_bytes", "derived_bytes"])
    assert (await delete(account.id, file.item_id)).released.blobs == 0
    assert await used_bytes(account.id) == (10, 3)


async def test_a_running_job_is_not_queued_again_and_a_finished_one_is() -> None:
    account = await new_account()
    await enqueue(JobKind.DELETE_ITEMS, account.id)
    job = await claim(JobKind.DELETE_ITEMS)
    await new_folder(account.id)
    await Item.filter(parent_id=account.id).update(parent_id=None, removed_at=NOW)
    assert await items.queue_unfinished(NOW) == 0
    assert await jobs.fail(job, "INTERNAL", "failed")
    assert await items.queue_unfinished(NOW) == 1
    again = await jobs.find(JobKind.DELETE_ITEMS, account.id)
    assert again
    assert again.state is JobState.QUEUED


async def test_unfinished_deletions_are_queued_however_many_jobs_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(items, "BATCH", 1)
    deleting = sorted([await new_account() for _ in range(3)], key=lambda account: account.id)
    for account in deleting:
        await new_folder(account.id)
        await Item.filter(parent_id=account.id).update(parent_id=None, removed_at=NOW)
    for account in deleting[:2]:
        await enqueue(JobKind.DELETE_ITEMS, account.id)
    assert await items.queue_unfinished(NOW) == 1
    assert await jobs.find(JobKind.DELETE_ITEMS, deleting[2].id)


async def test_what_is_in_the_trash_below_a_deleted_folder_is_not_deleted_a_second_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(items, "STEPS_AT_ONCE", 0)
    account = await new_account()
    folder = await new_folder(account.id)
    file = await new_file(account.id, "a", folder.id)
    await Item.filter(id=file.item_id).update(trashed_at=NOW)
    await delete(account.id, folder.id)
    assert (await items.delete_trash(account.id, LATER, 10, LATER)).tops == 0
    assert await Event.filter(account_id=account.id, kind="DELETED").values_list("item_id", flat=True) == [folder.id]


async def test_the_records_of_all_uploads_of_a_file_become_obsolete() -> None:
    account = await new_account()
    file = await uploaded(account.id)
    same = [await shared(file.version) for _ in range(2)]
    # Both have replaced the bytes of the file with equal ones.
    await Upload.filter(id__in=[each.upload.id for each in same]).update(version_id=file.version.id)
    await delete(account.id, file.item_id)
    assert {record.key for record in await ObsoleteRecord.all()} == {str(each.upload.id) for each in same}
    assert not await Upload.filter(version_id=file.version.id).exists()
