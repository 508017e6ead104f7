"""What every blob store promises, asked of each of them."""

import asyncio
import hashlib
import random
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    suppress,
)
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from storage.blobs import BLOCK, BlobStore, StoredObject, open_blob_store
from storage.errors import BlobNotFound, NoSpace, SlotLocked, SlotOverflow
from tests.support.disk import files_end_at
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]
SLOT = 100_000
#: A file system's clock may be a little behind.
CLOCK_GRAIN = timedelta(seconds=2)
CONTENT = random.Random(1).randbytes(10 * SLOT - 1)
BIG = [random.Random(2).randbytes(BLOCK)] * 48
#: Holds a slot until its standard input ends.
HOLDER = """
import asyncio, sys
from storage.blobs import open_blob_store
async def hold(url, key, offset, size):
    async with open_blob_store(url).slot(key, int(offset), int(size)):
        print("held", flush=True)
        await asyncio.to_thread(sys.stdin.read)
asyncio.run(hold(*sys.argv[1:]))
"""


@dataclass(frozen=True)
class Backend:
    """A store, and what can happen to it."""

    store: BlobStore
    #: Opens the same store, here or in another process.
    url: str
    #: As long as it is entered, nothing is stored past this offset of a file.
    full_from: Callable[[int], AbstractContextManager[None]]
    #: From now on nothing can be written at all.
    break_down: Callable[[], object]


@asynccontextmanager
async def local_backend(folder: Path) -> AsyncIterator[Backend]:
    root = folder / "a store"
    url = root.as_uri()
    store = open_blob_store(url)
    yield Backend(store, url, files_end_at, lambda: root.rename(folder / "gone"))
    await store.close()


OpenBackend = Callable[[Path], AbstractAsyncContextManager[Backend]]


@pytest.fixture(params=[local_backend])
async def backend(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Backend]:
    open_backend: OpenBackend = request.param
    async with open_backend(tmp_path) as opened:
        yield opened


@pytest.fixture
def blob_store(backend: Backend) -> BlobStore:
    return backend.store


@pytest.fixture
def key() -> str:
    return str(uuid4())


async def fill(store: BlobStore, key: str, offset: int, content: bytes) -> str:
    async with store.slot(key, offset, len(content)) as writer:
        await writer.write([content[: len(content) // 3], content[len(content) // 3 :]])
        return await writer.finish()


async def staged(store: BlobStore, key: str, content: bytes = CONTENT) -> None:
    await store.stage(key, len(content))
    await fill(store, key, 0, content)


async def published(store: BlobStore, key: str, content: bytes = CONTENT) -> None:
    await staged(store, key, content)
    await store.publish(key)


async def bytes_of(blocks: AsyncIterator[bytes]) -> bytes:
    return b"".join([block async for block in blocks])


async def is_free(store: BlobStore, key: str, offset: int, size: int) -> bool:
    try:
        async with store.slot(key, offset, size):
            return True
    except SlotLocked:
        return False


@asynccontextmanager
async def held_elsewhere(url: str, key: str, offset: int, size: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """Another process that holds a slot."""
    pipe = asyncio.subprocess.PIPE
    arguments = ["-c", HOLDER, url, key, str(offset), str(size)]
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, cwd=ROOT, stdin=pipe, stdout=pipe)
    assert process.stdin
    assert process.stdout
    try:
        assert await process.stdout.readline() == b"held\n"
        yield process
    finally:
        process.stdin.close()
        await process.wait()


# Slots


async def test_slots_filled_in_parallel_and_in_any_order_make_the_file(blob_store: BlobStore, key: str) -> None:
    await blob_store.stage(key, len(CONTENT))
    offsets = random.Random(3).sample(range(0, len(CONTENT), SLOT), 10)
    await asyncio.gather(*(fill(blob_store, key, start, CONTENT[start : start + SLOT]) for start in offsets))
    await blob_store.publish(key)
    assert await bytes_of(blob_store.read(key, 0, len(CONTENT))) == CONTENT


async def test_a_slot_takes_many_batches_of_many_parts(blob_store: BlobStore, key: str) -> None:
    await blob_store.stage(key, len(CONTENT))
    parts = [CONTENT[start : start + 777] for start in range(0, len(CONTENT), 777)]
    async with blob_store.slot(key, 0, len(CONTENT)) as writer:
        for start in range(0, len(parts), 10):
            await writer.write(parts[start : start + 10])
        await writer.finish()
    assert await bytes_of(blob_store.read_staged(key, 0, len(CONTENT))) == CONTENT


async def test_a_writer_counts_and_hashes_what_it_takes(blob_store: BlobStore, key: str) -> None:
    await blob_store.stage(key, len(CONTENT))
    async with blob_store.slot(key, 0, SLOT) as writer:
        assert writer.written == 0
        for start in range(0, SLOT, SLOT // 4):
            await writer.write([CONTENT[start : start + 100], b"", CONTENT[start + 100 : start + SLOT // 4]])
        assert await writer.finish() == hashlib.sha256(CONTENT[:SLOT]).hexdigest()
        assert writer.written == SLOT


async def test_a_slot_may_be_filled_again_with_other_bytes(blob_store: BlobStore, key: str) -> None:
    await staged(blob_store, key)
    await fill(blob_store, key, SLOT, CONTENT[:SLOT])
    there = await bytes_of(blob_store.read_staged(key, 0, len(CONTENT)))
    assert there == CONTENT[:SLOT] * 2 + CONTENT[2 * SLOT :]


async def test_a_slot_of_an_unknown_staging_area_is_refused(blob_store: BlobStore, key: str) -> None:
    with pytest.raises(BlobNotFound):
        await fill(blob_store, key, 0, b"bytes")


async def test_a_batch_past_the_slot_is_refused_and_its_neighbour_untouched(blob_store: BlobStore, key: str) -> None:
    await staged(blob_store, key)
    async with blob_store.slot(key, 0, SLOT) as writer:
        with pytest.raises(SlotOverflow):
            await writer.write([b"x" * SLOT, b"y"])
    assert await bytes_of(blob_store.read_staged(key, SLOT, SLOT)) == CONTENT[SLOT : 2 * SLOT]


async def test_a_later_batch_past_the_slot_is_refused_and_its_neighbour_untouched(
    blob_store: BlobStore, key: str
) -> None:
    await staged(blob_store, key)
    async with blob_store.slot(key, 0, SLOT) as writer:
        await writer.write([b"x" * SLOT])
        with pytest.raises(SlotOverflow):
            await writer.write([b"y"])
        assert await writer.finish() == hashlib.sha256(b"x" * SLOT).hexdigest()
    assert await bytes_of(blob_store.read_staged(key, SLOT, SLOT)) == CONTENT[SLOT : 2 * SLOT]


# Locks


async def test_a_slot_has_one_writer_in_a_process(blob_store: BlobStore, key: str) -> None:
    await blob_store.stage(key, len(CONTENT))
    async with blob_store.slot(key, 0, SLOT):
        with pytest.raises(SlotLocked):
            await fill(blob_store, key, 0, CONTENT[:SLOT])


async def test_a_slot_has_one_writer_among_two_stores_of_a_process(backend: Backend, key: str) -> None:
    await backend.store.stage(key, len(CONTENT))
    other = open_blob_store(backend.url)
    async with other.slot(key, 0, SLOT):
        assert not await is_free(backend.store, key, 0, SLOT)
    await other.close()


async def test_a_slot_has_one_writer_among_processes(backend: Backend, key: str) -> None:
    await backend.store.stage(key, len(CONTENT))
    async with held_elsewhere(backend.url, key, 0, SLOT):
        with pytest.raises(SlotLocked):
            await fill(backend.store, key, 0, CONTENT[:SLOT])
    assert await is_free(backend.store, key, 0, SLOT)


async def test_a_process_that_is_killed_frees_its_slot(backend: Backend, key: str) -> None:
    await backend.store.stage(key, len(CONTENT))
    async with held_elsewhere(backend.url, key, 0, SLOT) as process:
        process.kill()
        await process.wait()
        assert await is_free(backend.store, key, 0, SLOT)


async def test_a_locked_slot_leaves_its_neighbours_free(blob_store: BlobStore, key: str) -> None:
    await blob_store.stage(key, len(CONTENT))
    async with blob_store.slot(key, SLOT, SLOT):
        assert await is_free(blob_store, key, 0, SLOT)
        assert await is_free(blob_store, key, 2 * SLOT, SLOT)


async def test_a_refused_writer_does_not_free_the_slot(blob_store: BlobStore, key: str) -> None:
    await blob_store.stage(key, len(CONTENT))
    async with blob_store.slot(key, 0, SLOT):
        assert not await is_free(blob_store, key, 0, SLOT)
        assert not await is_free(blob_store, key, 0, SLOT)


async def test_a_writer_that_leaves_frees_the_slot(blob_store: BlobStore, key: str) -> None:
    await staged(blob_store, key)
    assert await is_free(blob_store, key, 0, SLOT)


async def test_a_writer_that_fails_frees_the_slot(blob_store: BlobStore, key: str) -> None:
    await blob_store.stage(key, len(CONTENT))
    with pytest.raises(ZeroDivisionError):
        async with blob_store.slot(key, 0, SLOT):
            raise ZeroDivisionError
    assert await is_free(blob_store, key, 0, SLOT)


async def write_for_ever(store: BlobStore, key: str, parts: list[bytes], started: asyncio.Event) -> None:
    async with store.slot(key, 0, sum(map(len, parts))) as writer:
        await writer.write(parts)
        started.set()
        await writer.finish()
        await asyncio.Event().wait()


async def test_a_cancelled_writer_frees_the_slot(blob_store: BlobStore, key: str) -> None:
    await blob_store.stage(key, len(CONTENT))
    started = asyncio.Event()
    task = asyncio.create_task(write_for_ever(blob_store, key, [CONTENT], started))
    await started.wait()
    task.cancel()
    await asyncio.wait({task})
    await eventually(lambda: is_free(blob_store, key, 0, len(CONTENT)))


async def leave_by_cancellation(store: BlobStore, key: str) -> None:
    started = asyncio.Event()
    task = asyncio.create_task(write_for_ever(store, key, BIG, started))
    await started.wait()
    task.cancel()
    await asyncio.wait({task})


async def leave_by_exception(store: BlobStore, key: str) -> None:
    with suppress(ZeroDivisionError):
        async with store.slot(key, 0, len(BIG) * BLOCK) as writer:
            await writer.write(BIG)
            raise ZeroDivisionError


@pytest.mark.parametrize("leave", [leave_by_cancellation, leave_by_exception])
async def test_a_writer_left_in_the_middle_of_a_batch_writes_into_no_other_file(
    leave: Callable[[BlobStore, str], Awaitable[None]], blob_store: BlobStore, key: str, tmp_path: Path
) -> None:
    """A descriptor closed too early is given to the next file that is opened, and the batch goes there."""
    await blob_store.stage(key, len(BIG) * BLOCK)
    await leave(blob_store, key)
    files = [(tmp_path / f"bystander-{number}").open("w+b") for number in range(10)]
    await eventually(lambda: is_free(blob_store, key, 0, len(BIG) * BLOCK))
    async with blob_store.slot(key, 0, len(BIG) * BLOCK) as writer:
        await writer.write(BIG)
        await writer.finish()
    assert [file.read() for file in files] == [b""] * 10
    for file in files:
        file.close()


# Staging areas


async def test_staging_twice_keeps_what_was_written(blob_store: BlobStore, key: str) -> None:
    await staged(blob_store, key)
    await blob_store.stage(key, len(CONTENT))
    assert await bytes_of(blob_store.read_staged(key, 0, len(CONTENT))) == CONTENT


async def test_what_is_staged_is_there_for_the_next_process(backend: Backend, key: str) -> None:
    await staged(backend.store, key)
    other = open_blob_store(backend.url)
    assert await bytes_of(other.read_staged(key, 0, len(CONTENT))) == CONTENT
    await other.close()


async def test_a_discarded_staging_area_is_gone(blob_store: BlobStore, key: str) -> None:
    await staged(blob_store, key)
    await blob_store.discard(key)
    with pytest.raises(BlobNotFound):
        await bytes_of(blob_store.read_staged(key, 0, 1))
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
        assert await writer.finish() == hashlib.sha256(CONTENT[:SLOT]).hexdigest()
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
    assert await bytes_of(blob_store.read_staged(key, SLOT, SLOT)) == CONTENT[SLOT : 2 * SLOT]


async def test_a_staging_area_ends_where_its_bytes_end(blob_store: BlobStore, key: str) -> None:
    await staged(blob_store, key)
    assert await bytes_of(blob_store.read_staged(key, len(CONTENT) - 10, 100)) == CONTENT[-10:]
    assert await bytes_of(blob_store.read_staged(key, len(CONTENT), 100)) == b""


async def test_a_staging_area_that_does_not_exist_cannot_be_read(blob_store: BlobStore, key: str) -> None:
    with pytest.raises(BlobNotFound):
        await anext(blob_store.read_staged(key, 0, 1))


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
    assert await bytes_of(blob_store.read_staged(key, 0, len(CONTENT))) == CONTENT


async def test_a_local_file_is_taken_over_as_a_blob(blob_store: BlobStore, key: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(CONTENT)
    await blob_store.put(key, source)
    assert await bytes_of(blob_store.read(key, 0, len(CONTENT))) == CONTENT
    assert not source.exists()


async def test_a_blob_is_there_for_the_next_process(backend: Backend, key: str) -> None:
    await published(backend.store, key)
    other = open_blob_store(backend.url)
    assert await bytes_of(other.read(key, 0, len(CONTENT))) == CONTENT
    await other.close()


# Listing


async def sizes(found: AsyncIterator[StoredObject]) -> dict[str, int]:
    return {one.key: one.size async for one in found}


async def test_a_new_store_is_empty(blob_store: BlobStore) -> None:
    assert [await sizes(blob_store.staged()), await sizes(blob_store.blobs())] == [{}, {}]


async def test_staging_areas_and_blobs_are_listed_apart_with_their_sizes(blob_store: BlobStore) -> None:
    await staged(blob_store, "0000-staged", b"four")
    await published(blob_store, "0000-published", b"bytes")
    assert await sizes(blob_store.staged()) == {"0000-staged": 4}
    assert await sizes(blob_store.blobs()) == {"0000-published": 5}


async def test_what_is_discarded_or_deleted_is_not_listed(blob_store: BlobStore, key: str) -> None:
    await published(blob_store, key)
    await staged(blob_store, key)
    await blob_store.discard(key)
    await blob_store.delete(key)
    assert [await sizes(blob_store.staged()), await sizes(blob_store.blobs())] == [{}, {}]


async def test_more_than_one_batch_is_listed_once_each(blob_store: BlobStore) -> None:
    keys = {str(uuid4()) for _ in range(1_100)}
    for key in keys:
        await blob_store.stage(key, 1)
    listed = [found.key async for found in blob_store.staged()]
    assert len(listed) == len(keys)
    assert set(listed) == keys


async def test_what_is_listed_can_be_removed_on_the_way(blob_store: BlobStore) -> None:
    for number in range(30):
        await published(blob_store, f"{number:04}", b"bytes")
    async for found in blob_store.blobs():
        await blob_store.delete(found.key)
    assert await sizes(blob_store.blobs()) == {}


async def test_the_age_of_what_is_listed_counts_from_the_last_bytes(blob_store: BlobStore, key: str) -> None:
    before = datetime.now(UTC) - CLOCK_GRAIN
    await published(blob_store, key)
    modified_at = (await anext(blob_store.blobs())).modified_at
    assert before <= modified_at <= datetime.now(UTC) + CLOCK_GRAIN


async def test_a_blob_is_described_as_it_is_listed(blob_store: BlobStore, key: str) -> None:
    await published(blob_store, key)
    assert await blob_store.stat(key) == await anext(blob_store.blobs())


async def test_an_unknown_blob_cannot_be_described(blob_store: BlobStore, key: str) -> None:
    await staged(blob_store, key)
    with pytest.raises(BlobNotFound):
        await blob_store.stat(key)


# A full device, and a broken one


async def test_no_room_is_reserved_on_a_full_device(backend: Backend, key: str) -> None:
    with backend.full_from(SLOT), pytest.raises(NoSpace):
        await backend.store.stage(key, len(CONTENT))
    with pytest.raises(BlobNotFound):
        await fill(backend.store, key, 0, b"bytes")


async def test_a_staging_area_that_finds_no_more_room_keeps_its_bytes(backend: Backend, key: str) -> None:
    await staged(backend.store, key, CONTENT[:SLOT])
    with backend.full_from(SLOT), pytest.raises(NoSpace):
        await backend.store.stage(key, len(CONTENT))
    assert await bytes_of(backend.store.read_staged(key, 0, SLOT)) == CONTENT[:SLOT]


async def test_a_full_device_fails_the_writer_and_spares_what_was_stored(backend: Backend, key: str) -> None:
    await backend.store.stage(key, len(CONTENT))
    await fill(backend.store, key, 0, CONTENT[:SLOT])
    with backend.full_from(SLOT + 10), pytest.raises(NoSpace):
        await fill(backend.store, key, SLOT, CONTENT[SLOT : 2 * SLOT])
    assert await bytes_of(backend.store.read_staged(key, 0, SLOT)) == CONTENT[:SLOT]


async def test_a_slot_can_be_filled_once_there_is_room_again(backend: Backend, key: str) -> None:
    await backend.store.stage(key, len(CONTENT))
    with backend.full_from(10), pytest.raises(NoSpace):
        await fill(backend.store, key, 0, CONTENT)
    await fill(backend.store, key, 0, CONTENT)
    assert await bytes_of(backend.store.read_staged(key, 0, len(CONTENT))) == CONTENT


async def test_a_writer_on_a_full_device_fails_again_and_again(backend: Backend, key: str) -> None:
    await backend.store.stage(key, len(CONTENT))
    with backend.full_from(10):
        async with backend.store.slot(key, 0, len(CONTENT)) as writer:
            await writer.write([CONTENT[:SLOT]])
            with pytest.raises(NoSpace):
                await writer.write([CONTENT[SLOT:]])
            with pytest.raises(NoSpace):
                await writer.finish()


async def test_a_store_that_works_passes_its_check(blob_store: BlobStore) -> None:
    await blob_store.check()


async def test_a_store_that_cannot_be_written_to_fails_its_check(backend: Backend) -> None:
    backend.break_down()
    with pytest.raises(OSError, match="cannot be written"):
        await backend.store.check()


async def test_the_smallest_slot_is_well_below_a_usual_chunk(blob_store: BlobStore) -> None:
    assert 0 < blob_store.min_chunk_size <= 5 * 1024 * 1024
