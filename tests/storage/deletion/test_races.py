"""Deletions that race with each other and with what uses the same bytes, on connections of their own.

Whichever is first: the counters of the account are the sums of its blobs, and no version is without its bytes.
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest

from storage.accounts.models import Account
from storage.deletion import collection, consistency, items, versions
from storage.drive.models import Blob, FileVersion, Item, Rendition
from storage.errors import StateChanged
from storage.events.models import Event
from storage.jobs.models import Job, JobKind
from storage.uploads import job_results, uploads
from storage.uploads.models import Upload, UploadStatus
from tests.storage.racing import at_once, open_pool
from tests.storage.rows import LATER, SHA256, claim, new_account
from tests.storage.stored_files import Uploaded, add_version, new_file, shared, uploaded

ROUNDS = 6
AFTER_GRACE = LATER + timedelta(days=1)


@pytest.fixture(autouse=True)
async def _pool(database_url: str) -> AsyncIterator[None]:
    """All connections are open, so that calls race from the first statement on."""
    async with open_pool(database_url):
        yield


async def require_sound(account_id: UUID) -> None:
    counted, stored = await consistency.usage(account_id)
    assert counted == stored
    for version in await FileVersion.filter(account_id=account_id).select_related("blob"):
        assert not version.blob.is_deleting
        assert version.blob.released_at is None
    named = {version.blob_id for version in await FileVersion.all()} | {row.blob_id for row in await Rendition.all()}
    assert not await Blob.filter(account_id=account_id, released_at__isnull=True).exclude(id__in=list(named)).exists()
    numbers = [event.seq for event in await Event.filter(account_id=account_id).order_by("seq")]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.fixture
async def account() -> Account:
    return await new_account()


async def delete(file: Uploaded) -> items.Deleted:
    return await items.delete(file.upload.account_id, [file.item_id], LATER)


@pytest.mark.parametrize("_", range(ROUNDS))
async def test_two_deletions_delete_once(account: Account, _: int) -> None:
    file = await uploaded(account.id)
    found = await at_once(*(delete(file) for _ in range(4)))
    assert sum(deleted.tops for deleted in found) == 1
    assert await Event.filter(kind="DELETED").count() == 1
    await require_sound(account.id)


@pytest.mark.parametrize("_", range(ROUNDS))
async def test_the_same_file_again_races_with_the_deletion(account: Account, _: int) -> None:
    file = await uploaded(account.id)
    _deleted, again = await at_once(delete(file), shared(file.version))
    assert isinstance(again, Uploaded)
    await require_sound(account.id)
    assert await Blob.filter(released_at__isnull=True).count() == 1


@pytest.mark.parametrize("_", range(ROUNDS))
async def test_the_same_file_again_races_with_the_collector(account: Account, _: int) -> None:
    file = await uploaded(account.id)
    await delete(file)
    claimed, again = await at_once(
        collection.claim(account.id, [file.version.blob_id], AFTER_GRACE), shared(file.version)
    )
    # One of the two has the bytes, never both.
    assert bool(claimed) is isinstance(again, StateChanged)
    await require_sound(account.id)


@pytest.mark.parametrize("_", range(ROUNDS))
async def test_a_restored_version_races_with_its_deletion(account: Account, _: int) -> None:
    first = await new_file(account.id)
    await add_version(first.item_id)
    await at_once(
        versions.restore(account.id, first.item_id, first.id, LATER),
        versions.delete(account.id, first.id, LATER),
        items.delete(account.id, [first.item_id], LATER),
    )
    await require_sound(account.id)
    assert not await Item.filter(id=first.item_id).exists()


@pytest.mark.parametrize("_", range(ROUNDS))
async def test_a_compression_races_with_the_deletion(account: Account, _: int) -> None:
    file = await uploaded(account.id, compress=True)
    job = await claim(JobKind.COMPRESS)
    stored = job_results.add_rendition(
        job, file.version, mime_type="video/mp4", blob_key="d-key", size=5, sha256=SHA256, now=LATER
    )
    await at_once(delete(file), stored)
    await require_sound(account.id)
    for table in (Upload, FileVersion, Rendition, Job):
        assert not await table.all().exists()


@pytest.mark.parametrize("_", range(ROUNDS))
async def test_a_failing_compression_races_with_the_deletion(account: Account, _: int) -> None:
    file = await uploaded(account.id, compress=True)
    job = await claim(JobKind.COMPRESS)
    failed = job_results.fail_job(job, status=file.upload.status_with_file, code="INTERNAL", message="failed")
    await at_once(delete(file), failed)
    assert not await Job.all().exists()


@pytest.mark.parametrize("_", range(ROUNDS))
async def test_a_retry_races_with_the_deletion(account: Account, _: int) -> None:
    file = await uploaded(account.id, compress=True)
    job = await claim(JobKind.COMPRESS)
    await job_results.fail_job(job, status=UploadStatus.READY, code="INTERNAL", message="failed")
    failed = await Upload.get(id=file.upload.id)
    await at_once(delete(file), uploads.retry(failed, LATER), uploads.retry(failed, LATER))
    for table in (Upload, FileVersion, Job):
        assert not await table.all().exists()


@pytest.mark.parametrize("_", range(ROUNDS))
async def test_steps_race_with_each_other_and_with_new_deletions(
    account: Account, monkeypatch: pytest.MonkeyPatch, _: int
) -> None:
    monkeypatch.setattr(items, "AT_ONCE", 1)
    monkeypatch.setattr(items, "BATCH", 2)
    files = [await new_file(account.id, str(number)) for number in range(8)]
    half = [file.item_id for file in files[:4]], [file.item_id for file in files[4:]]
    await items.delete(account.id, half[0], LATER)
    await at_once(items.delete(account.id, half[1], LATER), *(items.step(account.id, LATER) for _ in range(4)))
    while (await items.step(account.id, LATER)).rows:
        pass
    assert await items.finish(await claim(JobKind.DELETE_ITEMS, moment=LATER))
    await require_sound(account.id)
    assert not await FileVersion.all().exists()


@pytest.mark.parametrize("_", range(ROUNDS))
async def test_two_collectors_forget_once(account: Account, _: int) -> None:
    file = await uploaded(account.id)
    await delete(file)

    async def collect() -> int:
        claimed = await collection.claim(account.id, [file.version.blob_id], AFTER_GRACE)
        return await collection.forget(claimed)

    assert sum(await at_once(collect(), collect())) == 1
    assert not await Blob.all().exists()
