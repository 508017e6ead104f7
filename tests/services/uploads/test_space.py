"""Space that is reserved when an upload starts: the account's quota, and the disk above its reserve."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from services.core.clock import now
from services.core.errors import ExpectedError, StorageFull
from services.uploads.errors import QuotaExceeded
from services.uploads.ingest import slot_authorization
from services.uploads.init.new_upload import UploadPolicy
from services.uploads.uploads import Uploads
from storage.blobs import BlobStore, LocalBlobStore
from storage.budgets import limit_overrides
from storage.budgets.models import NO_LIMIT, GrantKind
from storage.uploads.models import Upload, UploadStatus
from tests.services.conftest import LIFETIME, SENDER, Bench, a_file

QUOTA = 500_000
#: More than the size of any disk.
EVERYTHING = 2**53


def limited(bench: Bench, store: BlobStore | None = None) -> Uploads:
    policy = UploadPolicy(EVERYTHING, LIFETIME, QUOTA)
    return Uploads(store or bench.store, bench.progress, bench.notifications, policy)


async def send_all(bench: Bench, upload: Upload) -> None:
    for index in range(upload.chunk_count):
        async with bench.ingest.open(slot_authorization(upload, index), SENDER) as sink:
            await sink.write([b"x" * upload.slot_size(index)])
            await sink.commit(None)


def staged(tmp_path: Path) -> int:
    return len(list((tmp_path / "blobs" / "staging").iterdir()))


@pytest.fixture
async def full(tmp_path: Path) -> AsyncIterator[LocalBlobStore]:
    """The store with too little free space."""
    store = LocalBlobStore(tmp_path / "blobs", EVERYTHING)
    yield store
    await store.close()


async def test_uploads_that_begin_at_once_stay_within_the_quota(bench: Bench, ada: UUID, tmp_path: Path) -> None:
    uploads = limited(bench)
    found = await asyncio.gather(*(uploads.init(ada, a_file(200_000)) for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(each, Upload) for each in found) == 2
    assert sum(isinstance(each, QuotaExceeded) for each in found) == 6
    assert staged(tmp_path) == 2


async def test_the_same_upload_at_once_needs_its_room_once(bench: Bench, ada: UUID, tmp_path: Path) -> None:
    uploads, asked = limited(bench), replace(a_file(300_000), sha256="a" * 64)
    found = await asyncio.gather(*(uploads.init(ada, asked) for _ in range(5)))
    assert (len({upload.id for upload in found}), staged(tmp_path)) == (1, 1)


async def test_an_upload_that_ended_gives_its_room_back(bench: Bench, ada: UUID) -> None:
    uploads = limited(bench)
    first = await uploads.init(ada, a_file(QUOTA))
    with pytest.raises(QuotaExceeded):
        await uploads.init(ada, a_file(1))
    await uploads.abort(await uploads.reload(first))
    assert (await uploads.init(ada, a_file(QUOTA))).size == QUOTA


async def test_a_quota_is_its_accounts_alone(bench: Bench, ada: UUID, bob: UUID) -> None:
    uploads = limited(bench)
    for account in (ada, bob):
        assert (await uploads.init(account, a_file(QUOTA))).size == QUOTA


async def test_a_granted_quota_replaces_that_of_the_settings_at_once(bench: Bench, ada: UUID, bob: UUID) -> None:
    uploads = limited(bench)
    await limit_overrides.change(ada, {GrantKind.QUOTA: (2 * QUOTA, None)}, now())
    assert (await uploads.init(ada, a_file(2 * QUOTA))).size == 2 * QUOTA
    await limit_overrides.change(ada, {GrantKind.QUOTA: (NO_LIMIT, None)}, now())
    assert (await uploads.init(ada, a_file(QUOTA))).size == QUOTA
    assert [(await uploads.space(account)).quota for account in (ada, bob)] == [None, QUOTA]
    with pytest.raises(QuotaExceeded):
        await uploads.init(bob, a_file(2 * QUOTA))


async def test_an_account_above_its_quota_keeps_its_uploads_and_begins_none(bench: Bench, ada: UUID) -> None:
    running = await bench.uploads.init(ada, a_file(QUOTA))
    await limit_overrides.change(ada, {GrantKind.QUOTA: (1_000, None)}, now())
    with pytest.raises(QuotaExceeded, match=f"{QUOTA} of 1000 bytes are used or reserved"):
        await limited(bench).init(ada, a_file(1))
    await send_all(bench, running)
    assert (await bench.uploads.reload(running)).status is UploadStatus.REASSEMBLING


@pytest.mark.parametrize("size", [QUOTA + 1, 2**39])
async def test_what_exceeds_the_quota_never_touches_the_disk(
    bench: Bench, ada: UUID, full: LocalBlobStore, size: int
) -> None:
    """The disk is full as well, but the error is that of the quota."""
    with pytest.raises(ExpectedError) as refused:
        await limited(bench, full).init(ada, a_file(size, None))
    assert (type(refused.value), refused.value.field) == (QuotaExceeded, "size")


async def test_above_the_mark_nothing_begins_and_what_runs_finishes(
    bench: Bench, ada: UUID, full: LocalBlobStore, tmp_path: Path
) -> None:
    running = await bench.uploads.init(ada, a_file(100_000))
    with pytest.raises(StorageFull):
        await limited(bench, full).init(ada, a_file(1))
    assert (await Upload.all().count(), staged(tmp_path)) == (1, 1)
    async with full.slot(str(running.id), 0, 65_536) as slot:
        await slot.write([b"x" * 65_536])
        await slot.finish()
    await full.publish(str(running.id))
