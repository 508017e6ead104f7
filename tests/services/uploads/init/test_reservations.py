"""No account can keep the others from uploading by uploads that it begins and does not send."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from services.core.clock import now
from services.core.counters import Counters
from services.core.errors import ErrorCode, ExpectedError, StorageFull
from services.uploads.errors import ReservationTooLarge, TooManyUploads, UploadClosed
from services.uploads.ingest import slot_authorization
from services.uploads.init.new_upload import UploadPolicy
from services.uploads.types import NewUpload
from services.uploads.uploads import Uploads
from storage.blobs import LocalBlobStore
from storage.errors import NoSpace
from storage.uploads.models import Upload, UploadStatus
from tests.services.conftest import LIFETIME, SENDER, Bench, a_file
from tests.services.uploads.test_init_known_chunks import OLD, SIZE, store_file, wanted
from tests.services.uploads.test_space import send_all, staged

DISK = 10_000_000
HALF = DISK // 2
WEEK = timedelta(days=7)
HOUR = timedelta(hours=1)


class SmallDisk(LocalBlobStore):
    """A store on a disk of its own, of which staging areas take space, but no blobs."""

    def __init__(self, root: Path, size: int = DISK) -> None:
        super().__init__(root)
        self._staging = root / "staging"
        self._size = size

    async def free_space(self) -> int:
        """See :class:`storage.blobs.base.BlobStore`."""
        return self._size - sum(path.stat().st_size for path in self._staging.iterdir())


class Endless(LocalBlobStore):
    """A store like S3, which reserves nothing."""

    async def free_space(self) -> None:  # type: ignore[override]
        """See :class:`storage.blobs.base.BlobStore`."""

    async def stage_all(self, areas: Sequence[tuple[str, int, int]]) -> list[str | NoSpace]:
        """See :class:`storage.blobs.base.BlobStore`."""
        return await super().stage_all([(key, 1, 1) for key, _, _ in areas])


@pytest.fixture
async def disk(tmp_path: Path) -> AsyncIterator[SmallDisk]:
    store = SmallDisk(tmp_path / "blobs")
    yield store
    await store.close()


def bounded(bench: Bench, store: LocalBlobStore, open_uploads: int = 1_000) -> Uploads:
    policy = UploadPolicy(2**60, WEEK, reservation_percent=50, open_uploads=open_uploads, first_chunk_lifetime=HOUR)
    return Uploads(store, bench.progress, bench.notifications, policy)


async def test_one_upload_reserves_at_most_its_share_of_the_free_disk(
    bench: Bench, ada: UUID, disk: SmallDisk, tmp_path: Path
) -> None:
    uploads = bounded(bench, disk)
    with pytest.raises(ReservationTooLarge, match=f"at most {HALF} bytes") as refused:
        await uploads.init(ada, a_file(HALF + 1))
    assert (refused.value.code, refused.value.field) == (ErrorCode.STORAGE_FULL, "size")
    assert refused.value.retry_after is None
    assert (staged(tmp_path), await Upload.all().count()) == (0, 0)
    assert (await uploads.init(ada, a_file(HALF))).size == HALF


async def test_refused_uploads_are_counted_by_their_code(bench: Bench, ada: UUID, disk: SmallDisk) -> None:
    counters, policy = Counters(), UploadPolicy(2**60, WEEK, quota=DISK, reservation_percent=50)
    uploads = Uploads(disk, bench.progress, bench.notifications, policy, counters)
    for size in (DISK + 1, HALF + 1, HALF + 2):
        with pytest.raises(ExpectedError):
            await uploads.init(ada, a_file(size))
    assert counters.uploads_refused == {"QUOTA_EXCEEDED": 1, "STORAGE_FULL": 2}


async def test_many_uploads_of_an_account_share_it_and_other_accounts_have_their_own(
    bench: Bench, ada: UUID, bob: UUID, disk: SmallDisk
) -> None:
    uploads = bounded(bench, disk)
    for _ in range(5):
        await uploads.init(ada, a_file(HALF // 5))
    with pytest.raises(ReservationTooLarge, match=f"reserved {HALF} bytes .* finish or abort") as refused:
        await uploads.init(ada, a_file(1))
    assert refused.value.retry_after == StorageFull.retry_after
    assert (await uploads.init(bob, a_file(HALF // 2))).size == HALF // 2
    with pytest.raises(ReservationTooLarge):
        await uploads.init(bob, a_file(1))


async def test_bytes_that_have_arrived_no_longer_count(bench: Bench, ada: UUID, disk: SmallDisk) -> None:
    uploads, own = bounded(bench, disk), replace(bench, store=disk)
    first = await uploads.init(ada, a_file(65_536 * 60))
    with pytest.raises(ReservationTooLarge):
        await uploads.init(ada, a_file(2_000_000))
    await send_all(own, first)
    assert (await uploads.init(ada, a_file(2_000_000))).status is UploadStatus.RECEIVING


async def test_an_aborted_upload_reserves_nothing(bench: Bench, ada: UUID, disk: SmallDisk) -> None:
    uploads = bounded(bench, disk)
    await uploads.abort(await uploads.init(ada, a_file(HALF)))
    assert (await uploads.init(ada, a_file(HALF))).size == HALF


async def test_chunks_that_the_account_has_count_as_not_sent(bench: Bench, ada: UUID, disk: SmallDisk) -> None:
    """Otherwise an upload of one small chunk, a thousand times, would reserve the disk without a byte being sent."""
    await store_file(bench, ada, OLD)
    uploads = bounded(bench, disk)
    repeated = [OLD[0]] * (HALF // SIZE - 1) + [b"x" * SIZE]
    upload = await uploads.init(ada, wanted(repeated))
    assert (upload.received_chunks, upload.known_bytes) == (len(repeated) - 1, (len(repeated) - 1) * SIZE)
    with pytest.raises(ReservationTooLarge):
        await uploads.init(ada, a_file(2 * SIZE))


@pytest.mark.parametrize("processes", [1, 4])
async def test_uploads_that_begin_at_once_stay_within_the_share(
    bench: Bench, ada: UUID, disk: SmallDisk, tmp_path: Path, processes: int
) -> None:
    each = [bounded(bench, disk) for _ in range(processes)]
    size = HALF // 8
    found = await asyncio.gather(
        *(each[n % processes].init(ada, a_file(size)) for n in range(24)), return_exceptions=True
    )
    begun = sum(isinstance(one, Upload) for one in found)
    assert sum(isinstance(one, ReservationTooLarge | StorageFull) for one in found) == 24 - begun
    assert 0 < begun <= 8
    assert begun == 8 or processes > 1
    assert staged(tmp_path) == begun == await Upload.all().count()


async def test_a_file_of_500_gib_fits_on_a_large_disk_and_a_store_without_reservations(
    bench: Bench, ada: UUID, tmp_path: Path
) -> None:
    size = 500 * 2**30
    store = Endless(tmp_path / "blobs")
    assert (await bounded(bench, store).init(ada, NewUpload("file.bin", size))).size == size
    await store.close()


@pytest.mark.parametrize("processes", [1, 4])
async def test_an_account_has_a_bounded_number_of_open_uploads(
    bench: Bench, ada: UUID, bob: UUID, store: LocalBlobStore, tmp_path: Path, processes: int
) -> None:
    each = [bounded(bench, store, open_uploads=5) for _ in range(processes)]
    found = await asyncio.gather(*(each[n % processes].init(ada, a_file(1)) for n in range(20)), return_exceptions=True)
    begun = [one for one in found if isinstance(one, Upload)]
    assert (len(begun), sum(isinstance(one, TooManyUploads) for one in found)) == (5, 15)
    assert staged(tmp_path) == 5
    assert isinstance(await each[0].init(bob, a_file(1)), Upload)
    await each[0].abort(begun[0])
    assert isinstance(await each[0].init(ada, a_file(1)), Upload)
    with pytest.raises(TooManyUploads, match="5 open uploads"):
        await each[0].init(ada, a_file(1))


async def test_the_same_upload_is_found_although_no_other_may_begin(
    bench: Bench, ada: UUID, store: LocalBlobStore
) -> None:
    uploads, same = bounded(bench, store, open_uploads=1), replace(a_file(), sha256="a" * 64)
    found = await asyncio.gather(*(uploads.init(ada, same) for _ in range(4)))
    assert len({upload.id for upload in found}) == 1


async def test_an_upload_expires_soon_unless_a_chunk_begins_to_arrive(
    bench: Bench, ada: UUID, store: LocalBlobStore
) -> None:
    uploads = bounded(bench, store)
    upload = await uploads.init(ada, a_file())
    assert now() + HOUR / 2 < upload.expires_at <= now() + HOUR
    async with bench.ingest.open(slot_authorization(upload, 0), SENDER):
        # However long this chunk takes, the upload does not expire meanwhile.
        assert (await uploads.reload(upload)).expires_at > now() + LIFETIME - HOUR / 2
    await Upload.filter(id=upload.id).update(expires_at=now() - timedelta(seconds=1))
    with pytest.raises(UploadClosed):
        async with bench.ingest.open(slot_authorization(upload, 0), SENDER):
            pass
    assert await uploads.expire() == 1


async def test_an_upload_never_waits_longer_for_its_first_chunk_than_for_any_other(
    bench: Bench, ada: UUID, store: LocalBlobStore
) -> None:
    policy = UploadPolicy(2**60, timedelta(minutes=5), first_chunk_lifetime=HOUR)
    uploads = Uploads(store, bench.progress, bench.notifications, policy)
    assert (await uploads.init(ada, a_file())).expires_at <= now() + timedelta(minutes=5)
