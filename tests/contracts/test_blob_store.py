"""What every blob store promises about blobs and full devices, tested for each implementation."""

import asyncio
import itertools
from pathlib import Path

import pytest

from storage.blobs import BLOCK, BlobStore
from storage.errors import BlobNotFound, NoSpace, StoreUnavailable
from tests.contracts.blob_backends import (
    BIG,
    CONTENT,
    SLOT,
    BlobBackend,
    bytes_of,
    fill,
    full_from,
    only_where,
    published,
    scanned,
    staged,
)

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
    await published(blob_store, key, b"".join(BIG[:3]))
    blocks = [block async for block in blob_store.read(key, 1, 3 * BLOCK)]
    assert max(map(len, blocks)) <= BLOCK
    assert b"".join(blocks) == b"".join(BIG[:3])[1:]


async def test_a_reader_chooses_the_size_of_each_block(blob_store: BlobStore, key: str) -> None:
    await published(blob_store, key)
    sizes = itertools.chain([3, 1], itertools.repeat(5))
    blocks = [block async for block in blob_store.read(key, 0, 9, lambda: next(sizes))]
    assert max(map(len, blocks)) <= 5
    assert len(blocks[0]) <= 3
    assert b"".join(blocks) == CONTENT[:9]


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
    made = await staged(blob_store, key)
    await blob_store.delete(key)
    await blob_store.seal(made.area, made.parts)
    assert await scanned(blob_store, made.area, 0, len(CONTENT)) == CONTENT


async def test_a_local_file_is_taken_over_as_a_blob(blob_store: BlobStore, key: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(CONTENT)
    await blob_store.put(key, source)
    assert await bytes_of(blob_store.read(key, 0, len(CONTENT))) == CONTENT
    assert not source.exists()


async def test_a_blob_is_there_for_the_next_process(blob_backend: BlobBackend, key: str) -> None:
    await published(blob_backend.store, key)
    other = await blob_backend.open()
    assert await bytes_of(other.read(key, 0, len(CONTENT))) == CONTENT
    await other.close()


# A full device, and a broken one


async def test_no_space_is_reserved_on_a_full_device(blob_backend: BlobBackend, key: str) -> None:
    only_where(blob_backend.full_from)
    with full_from(blob_backend, SLOT), pytest.raises(NoSpace):
        await blob_backend.store.stage(key, len(CONTENT))
    with pytest.raises(BlobNotFound):
        await fill(blob_backend.store, key, 0, b"bytes")


async def test_a_staging_area_that_finds_no_more_space_keeps_its_bytes(blob_backend: BlobBackend, key: str) -> None:
    only_where(blob_backend.full_from)
    await staged(blob_backend.store, key, CONTENT[:SLOT])
    with full_from(blob_backend, SLOT), pytest.raises(NoSpace):
        await blob_backend.store.stage(key, len(CONTENT))
    assert await scanned(blob_backend.store, key, 0, SLOT) == CONTENT[:SLOT]


async def test_a_full_device_fails_the_writer_and_spares_what_was_stored(blob_backend: BlobBackend, key: str) -> None:
    only_where(blob_backend.full_from)
    await blob_backend.store.stage(key, len(CONTENT))
    await fill(blob_backend.store, key, 0, CONTENT[:SLOT])
    with full_from(blob_backend, SLOT + 10), pytest.raises(NoSpace):
        await fill(blob_backend.store, key, SLOT, CONTENT[SLOT : 2 * SLOT])
    assert await scanned(blob_backend.store, key, 0, SLOT) == CONTENT[:SLOT]


async def test_a_slot_can_be_filled_once_there_is_space_again(blob_backend: BlobBackend, key: str) -> None:
    only_where(blob_backend.full_from)
    await blob_backend.store.stage(key, len(CONTENT))
    with full_from(blob_backend, 10), pytest.raises(NoSpace):
        await fill(blob_backend.store, key, 0, CONTENT)
    await fill(blob_backend.store, key, 0, CONTENT)
    assert await scanned(blob_backend.store, key, 0, len(CONTENT)) == CONTENT


async def test_a_writer_on_a_full_device_fails_again_and_again(blob_backend: BlobBackend, key: str) -> None:
    only_where(blob_backend.full_from)
    await blob_backend.store.stage(key, len(CONTENT))
    with full_from(blob_backend, 10):
        async with blob_backend.store.slot(key, 0, len(CONTENT)) as writer:
            await writer.write([CONTENT[:SLOT]])
            with pytest.raises(NoSpace):
                await writer.write([CONTENT[SLOT:]])
            with pytest.raises(NoSpace):
                await writer.finish()


async def test_a_store_that_works_passes_its_check(blob_store: BlobStore) -> None:
    await blob_store.check()


async def test_a_store_that_cannot_be_written_to_fails_its_check(blob_backend: BlobBackend) -> None:
    await asyncio.to_thread(blob_backend.break_down)
    with pytest.raises((OSError, StoreUnavailable)):
        await blob_backend.store.check()


async def test_the_smallest_slot_is_well_below_a_usual_chunk(blob_store: BlobStore) -> None:
    assert 0 < blob_store.min_chunk_size <= 5 * 1024 * 1024
