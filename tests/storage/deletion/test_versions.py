"""Restoring and deleting versions."""

from datetime import timedelta
from uuid import UUID

import pytest

from storage.deletion import items, versions
from storage.deletion.versions import IsCurrent, VersionLimits
from storage.drive.models import FileVersion, Item, Rendition
from storage.drive.tree import changes
from storage.drive.tree.placing import ConflictPolicy
from storage.events.models import Event
from storage.jobs import jobs
from storage.jobs.models import JobKind
from storage.uploads.models import Upload
from tests.storage.rows import LATER, NOW, claim, new_account
from tests.storage.stored_files import add_rendition, add_version, new_file, uploaded, used_bytes

pytestmark = pytest.mark.usefixtures("database")


async def numbers(item_id: UUID) -> list[int]:
    return [version.number for version in await FileVersion.filter(item_id=item_id).order_by("number")]


async def last_event(account_id: UUID) -> tuple[str, UUID]:
    event = await Event.filter(account_id=account_id).order_by("-seq").first()
    assert event
    return event.kind, event.item_id


async def test_a_restored_version_is_a_new_one_over_the_same_bytes() -> None:
    account = await new_account()
    first = await new_file(account.id)
    await add_rendition(first)
    await add_version(first.item_id)
    used = await used_bytes(account.id)
    item = await versions.restore(account.id, first.item_id, first.id, LATER)
    assert item
    assert await numbers(item.id) == [1, 2, 3]
    current = await FileVersion.get(id=item.version_id)
    assert (current.number, current.blob_id) == (3, first.blob_id)
    assert await Rendition.filter(version_id=current.id).count() == 1
    assert await used_bytes(account.id) == used
    assert await last_event(account.id) == ("UPDATED", item.id)


async def test_to_restore_the_current_version_changes_nothing() -> None:
    account = await new_account()
    version = await new_file(account.id)
    assert await versions.restore(account.id, version.item_id, version.id, LATER)
    assert await numbers(version.item_id) == [1]


async def test_versions_of_other_files_and_accounts_are_not_found() -> None:
    account, other = await new_account(), await new_account()
    one, two = await new_file(account.id, "a"), await new_file(account.id, "b")
    assert await versions.restore(account.id, one.item_id, two.id, LATER) is None
    assert await versions.restore(other.id, one.item_id, one.id, LATER) is None
    assert await versions.delete(other.id, one.id, LATER) is None


async def test_a_deleted_version_is_gone_with_its_upload_and_the_others_keep_their_numbers() -> None:
    account = await new_account()
    file = await uploaded(account.id)
    await add_version(file.item_id)
    found = await versions.delete(account.id, file.version.id, LATER)
    assert found
    item, purged = found
    assert (purged.versions, purged.released.size) == (1, 20)
    assert await numbers(item.id) == [2]
    assert not await Upload.exists(id=file.upload.id)
    assert await used_bytes(account.id) == (10, 0)
    assert await last_event(account.id) == ("UPDATED", item.id)


async def test_the_current_version_cannot_be_deleted() -> None:
    account = await new_account()
    version = await new_file(account.id)
    with pytest.raises(IsCurrent):
        await versions.delete(account.id, version.id, LATER)


async def test_versions_of_a_file_that_is_being_deleted_are_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(items, "STEPS_AT_ONCE", 0)
    account = await new_account()
    version = await new_file(account.id)
    await items.delete(account.id, [version.item_id], LATER)
    assert await versions.restore(account.id, version.item_id, version.id, LATER) is None


async def test_a_worker_loses_its_lease_when_the_version_is_deleted() -> None:
    account = await new_account()
    file = await uploaded(account.id, compress=True)
    await add_version(file.item_id)
    job = await claim(JobKind.COMPRESS)
    await versions.delete(account.id, file.version.id, LATER)
    assert not await jobs.renew(job, LATER)
    assert not await jobs.finish(job)


@pytest.mark.parametrize(
    ("limits", "kept"),
    [
        (VersionLimits(), [1, 2, 3, 4]),
        (VersionLimits(count=2), [3, 4]),
        (VersionLimits(count=1), [4]),
        (VersionLimits(age=timedelta(hours=1)), [4]),
        (VersionLimits(age=timedelta(days=30)), [1, 2, 3, 4]),
    ],
)
async def test_superseded_versions_are_deleted_beyond_the_limits(limits: VersionLimits, kept: list[int]) -> None:
    account = await new_account()
    file = await new_file(account.id)
    for _ in range(3):
        await add_version(file.item_id)
    found, after = await versions.superseded(limits, versions.FIRST, NOW + timedelta(days=1))
    assert after
    for account_id, keys in found.items():
        await versions.delete_superseded(account_id, keys, LATER)
    assert await numbers(file.item_id) == kept
    assert await versions.superseded(limits, after, LATER) == ({}, None)


async def test_the_age_of_a_version_counts_from_its_replacement() -> None:
    account = await new_account()
    old = await new_file(account.id)
    await FileVersion.filter(id=old.id).update(created_at=NOW - timedelta(days=100))
    await add_version(old.item_id)
    found, _ = await versions.superseded(VersionLimits(age=timedelta(days=1)), versions.FIRST, NOW + timedelta(hours=1))
    assert not found


async def test_the_age_of_a_version_counts_from_when_an_older_file_was_moved_over_it() -> None:
    account = await new_account()
    replaced, old = await new_file(account.id, "file"), await new_file(account.id, "old")
    await FileVersion.filter(id=old.id).update(created_at=NOW - timedelta(days=100))
    moved = await changes.rename(account.id, old.item_id, "file", ConflictPolicy.REPLACE, NOW)
    assert moved.id == replaced.item_id
    limits = VersionLimits(age=timedelta(days=1))
    assert not (await versions.superseded(limits, versions.FIRST, NOW + timedelta(hours=1)))[0]
    found, _ = await versions.superseded(limits, versions.FIRST, NOW + timedelta(hours=25))
    assert found == {account.id: [replaced.id]}


async def test_a_version_that_became_current_meanwhile_stays() -> None:
    account = await new_account()
    version = await new_file(account.id)
    assert (await versions.delete_superseded(account.id, [version.id], LATER)).versions == 0
    assert (await Item.get(id=version.item_id)).version_id == version.id


async def test_no_event_comes_for_old_versions_of_a_file_that_is_being_deleted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(items, "STEPS_AT_ONCE", 0)
    account = await new_account()
    first = await new_file(account.id)
    await add_version(first.item_id)
    await items.delete(account.id, [first.item_id], LATER)
    assert (await versions.delete_superseded(account.id, [first.id], LATER)).versions == 1
    assert await last_event(account.id) == ("DELETED", first.item_id)
