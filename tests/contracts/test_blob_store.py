"""What every blob store promises about staging areas and blobs, asked of each of them."""

import asyncio
import threading
from pathlib import Path
from uuid import uuid4

import pytest

from storage.blobs import BLOCK, BlobStore, open_blob_store
from storage.errors import BlobNotFound, NoSpace
from tests.contracts.blob_backends import (
    BIG,
    CONTENT,
    SLOT,
    BlobBackend,
    bytes_of,
    digests,
    fill,
    published,
    scanned,
    staged,
)

# Staging areas


async def test_staging_twice_keeps_what_was_written(blob_store: BlobStore, key: str) -> None:
    await staged(blob_store, key)
    await blob_store.stage(key, len(CONTENT))
    assert await scanned(blob_store, key, 0, len(CONTENT)) == CONTENT


async def test_what_is_staged_is_there_for_the_next_process(blob_backend: BlobBackend, key: str) -> None:
    await staged(blob_backend.store, key)
    other = open_blob_store(blob_backend.url)
    assert await scanned(other, key, 0, len(CONTENT)) == CONTENT
    await other.close()


async def test_a_discarded_staging_area_is_gone(blob_store: BlobStore, key: str) -> None:
    await staged(blob_store, key)
    await blob_store.discard(key)
    with pytest.raises(BlobNotFound):
        await scanned(blob_store, key, 0, 1)
    with pytest.raises(BlobNotFound):
        await fill(blob_store, key, 0, b"bytes")


async def test_discarding_what_is_not_there_is_harmless(blob_store: BlobStore, key: str) -> None:
    await blob_store.discard(key)
    await published(blob_store, key)
    await blob_store.discard(key)
    assert await bytes_of(blob_store.read(key, 0, len(CONTENT))) == CONTENT


async def test_a_writer_whose_staging_area_is_discarded_writes_into_nothing(blob_store: BlobStore, key: str) -> None:
    await blob_store.stage(key, len(CONTENT))
    async with blob_store.slot(key, 0, SLOT) as writer:
        await blob_store.discard(key)
        await writer.write([CONTENT[:SLOT]])
        assert await writer.finish() == digests(CONTENT[:SLOT])
    with pytest.raises(BlobNotFound):
        await blob_store.publish(key)


# Publishing


async def test_a_blob_has_the_bytes_that_were_staged(blob_store: BlobStore, key: str) -> None:
    await published(blob_store, key)
    assert await bytes_of(blob_store.read(key, 0, len(CONTENT))) == CONTENT


async def test_a_staging_area_is_no_blob_before_it_is_published(blob_store: BlobStore, key: str) -> None:
    await staged(blob_store, key)
    with pytest.raises(BlobNotFound):
        await bytes_of(blob_store.read(key, 0, 1))


async def test_a_published_blob_takes_no_more_bytes(blob_store: BlobStore, key: str) -> None:
    await published(blob_store, key)
    with pytest.raises(BlobNotFound):
        await fill(blob_store, key, 0, b"bytes")


async def test_publishing_twice_is_harmless(blob_store: BlobStore, key: str) -> None:
    await published(blob_store, key)
    await blob_store.publish(key)
    assert await bytes_of(blob_store.read(key, 0, len(CONTENT))) == CONTENT


async def test_publishing_twice_at_once_is_harmless(blob_store: BlobStore) -> None:
    """A worker that lost its lease may still be at it."""
    for key in (str(uuid4()) for _ in range(20)):
        await staged(blob_store, key, b"bytes")
        await asyncio.gather(*(blob_store.publish(key) for _ in range(8)))
        assert await bytes_of(blob_store.read(key, 0, 5)) == b"bytes"


async def test_what_does_not_exist_cannot_be_published(blob_store: BlobStore, key: str) -> None:
    with pytest.raises(BlobNotFound):
        await blob_store.publish(key)


async def test_what_was_staged_reads_the_same_once_it_is_published(blob_store: BlobStore, key: str) -> None:
    await published(blob_store, key)
    assert await scanned(blob_store, key, SLOT, SLOT) == CONTENT[SLOT : 2 * SLOT]


async def test_a_staging_area_ends_where_its_bytes_end(blob_store: BlobStore, key: str) -> None:
    await staged(blob_store, key)
    assert await scanned(blob_store, key, len(CONTENT) - 10, 100) == CONTENT[-10:]
    assert await scanned(blob_store, key, len(CONTENT), 100) == b""


async def test_a_staging_area_that_does_not_exist_cannot_be_read(blob_store: BlobStore, key: str) -> None:
    with pytest.raises(BlobNotFound):
        await scanned(blob_store, key, 0, 1)


async def test_a_scan_hands_on_blocks_of_a_bounded_size(blob_store: BlobStore, key: str) -> None:
    await staged(blob_store, key, b"".join(BIG))
    sizes: list[int] = []
    await blob_store.scan(key, 5, len(BIG) * BLOCK, lambda block: sizes.append(len(block)))
    assert sum(sizes) == len(BIG) * BLOCK - 5
    assert max(sizes) <= BLOCK


async def test_a_scan_ends_with_the_error_of_whoever_looks(blob_store: BlobStore, key: str) -> None:
    await staged(blob_store, key)
    with pytest.raises(IndexError):
        await blob_store.scan(key, 0, len(CONTENT), lambda block: [][len(block)])


async def test_nothing_is_handed_on_after_a_scan_was_cancelled(blob_store: BlobStore, key: str) -> None:
    await staged(blob_store, key, b"".join(BIG))
    began, go, after = threading.Event(), threading.Event(), False

    def consume(_: memoryview) -> None:
        assert not after
        began.set()
        go.wait()

    scan = asyncio.create_task(blob_store.scan(key, 0, len(BIG) * BLOCK, consume))
    await asyncio.to_thread(began.wait)
    scan.cancel()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await scan
    after = True
    assert await scanned(blob_store, key, 0, 5) == BIG[0][:5]


async def test_a_slot_is_filled_from_a_blob(blob_store: BlobStore, key: str) -> None:
    source = f"{key}-source"
    await published(blob_store, source)
    await blob_store.stage(key, len(CONTENT))
    await blob_store.copy_in(key, 10, SLOT, source, 2 * SLOT)
    there = await scanned(blob_store, key, 0, len(CONTENT))
    assert there == bytes(10) + CONTENT[2 * SLOT : 3 * SLOT] + bytes(len(CONTENT) - SLOT - 10)
    assert await bytes_of(blob_store.read(source, 0, len(CONTENT))) == CONTENT


async def test_what_is_not_there_is_not_copied(blob_store: BlobStore, key: str) -> None:
    source = f"{key}-source"
    await blob_store.stage(key, SLOT)
    await blob_store.copy_in(key, 0, SLOT, source, 0)
    assert await scanned(blob_store, key, 0, SLOT) == bytes(SLOT)
    await published(blob_store, source)
    await blob_store.copy_in(key, 0, SLOT, source, len(CONTENT) - 10)
    assert await scanned(blob_store, key, 0, SLOT) == CONTENT[-10:] + bytes(SLOT - 10)
    await blob_store.discard(key)
    await blob_store.copy_in(key, 0, SLOT, source, 0)
    with pytest.raises(BlobNotFound):
        await scanned(blob_store, key, 0, 1)


async def test_a_copy_that_finds_no_room_says_so(blob_backend: BlobBackend, key: str) -> None:
    source = f"{key}-source"
    await published(blob_backend.store, source)
    await blob_backend.store.stage(key, len(CONTENT))
    with blob_backend.full_from(SLOT), pytest.raises(NoSpace):
        await blob_backend.store.copy_in(key, 0, 2 * SLOT, source, 0)


async def test_writing_back_changes_nothing_and_is_harmless_where_nothing_is(blob_store: BlobStore, key: str) -> None:
    await blob_store.write_back(key, 0, SLOT)
    await staged(blob_store, key)
    await blob_store.write_back(key, SLOT, SLOT)
    assert await scanned(blob_store, key, 0, len(CONTENT)) == CONTENT


# Blobs


@pytest.mark.parametrize(
    ("offset", "length"),
    [
        (0, 0),
        (0, 1),
        (5, 1_000),
        (len(CONTENT) - 1, 1),
        (len(CONTENT) - 1, 100),
        (len(CONTENT), 100),
        (len(CONTENT) + 100, 100),
        (0, len(CONTENT) + 100),
    ],
)
async def test_any_range_of_a_blob_can_be_read(blob_store: BlobStore, key: str, offset: int, length: int) -> None:
    await published(blob_store, key)
    assert await bytes_of(blob_store.read(key, offset, length)) == CONTENT[offset : offset + length]


async def test_a_blob_is_read_in_blocks(blob_store: BlobStore, key: str) -> None:
    await blob_store.stage(key, 3 * BLOCK)
    async with blob_store.slot(key, 0, 3 * BLOCK) as writer:
        await writer.write(BIG[:3])
        await writer.finish()
    await blob_store.publish(key)
    blocks = [block async for block in blob_store.read(key, 1, 3 * BLOCK)]
    assert max(map(len, blocks)) <= BLOCK
    assert b"".join(blocks) == b"".join(BIG[:3])[1:]


async def test_an_unknown_blob_is_not_found_at_the_first_block(blob_store: BlobStore, key: str) -> None:
    with pytest.raises(BlobNotFound):
        await anext(blob_store.read(key, 0, 1))


async def test_a_blob_has_a_local_path(blob_store: BlobStore, key: str) -> None:
    await published(blob_store, key)
    async with blob_store.local_path(key) as path:
        assert path.read_bytes() == CONTENT


async def test_an_unknown_blob_has_no_local_path(blob_store: BlobStore, key: str) -> None:
    with pytest.raises(BlobNotFound):
        async with blob_store.local_path(key):
            pass


async def test_a_deleted_blob_is_gone(blob_store: BlobStore, key: str) -> None:
    await published(blob_store, key)
    await blob_store.delete(key)
    with pytest.raises(BlobNotFound):
        await anext(blob_store.read(key, 0, 1))


async def test_deleting_what_is_not_there_is_harmless(blob_store: BlobStore, key: str) -> None:
    await blob_store.delete(key)


async def test_deleting_a_blob_spares_a_staging_area_of_the_same_key(blob_store: BlobStore, key: str) -> None:
    await staged(blob_store, key)
    await blob_store.delete(key)
    assert await scanned(blob_store, key, 0, len(CONTENT)) == CONTENT


async def test_a_local_file_is_taken_over_as_a_blob(blob_store: BlobStore, key: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(CONTENT)
    await blob_store.put(key, source)
    assert await bytes_of(blob_store.read(key, 0, len(CONTENT))) == CONTENT
    assert not source.exists()


async def test_a_blob_is_there_for_the_next_process(blob_backend: BlobBackend, key: str) -> None:
    await published(blob_backend.store, key)
    other = open_blob_store(blob_backend.url)
    assert await bytes_of(other.read(key, 0, len(CONTENT))) == CONTENT
    await other.close()


# A full device, and a broken one


async def test_no_room_is_reserved_on_a_full_device(blob_backend: BlobBackend, key: str) -> None:
    with blob_backend.full_from(SLOT), pytest.raises(NoSpace):
        await blob_backend.store.stage(key, len(CONTENT))
    with pytest.raises(BlobNotFound):
        await fill(blob_backend.store, key, 0, b"bytes")


async def test_a_staging_area_that_finds_no_more_room_keeps_its_bytes(blob_backend: BlobBackend, key: str) -> None:
    await staged(blob_backend.store, key, CONTENT[:SLOT])
    with blob_backend.full_from(SLOT), pytest.raises(NoSpace):
        await blob_backend.store.stage(key, len(CONTENT))
    assert await scanned(blob_backend.store, key, 0, SLOT) == CONTENT[:SLOT]


async def test_a_full_device_fails_the_writer_and_spares_what_was_stored(blob_backend: BlobBackend, key: str) -> None:
    await blob_backend.store.stage(key, len(CONTENT))
    await fill(blob_backend.store, key, 0, CONTENT[:SLOT])
    with blob_backend.full_from(SLOT + 10), pytest.raises(NoSpace):
        await fill(blob_backend.store, key, SLOT, CONTENT[SLOT : 2 * SLOT])
    assert await scanned(blob_backend.store, key, 0, SLOT) == CONTENT[:SLOT]


async def test_a_slot_can_be_filled_once_there_is_room_again(blob_backend: BlobBackend, key: str) -> None:
    await blob_backend.store.stage(key, len(CONTENT))
    with blob_backend.full_from(10), pytest.raises(NoSpace):
        await fill(blob_backend.store, key, 0, CONTENT)
    await fill(blob_backend.store, key, 0, CONTENT)
    assert await scanned(blob_backend.store, key, 0, len(CONTENT)) == CONTENT


async def test_a_writer_on_a_full_device_fails_again_and_again(blob_backend: BlobBackend, key: str) -> None:
    await blob_backend.store.stage(key, len(CONTENT))
    with blob_backend.full_from(10):
        async with blob_backend.store.slot(key, 0, len(CONTENT)) as writer:
            await writer.write([CONTENT[:SLOT]])
            with pytest.raises(NoSpace):
                await writer.write([CONTENT[SLOT:]])
            with pytest.raises(NoSpace):
                await writer.finish()


async def test_a_store_that_works_passes_its_check(blob_store: BlobStore) -> None:
    await blob_store.check()


async def test_a_store_that_cannot_be_written_to_fails_its_check(blob_backend: BlobBackend) -> None:
    blob_backend.break_down()
    with pytest.raises(OSError, match="cannot be written"):
        await blob_backend.store.check()


async def test_the_smallest_slot_is_well_below_a_usual_chunk(blob_store: BlobStore) -> None:
    assert 0 < blob_store.min_chunk_size <= 5 * 1024 * 1024
