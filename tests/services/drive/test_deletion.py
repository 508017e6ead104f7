"""Deleting items, emptying the trash, and what is kept for a limited time."""

from datetime import timedelta
from uuid import UUID

import pytest

from services.core.clock import now
from services.core.counters import Counters
from services.core.errors import InvalidInput, NotFound
from services.drive import deletion
from services.drive.deletion import Deletion
from services.drive.file_versions import FileVersions
from services.maintenance.retention import Retention
from storage.accounts import accounts
from storage.deletion import items
from storage.deletion.versions import VersionLimits
from storage.drive import versions
from storage.drive.models import FileVersion, Item
from storage.jobs.models import Job, JobKind, JobState
from tests.services.conftest import Bench
from tests.storage.stored_files import add_version, new_file, new_folder


@pytest.fixture
def counters() -> Counters:
    return Counters()


@pytest.fixture
def service(bench: Bench, counters: Counters) -> Deletion:
    return Deletion(bench.notifications, counters)


async def trashed(owner: UUID, count: int, age: timedelta = timedelta(0)) -> None:
    """Put new files into the trash, some time ago."""
    for number in range(count):
        version = await new_file(owner, str(number))
        await Item.filter(id=version.item_id).update(trashed_at=now() - age)


async def test_deleted_items_are_counted_without_those_below_them(
    service: Deletion, counters: Counters, ada: UUID
) -> None:
    folder = await new_folder(ada)
    await new_file(ada, "a", folder.id)
    file = await new_file(ada, "b")
    assert await service.delete_items(ada, [folder.id, file.item_id]) == 2
    assert await service.delete_items(ada, [folder.id]) == 0
    # Two versions, two files and a folder; the folder was left as a top of its own.
    assert (counters.deletion.rows, counters.deletion.released_bytes) == (5, 20)


@pytest.mark.parametrize("count", [0, deletion.MOST_ITEMS + 1])
async def test_the_number_of_items_is_limited(service: Deletion, ada: UUID, count: int) -> None:
    with pytest.raises(InvalidInput):
        await service.delete_items(ada, [ada] * count)


async def test_the_trash_is_emptied_in_batches(
    service: Deletion, ada: UUID, bob: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletion, "TRASH_BATCH", 2)
    await trashed(ada, 5)
    await trashed(bob, 1)
    assert await service.empty_trash(ada) == (5, True)
    assert await service.empty_trash(ada) == (0, True)
    assert await Item.filter(trashed_at__isnull=False).values_list("account_id", flat=True) == [bob]


async def test_a_large_trash_takes_several_calls(service: Deletion, ada: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deletion, "TRASH_BATCH", 2)
    monkeypatch.setattr(deletion, "MOST_TRASH", 4)
    await trashed(ada, 5)
    assert await service.empty_trash(ada) == (4, False)
    assert await service.empty_trash(ada) == (1, True)


async def test_items_are_deleted_that_are_in_the_trash_for_too_long(service: Deletion, ada: UUID, bob: UUID) -> None:
    for owner in (ada, bob):
        await trashed(owner, 2, timedelta(days=31))
    await trashed(bob, 1, timedelta(days=29))
    await Retention(service).apply()
    assert await Item.filter(trashed_at__isnull=False).count() == 5
    await Retention(service, trash_ttl=timedelta(days=30)).apply()
    assert await Item.filter(trashed_at__isnull=False).count() == 1


async def test_an_account_whose_trash_is_young_is_not_locked(
    service: Deletion, ada: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    await trashed(ada, 1, timedelta(days=29))
    monkeypatch.delattr(accounts, "locked")
    await Retention(service, trash_ttl=timedelta(days=30)).apply()
    assert await Item.filter(trashed_at__isnull=False).count() == 1


async def test_old_versions_are_deleted_beyond_the_limit(service: Deletion, ada: UUID) -> None:
    file = await new_file(ada)
    for _ in range(3):
        await add_version(file.item_id)
    await Retention(service).apply()
    assert await FileVersion.all().count() == 4
    await Retention(service, version_limits=VersionLimits(count=2)).apply()
    assert [version.number for version in await FileVersion.all().order_by("number")] == [3, 4]


async def test_a_deletion_that_was_given_up_is_queued_again(
    service: Deletion, ada: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(items, "STEPS_AT_ONCE", 0)
    file = await new_file(ada)
    await service.delete_items(ada, [file.item_id])
    await Job.filter(kind=JobKind.DELETE_ITEMS).update(state=JobState.FAILED)
    await Retention(service).apply()
    assert (await Job.get(kind=JobKind.DELETE_ITEMS)).state is JobState.QUEUED


async def test_a_version_is_restored_and_deleted(ada: UUID) -> None:
    service = FileVersions()
    first = await new_file(ada)
    second = await add_version(first.item_id)
    file = await Item.get(id=first.item_id)
    restored = await service.restore(file, first.id)
    assert restored.version_id not in {first.id, second.id}
    loaded = await versions.find(second.id)
    assert loaded
    assert (await service.delete(loaded)).id == file.id
    with pytest.raises(NotFound):
        await service.delete(loaded)


async def test_the_current_version_is_not_deleted_and_foreign_ones_are_not_restored(ada: UUID, bob: UUID) -> None:
    service = FileVersions()
    mine, foreign = await new_file(ada), await new_file(bob)
    with pytest.raises(InvalidInput):
        await service.delete(mine)
    with pytest.raises(NotFound):
        await service.restore(await Item.get(id=mine.item_id), foreign.id)
