"""Uploads below the API: limits, slots, and leftovers at their end."""

import asyncio
import resource
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from services.core.clock import now
from services.core.errors import ExpectedError, InvalidInput, NotFound, StorageFull
from services.uploads.chunk_sizes import MAX_CHUNK_SIZE, MAX_CHUNKS, MIB, default_chunk_size
from services.uploads.errors import ChunksMissing, IdempotencyConflict, TooLarge, UploadClosed
from services.uploads.init.new_upload import UploadPolicy
from services.uploads.types import NewUpload
from services.uploads.uploads import Uploads
from storage.database.pages import Window
from storage.uploads.models import Chunk, Upload, UploadStatus
from storage.uploads.uploads import UploadFilter
from tests.services.conftest import LIFETIME, Bench, a_file

KEY = "the same every time"


def staged(tmp_path: Path) -> list[str]:
    return [path.name for path in (tmp_path / "blobs" / "staging").iterdir()]


async def test_an_upload_has_its_place_from_the_beginning(bench: Bench, ada: UUID, tmp_path: Path) -> None:
    upload = await bench.uploads.init(ada, a_file(200_000))
    assert upload.status is UploadStatus.RECEIVING
    assert staged(tmp_path) == [str(upload.id)]
    assert (tmp_path / "blobs" / "staging" / str(upload.id)).stat().st_size == 200_000


REFUSED: dict[str, tuple[NewUpload, type[ExpectedError], str]] = {
    "negative": (a_file(-1), InvalidInput, "size"),
    "too large": (a_file(2**53, None), TooLarge, "size"),
    "chunks too small": (a_file(chunk_size=65_535), InvalidInput, "chunkSize"),
    "chunks of nothing": (a_file(chunk_size=0), InvalidInput, "chunkSize"),
    "chunks too large": (a_file(chunk_size=MAX_CHUNK_SIZE + 1), InvalidInput, "chunkSize"),
    "too many chunks": (a_file(65_536 * MAX_CHUNKS + 1), InvalidInput, "chunkSize"),
    "no name": (replace(a_file(), file_name=""), InvalidInput, "fileName"),
    "no digest": (replace(a_file(), sha256="abc"), InvalidInput, "sha256"),
    "no type": (replace(a_file(), mime_type="video"), InvalidInput, "mimeType"),
    "no key": (replace(a_file(), idempotency_key=""), InvalidInput, "idempotencyKey"),
}


@pytest.mark.parametrize(("asked", "refusal", "field"), REFUSED.values(), ids=REFUSED.keys())
async def test_a_refused_upload_leaves_nothing(
    bench: Bench, ada: UUID, tmp_path: Path, asked: NewUpload, refusal: type[ExpectedError], field: str
) -> None:
    with pytest.raises(refusal) as refused:
        await bench.uploads.init(ada, asked)
    assert (refused.value.field, staged(tmp_path), await Upload.all().count()) == (field, [], 0)


async def test_a_file_that_does_not_fit_leaves_nothing(bench: Bench, ada: UUID, tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * MIB, before[1]))
    try:
        with pytest.raises(StorageFull):
            await bench.uploads.init(ada, a_file(65 * MIB))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (staged(tmp_path), await Upload.all().count()) == ([], 0)


@pytest.mark.parametrize(
    ("size", "chunk_size", "count"),
    [
        (1, 16 * MIB, 1),
        (16 * MIB, 16 * MIB, 1),
        (16 * MIB + 1, 16 * MIB, 2),
        (16 * MIB * MAX_CHUNKS, 16 * MIB, MAX_CHUNKS),
        (16 * MIB * MAX_CHUNKS + 1, 17 * MIB, 9_412),
        (MAX_CHUNK_SIZE * MAX_CHUNKS, MAX_CHUNK_SIZE, MAX_CHUNKS),
    ],
)
def test_chunks_grow_so_that_there_are_never_too_many(size: int, chunk_size: int, count: int) -> None:
    chosen = default_chunk_size(size)
    assert (chosen, Upload(size=size, chunk_size=chosen).chunk_count) == (chunk_size, count)


async def test_slots_cover_the_file_without_gap_or_overlap(bench: Bench, ada: UUID) -> None:
    upload = await bench.uploads.init(ada, a_file(200_000))
    slots = await bench.uploads.slots(upload, Window(100), missing=False)
    assert [(slot.index, slot.offset, slot.size) for slot in slots] == [
        (0, 0, 65_536),
        (1, 65_536, 65_536),
        (2, 131_072, 65_536),
        (3, 196_608, 3_392),
    ]


async def test_missing_slots_are_those_without_a_receipt(bench: Bench, ada: UUID) -> None:
    upload = await bench.uploads.init(ada, a_file(200_000))
    upload.received_chunks = 1
    await Chunk.create(upload=upload, index=1, size=65_536, sha256="-")
    assert await indexes(bench, upload, Window(2), missing=True) == [0, 2]
    assert await indexes(bench, upload, Window(9, after=2), missing=True) == [3]
    assert await indexes(bench, upload, Window(9, after=3), missing=True) == []


async def test_missing_slots_are_counted_by_the_receipts_of_the_upload(bench: Bench, ada: UUID) -> None:
    upload = await bench.uploads.init(ada, a_file(200_000))
    upload.received_chunks = 1
    assert [bench.uploads.count_slots(upload, missing=missing) for missing in (True, False)] == [3, 4]


@pytest.mark.parametrize(
    ("window", "missing", "expected"),
    [
        (Window(2, backwards=True), False, [2, 3]),
        (Window(2, before=3, backwards=True), False, [1, 2]),
        (Window(9, before=2, backwards=True), False, [0, 1]),
        (Window(9, before=0, backwards=True), False, []),
        (Window(9, after=0, before=3), False, [1, 2]),
        (Window(9, before=10**9), False, [0, 1, 2, 3]),
        (Window(9, after=10**9 - 1), False, []),
        (Window(2, backwards=True), True, [2, 3]),
        (Window(2, before=2, backwards=True), True, [0]),
    ],
)
async def test_a_window_of_slots_can_end_at_any_index(
    bench: Bench, ada: UUID, window: Window[int], missing: bool, expected: list[int]
) -> None:
    upload = await bench.uploads.init(ada, a_file(200_000))
    upload.received_chunks = 1
    await Chunk.create(upload=upload, index=1, size=65_536, sha256="-")
    assert await indexes(bench, upload, window, missing=missing) == expected


async def indexes(bench: Bench, upload: Upload, window: Window[int], *, missing: bool) -> list[int]:
    return [slot.index for slot in await bench.uploads.slots(upload, window, missing=missing)]


async def test_the_same_key_gives_the_same_upload(bench: Bench, ada: UUID, tmp_path: Path) -> None:
    first = await bench.uploads.init(ada, replace(a_file(), idempotency_key=KEY))
    again = await bench.uploads.init(ada, replace(a_file(), idempotency_key=KEY))
    assert (again.id, staged(tmp_path)) == (first.id, [str(first.id)])


async def test_the_same_key_at_once_gives_one_upload(bench: Bench, ada: UUID, tmp_path: Path) -> None:
    calls = [bench.uploads.init(ada, replace(a_file(), idempotency_key=KEY)) for _ in range(5)]
    found = {upload.id for upload in await asyncio.gather(*calls)}
    assert staged(tmp_path) == [str(key) for key in found]
    assert await Upload.all().count() == 1


@pytest.mark.parametrize(
    "other", [a_file(200_001), replace(a_file(), file_name="other.bin"), replace(a_file(), sha256="a" * 64)], ids=str
)
async def test_the_same_idempotency_key_for_another_file_is_a_conflict(
    bench: Bench, ada: UUID, tmp_path: Path, other: NewUpload
) -> None:
    first = await bench.uploads.init(ada, replace(a_file(), idempotency_key=KEY))
    with pytest.raises(IdempotencyConflict):
        await bench.uploads.init(ada, replace(other, idempotency_key=KEY))
    assert staged(tmp_path) == [str(first.id)]


async def test_a_key_is_its_owners_alone(bench: Bench, ada: UUID, bob: UUID) -> None:
    first = await bench.uploads.init(ada, replace(a_file(), idempotency_key=KEY))
    assert (await bench.uploads.init(bob, replace(a_file(), idempotency_key=KEY))).id != first.id


async def test_an_aborted_upload_leaves_nothing_and_frees_its_key(bench: Bench, ada: UUID, tmp_path: Path) -> None:
    first = await bench.uploads.init(ada, replace(a_file(), idempotency_key=KEY))
    for _ in range(2):
        assert (await bench.uploads.abort(await bench.uploads.reload(first))).status is UploadStatus.ABORTED
    assert staged(tmp_path) == []
    assert (await bench.uploads.init(ada, replace(a_file(), idempotency_key=KEY))).id != first.id


async def test_a_page_has_the_uploads_of_one_account_alone(bench: Bench, ada: UUID, bob: UUID) -> None:
    upload = await bench.uploads.init(ada, a_file())
    assert await bench.uploads.page(ada, UploadFilter(), Window(9)) == [upload]
    assert await bench.uploads.page(bob, UploadFilter(), Window(9)) == []
    assert (await bench.uploads.count(ada, UploadFilter()), await bench.uploads.count(bob, UploadFilter())) == (1, 0)
    assert await bench.uploads.count(ada, UploadFilter(UploadStatus.READY)) == 0


async def test_an_upload_that_was_deleted_meanwhile_is_not_found(bench: Bench, ada: UUID) -> None:
    upload = await bench.uploads.init(ada, a_file())
    await upload.delete()
    with pytest.raises(NotFound):
        await bench.uploads.reload(upload)


async def test_an_upload_is_not_complete_while_chunks_are_missing(bench: Bench, ada: UUID) -> None:
    upload = await bench.uploads.init(ada, a_file())
    with pytest.raises(ChunksMissing, match="4 of 4"):
        await bench.uploads.complete(await bench.uploads.reload(upload))


@pytest.mark.parametrize("status", [UploadStatus.ABORTED, UploadStatus.EXPIRED])
async def test_a_dead_upload_cannot_be_completed(bench: Bench, ada: UUID, status: UploadStatus) -> None:
    upload = await bench.uploads.init(ada, a_file())
    await Upload.filter(id=upload.id).update(status=status)
    with pytest.raises(UploadClosed):
        await bench.uploads.complete(await bench.uploads.reload(upload))


@pytest.mark.parametrize("status", [UploadStatus.REASSEMBLING, UploadStatus.COMPRESSING, UploadStatus.READY])
async def test_a_full_upload_can_be_completed_again_but_not_aborted(
    bench: Bench, ada: UUID, tmp_path: Path, status: UploadStatus
) -> None:
    upload = await bench.uploads.init(ada, a_file())
    await Upload.filter(id=upload.id).update(status=status)
    assert (await bench.uploads.complete(await bench.uploads.reload(upload))).status is status
    with pytest.raises(UploadClosed):
        await bench.uploads.abort(await bench.uploads.reload(upload))
    assert staged(tmp_path) == [str(upload.id)]


async def test_only_what_is_late_expires(bench: Bench, ada: UUID, tmp_path: Path) -> None:
    late, alive = [await bench.uploads.init(ada, a_file()) for _ in range(2)]
    await Upload.filter(id=late.id).update(expires_at=now() - timedelta(seconds=1))
    assert await bench.uploads.expire() == 1
    assert staged(tmp_path) == [str(alive.id)]
    assert (await Upload.get(id=late.id)).status is UploadStatus.EXPIRED


async def test_the_operators_limit_holds_to_the_byte(bench: Bench, ada: UUID) -> None:
    uploads = Uploads(bench.store, bench.progress, bench.notifications, UploadPolicy(1_000, LIFETIME))
    assert (await uploads.init(ada, a_file(1_000))).size == 1_000
    with pytest.raises(TooLarge, match="at most 1000 bytes"):
        await uploads.init(ada, a_file(1_001))


@pytest.mark.parametrize(
    ("file_name", "mime_type"),
    [("a.mp4", "video/mp4"), ("a.MKV", "video/x-matroska"), ("a", "application/octet-stream")],
)
async def test_a_type_that_was_not_said_is_guessed(bench: Bench, ada: UUID, file_name: str, mime_type: str) -> None:
    upload = await bench.uploads.init(ada, replace(a_file(), file_name=file_name))
    assert upload.mime_type == mime_type
