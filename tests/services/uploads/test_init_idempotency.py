"""Starting an upload again: only the same file finds the open upload."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from services.core.clock import now
from services.media.types import Compression, CompressionPreset
from services.uploads.types import NewUpload
from storage.uploads.models import Upload, UploadStatus
from tests.services.conftest import Bench, a_file

FAST = Compression(CompressionPreset.FAST)
KNOWN = replace(a_file(chunk_size=None), sha256="a" * 64)
#: With a chunk size and compression that only its client requested.
SPECIAL = replace(KNOWN, chunk_size=65_536, compress=FAST)


def staged(tmp_path: Path) -> list[str]:
    return [path.name for path in (tmp_path / "blobs" / "staging").iterdir()]


async def test_the_same_file_finds_its_open_upload(bench: Bench, ada: UUID, tmp_path: Path) -> None:
    first, again = [await bench.uploads.init(ada, KNOWN) for _ in range(2)]
    assert again.id == first.id
    assert staged(tmp_path) == [str(first.id)]


async def test_the_same_file_at_once_gives_one_upload(bench: Bench, ada: UUID, tmp_path: Path) -> None:
    found = {upload.id for upload in await asyncio.gather(*(bench.uploads.init(ada, KNOWN) for _ in range(8)))}
    assert staged(tmp_path) == [str(key) for key in found]
    assert await Upload.all().count() == 1


@pytest.mark.parametrize(
    "asked", [SPECIAL, replace(KNOWN, chunk_size=65_536), replace(KNOWN, compress=FAST), KNOWN], ids=str
)
async def test_what_is_not_asked_for_may_be_as_it_is(bench: Bench, ada: UUID, asked: NewUpload) -> None:
    first = await bench.uploads.init(ada, SPECIAL)
    assert (await bench.uploads.init(ada, asked)).id == first.id


async def test_an_upload_with_a_key_is_found_by_its_file_too(bench: Bench, ada: UUID) -> None:
    first = await bench.uploads.init(ada, replace(KNOWN, idempotency_key="key"))
    assert (await bench.uploads.init(ada, KNOWN)).id == first.id


@pytest.mark.parametrize(
    "asked",
    [
        replace(SPECIAL, file_name="other.bin"),
        replace(SPECIAL, size=200_001),
        replace(SPECIAL, sha256="b" * 64),
        replace(SPECIAL, sha256=None),
        replace(SPECIAL, chunk_size=131_072),
        replace(SPECIAL, compress=Compression(CompressionPreset.SMALL)),
        replace(SPECIAL, idempotency_key="a new one"),
    ],
    ids=str,
)
async def test_anything_else_is_another_upload(bench: Bench, ada: UUID, asked: NewUpload) -> None:
    first = await bench.uploads.init(ada, SPECIAL)
    assert (await bench.uploads.init(ada, asked)).id != first.id


async def test_without_a_digest_nothing_is_the_same(bench: Bench, ada: UUID) -> None:
    first, again = [await bench.uploads.init(ada, a_file()) for _ in range(2)]
    assert again.id != first.id


async def test_another_accounts_open_upload_is_not_found(bench: Bench, ada: UUID, bob: UUID) -> None:
    first = await bench.uploads.init(ada, KNOWN)
    assert (await bench.uploads.init(bob, KNOWN)).id != first.id


async def test_an_aborted_upload_is_not_taken_up_again(bench: Bench, ada: UUID) -> None:
    first = await bench.uploads.init(ada, KNOWN)
    await bench.uploads.abort(await bench.uploads.reload(first))
    assert (await bench.uploads.init(ada, KNOWN)).id != first.id


async def test_a_late_upload_makes_room_before_the_sweeper_comes(bench: Bench, ada: UUID, tmp_path: Path) -> None:
    first = await bench.uploads.init(ada, KNOWN)
    await Upload.filter(id=first.id).update(expires_at=now() - timedelta(seconds=1))
    again = await bench.uploads.init(ada, KNOWN)
    assert staged(tmp_path) == [str(again.id)]
    assert (await Upload.get(id=first.id)).status is UploadStatus.EXPIRED


async def test_an_upload_that_is_being_verified_is_still_the_same(bench: Bench, ada: UUID) -> None:
    """A damaged chunk may open one of its slots again."""
    first = await bench.uploads.init(ada, KNOWN)
    await Upload.filter(id=first.id).update(status=UploadStatus.REASSEMBLING)
    assert (await bench.uploads.init(ada, KNOWN)).id == first.id
