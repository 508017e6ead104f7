"""Verification: every byte is compared with its receipt, from the first slot on."""

import asyncio
import contextlib
import os
import zlib
from pathlib import Path

import pytest

from storage.blobs import LocalBlobStore
from storage.errors import BlobNotFound
from storage.uploads import receipts
from storage.uploads.models import Chunk, Upload
from tests.support.server import digest
from tests.workers.conftest import full_upload
from workers.uploads.verification import Verification

CONTENT = bytes(range(256)) * 1000

pytestmark = pytest.mark.usefixtures("database")


async def run(verification: Verification, upload: Upload) -> None:
    for receipt in await receipts.find_all(upload.id, verification.index):
        await verification.advance(receipt)


async def test_the_digest_is_that_of_the_whole(store: LocalBlobStore) -> None:
    upload = await full_upload(store, CONTENT)
    verification = Verification(upload, store)
    await run(verification, upload)
    assert (verification.sha256, verification.damaged) == (digest(CONTENT), [])
    assert verification.crc32 == zlib.crc32(CONTENT)
    assert (verification.index, verification.done) == (upload.chunk_count, len(CONTENT))


@pytest.mark.parametrize("changes", [{"xxh3": "0" * 32}, {"xxh3": None, "sha256": "0" * 64}], ids=["xxh3", "sha256"])
async def test_bytes_that_are_not_as_their_receipt_says_are_damaged(
    store: LocalBlobStore, changes: dict[str, str | None]
) -> None:
    upload = await full_upload(store, CONTENT)
    await Chunk.filter(upload_id=upload.id, index=2).update(**changes)
    verification = Verification(upload, store)
    await run(verification, upload)
    assert verification.damaged == [2]


async def test_a_receipt_from_before_there_was_a_second_digest_is_compared_by_its_first(store: LocalBlobStore) -> None:
    upload = await full_upload(store, CONTENT)
    await Chunk.filter(upload_id=upload.id).update(xxh3=None)
    verification = Verification(upload, store)
    await run(verification, upload)
    assert (verification.sha256, verification.damaged) == (digest(CONTENT), [])


async def test_a_slot_without_a_receipt_counts_as_damaged(store: LocalBlobStore) -> None:
    upload = await full_upload(store, CONTENT)
    verification = Verification(upload, store)
    await verification.advance(None)
    await run(verification, upload)
    assert (verification.damaged, verification.index) == ([0], upload.chunk_count)


async def test_what_was_verified_does_not_hold_where_the_upload_continues_elsewhere(store: LocalBlobStore) -> None:
    upload = await full_upload(store, CONTENT)
    verification = Verification(upload, store)
    await run(verification, upload)
    assert await verification.holds(upload)
    upload.staging = "elsewhere"
    assert not await verification.holds(upload)


async def test_a_cancelled_step_leaves_it_as_it_was(store: LocalBlobStore) -> None:
    upload = await full_upload(store, CONTENT)
    verification = Verification(upload, store)
    first, *_ = await receipts.find_all(upload.id)
    for turns in range(5):
        step = asyncio.create_task(verification.advance(first))
        for _ in range(turns):
            await asyncio.sleep(0)
        step.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await step
        assert (verification.index, verification.sha256) == (0, digest(b""))
    await run(verification, upload)
    assert (verification.sha256, verification.damaged) == (digest(CONTENT), [])


async def test_bytes_that_are_gone_are_no_damage(store: LocalBlobStore) -> None:
    upload = await full_upload(store, CONTENT)
    await store.discard(str(upload.id))
    with pytest.raises(BlobNotFound):
        await run(Verification(upload, store), upload)


async def test_the_file_stays_open_from_the_first_read_on_as_long_as_the_verification_counts(
    store: LocalBlobStore,
) -> None:
    """Otherwise the kernel forgets that it could not write the file, and the fsync before publishing succeeds."""
    upload = await full_upload(store, CONTENT)
    verification = Verification(upload, store)
    await verification.advance((await receipts.find_all(upload.id))[0])
    assert open_files(upload) == 1
    del verification
    assert open_files(upload) == 0


def open_files(upload: Upload) -> int:
    """How many descriptors of this process the upload's file has."""
    links = [os.readlink(link) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return sum(Path(link).name == str(upload.id) for link in links)
