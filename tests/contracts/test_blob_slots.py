"""What every blob store promises about writing a slot, tested for each implementation."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from storage.blobs import BLOCK, BlobStore, Digests, Part
from storage.errors import BlobNotFound, SlotLocked, SlotOverflow
from tests.contracts.blob_backends import (
    BIG,
    CONTENT,
    SLOT,
    BlobBackend,
    bytes_of,
    fill,
    fill_all,
    held_elsewhere,
    is_free,
    only_where,
    same,
    scanned,
    staged,
    unknown,
)
from tests.support.waiting import eventually


async def test_slots_filled_in_parallel_and_in_any_order_make_the_file(blob_store: BlobStore, key: str) -> None:
    area = await blob_store.stage(key, len(CONTENT), SLOT)
    order = random.Random(3).sample(range(3), 3)

    async def one(index: int) -> Part:
        content = CONTENT[index * SLOT : (index + 1) * SLOT]
        return Part(index, index * SLOT, len(content), (await fill(blob_store, area, index * SLOT, content)).etag)

    parts = await asyncio.gather(*map(one, order))
    await blob_store.seal(area, sorted(parts, key=lambda part: part.index))
    assert await blob_store.publish(area) == key
    assert await bytes_of(blob_store.read(key, 0, len(CONTENT))) == CONTENT


async def test_a_slot_takes_many_batches_of_many_parts(blob_store: BlobStore, key: str) -> None:
    area, content = await blob_store.stage(key, 1_000_000), CONTENT[:1_000_000]
    parts = [content[start : start + 777] for start in range(0, len(content), 777)]
    async with blob_store.slot(area, 0, len(content)) as writer:
        for start in range(0, len(parts), 10):
            await writer.write(parts[start : start + 10])
        found = await writer.finish()
    await blob_store.seal(area, [Part(0, 0, len(content), found.etag)])
    assert await scanned(blob_store, area, 0, len(content)) == content


async def test_a_writer_counts_and_hashes_what_it_takes(blob_store: BlobStore, key: str) -> None:
    area = await blob_store.stage(key, len(CONTENT), SLOT)
    async with blob_store.slot(area, 0, SLOT) as writer:
        assert writer.written == 0
        for start in range(0, SLOT, SLOT // 4):
            await writer.write([CONTENT[start : start + 100], b"", CONTENT[start + 100 : start + SLOT // 4]])
        assert same(await writer.finish(), CONTENT[:SLOT])
        assert writer.written == SLOT


async def test_what_comes_on_a_thread_is_the_same(blob_store: BlobStore, key: str) -> None:
    area = await blob_store.stage(key, SLOT)
    async with blob_store.slot(area, 0, SLOT) as writer:
        assert writer.stores_on_threads
        block = bytearray(SLOT // 5)
        for start in range(0, SLOT, len(block)):
            block[:] = CONTENT[start : start + len(block)]
            await asyncio.to_thread(writer.store, memoryview(block))
        block[:] = bytes(len(block))
        found = await writer.finish()
    assert same(found, CONTENT[:SLOT])
    await blob_store.seal(area, [Part(0, 0, SLOT, found.etag)])
    assert await scanned(blob_store, area, 0, SLOT) == CONTENT[:SLOT]


async def test_a_slot_may_be_filled_again_with_other_bytes(blob_store: BlobStore, key: str) -> None:
    made = await staged(blob_store, key)
    again = await fill(blob_store, made.area, SLOT, CONTENT[:SLOT])
    await blob_store.seal(made.area, [made.parts[0], Part(1, SLOT, SLOT, again.etag), made.parts[2]])
    there = await scanned(blob_store, made.area, 0, len(CONTENT))
    assert there == CONTENT[:SLOT] * 2 + CONTENT[2 * SLOT :]


async def test_a_chunk_that_is_not_accepted_does_not_fill_its_slot(blob_store: BlobStore, key: str) -> None:
    def refuse(found: Digests) -> None:
        assert same(found, CONTENT[:SLOT])
        raise ZeroDivisionError

    area = await blob_store.stage(key, len(CONTENT), SLOT)
    async with blob_store.slot(area, 0, SLOT) as writer:
        await writer.write([CONTENT[:SLOT]])
        with pytest.raises(ZeroDivisionError):
            await writer.finish(refuse)
    made = await fill_all(blob_store, area)
    await blob_store.seal(area, made.parts)
    assert await scanned(blob_store, area, 0, len(CONTENT)) == CONTENT


async def test_a_slot_of_an_unknown_staging_area_is_refused(blob_store: BlobStore, key: str) -> None:
    with pytest.raises(BlobNotFound):
        await fill(blob_store, unknown(blob_store, key), 0, b"bytes")


async def test_a_batch_past_the_slot_is_refused_and_its_neighbour_untouched(blob_store: BlobStore, key: str) -> None:
    made = await staged(blob_store, key)
    async with blob_store.slot(made.area, 0, SLOT) as writer:
        with pytest.raises(SlotOverflow):
            await writer.write([b"x" * SLOT, b"y"])
    await blob_store.seal(made.area, made.parts)
    assert await scanned(blob_store, made.area, SLOT, SLOT) == CONTENT[SLOT : 2 * SLOT]


async def test_a_later_batch_past_the_slot_is_refused_and_its_neighbour_untouched(
    blob_store: BlobStore, key: str
) -> None:
    made = await staged(blob_store, key)
    async with blob_store.slot(made.area, 0, SLOT) as writer:
        await writer.write([b"x" * SLOT])
        with pytest.raises(SlotOverflow):
            await writer.write([b"y"])
        found = await writer.finish()
    assert same(found, b"x" * SLOT)
    await blob_store.seal(made.area, [Part(0, 0, SLOT, found.etag), *made.parts[1:]])
    assert await scanned(blob_store, made.area, SLOT, SLOT) == CONTENT[SLOT : 2 * SLOT]


# Locks


async def test_a_slot_has_one_writer_in_a_process(blob_store: BlobStore, key: str) -> None:
    area = await blob_store.stage(key, len(CONTENT), SLOT)
    async with blob_store.slot(area, 0, SLOT):
        with pytest.raises(SlotLocked):
            await fill(blob_store, area, 0, CONTENT[:SLOT])


async def test_a_slot_has_one_writer_among_two_stores_of_a_process(blob_backend: BlobBackend, key: str) -> None:
    area = await blob_backend.store.stage(key, len(CONTENT), SLOT)
    other = await blob_backend.open()
    async with other.slot(area, 0, SLOT):
        assert not await is_free(blob_backend.store, area, 0, SLOT)
    await other.close()


async def test_a_slot_has_one_writer_among_processes(blob_backend: BlobBackend, key: str) -> None:
    only_where(blob_backend.locks_processes)
    area = await blob_backend.store.stage(key, len(CONTENT), SLOT)
    async with held_elsewhere(blob_backend.url, area, 0, SLOT):
        with pytest.raises(SlotLocked):
            await fill(blob_backend.store, area, 0, CONTENT[:SLOT])
    assert await is_free(blob_backend.store, area, 0, SLOT)


async def test_a_process_that_is_killed_frees_its_slot(blob_backend: BlobBackend, key: str) -> None:
    only_where(blob_backend.locks_processes)
    area = await blob_backend.store.stage(key, len(CONTENT), SLOT)
    async with held_elsewhere(blob_backend.url, area, 0, SLOT) as process:
        process.kill()
        await process.wait()
        assert await is_free(blob_backend.store, area, 0, SLOT)


async def test_a_locked_slot_leaves_its_neighbours_free(blob_store: BlobStore, key: str) -> None:
    area = await blob_store.stage(key, len(CONTENT), SLOT)
    async with blob_store.slot(area, SLOT, SLOT):
        assert await is_free(blob_store, area, 0, SLOT)
        assert await is_free(blob_store, area, 2 * SLOT, SLOT)


async def test_a_refused_writer_does_not_free_the_slot(blob_store: BlobStore, key: str) -> None:
    area = await blob_store.stage(key, len(CONTENT), SLOT)
    async with blob_store.slot(area, 0, SLOT):
        assert not await is_free(blob_store, area, 0, SLOT)
        assert not await is_free(blob_store, area, 0, SLOT)


async def test_a_writer_that_leaves_frees_the_slot(blob_store: BlobStore, key: str) -> None:
    area = (await staged(blob_store, key)).area
    assert await is_free(blob_store, area, 0, SLOT)


async def test_a_writer_that_fails_frees_the_slot(blob_store: BlobStore, key: str) -> None:
    area = await blob_store.stage(key, len(CONTENT), SLOT)
    with pytest.raises(ZeroDivisionError):
        async with blob_store.slot(area, 0, SLOT):
            raise ZeroDivisionError
    assert await is_free(blob_store, area, 0, SLOT)


async def write_for_ever(store: BlobStore, area: str, parts: list[bytes], started: asyncio.Event) -> None:
    async with store.slot(area, 0, sum(map(len, parts))) as writer:
        await writer.write(parts)
        started.set()
        await writer.finish()
        await asyncio.Event().wait()


async def test_a_cancelled_writer_frees_the_slot(blob_store: BlobStore, key: str) -> None:
    area = await blob_store.stage(key, len(CONTENT), SLOT)
    started = asyncio.Event()
    task = asyncio.create_task(write_for_ever(blob_store, area, [CONTENT[:SLOT]], started))
    await started.wait()
    task.cancel()
    await asyncio.wait({task})
    await eventually(lambda: is_free(blob_store, area, 0, SLOT))


async def leave_by_cancellation(store: BlobStore, area: str) -> None:
    started = asyncio.Event()
    task = asyncio.create_task(write_for_ever(store, area, BIG, started))
    await started.wait()
    task.cancel()
    await asyncio.wait({task})


async def leave_by_exception(store: BlobStore, area: str) -> None:
    with suppress(ZeroDivisionError):
        async with store.slot(area, 0, len(BIG) * BLOCK) as writer:
            await writer.write(BIG)
            raise ZeroDivisionError


@pytest.mark.parametrize("leave", [leave_by_cancellation, leave_by_exception])
async def test_a_writer_left_in_the_middle_of_a_batch_writes_into_no_other_file(
    leave: Callable[[BlobStore, str], Awaitable[None]], blob_store: BlobStore, key: str, tmp_path: Path
) -> None:
    """If a descriptor were closed too early, the next opened file would get its number, and the batch."""
    area = await blob_store.stage(key, len(BIG) * BLOCK)
    await leave(blob_store, area)
    files = [(tmp_path / f"bystander-{number}").open("w+b") for number in range(10)]
    await eventually(lambda: is_free(blob_store, area, 0, len(BIG) * BLOCK))
    async with blob_store.slot(area, 0, len(BIG) * BLOCK) as writer:
        await writer.write(BIG)
        await writer.finish()
    assert [file.read() for file in files] == [b""] * 10
    for file in files:
        file.close()
