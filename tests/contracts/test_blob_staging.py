"""What every blob store promises about staging areas, tested for each implementation."""

import asyncio
import threading
from contextlib import suppress
from uuid import uuid4

import pytest

from storage.blobs import BLOCK, BlobStore, Part
from storage.errors import BlobNotFound, NoSpace, StagingLost
from tests.contracts.blob_backends import (
    CONTENT,
    SLOT,
    BlobBackend,
    bytes_of,
    fill,
    full_from,
    only_where,
    published,
    same,
    scanned,
    sealed,
    staged,
    unknown,
)

# Staging areas


async def test_staging_twice_keeps_what_was_written(blob_store: BlobStore, key: str) -> None:
    made = await staged(blob_store, key)
    await blob_store.stage(key, len(CONTENT), SLOT)
    await blob_store.seal(made.area, made.parts)
    assert await scanned(blob_store, made.area, 0, len(CONTENT)) == CONTENT


async def test_what_is_staged_is_there_for_the_next_process(blob_backend: BlobBackend, key: str) -> None:
    made = await staged(blob_backend.store, key)
    other = await blob_backend.open()
    assert await other.holds(made.area)
    await other.seal(made.area, made.parts)
    assert await scanned(other, made.area, 0, len(CONTENT)) == CONTENT
    await other.close()


async def test_a_discarded_staging_area_is_gone(blob_store: BlobStore, key: str) -> None:
    made = await staged(blob_store, key)
    await blob_store.discard(made.area)
    assert not await blob_store.holds(made.area)
    with pytest.raises(BlobNotFound):
        await scanned(blob_store, made.area, 0, 1)
    with pytest.raises(BlobNotFound):
        await fill(blob_store, made.area, 0, CONTENT[:SLOT])


async def test_discarding_what_is_not_there_is_harmless(blob_store: BlobStore, key: str) -> None:
    await blob_store.discard(unknown(blob_store, key))
    area = await published(blob_store, key)
    await blob_store.discard(area)
    assert await bytes_of(blob_store.read(key, 0, len(CONTENT))) == CONTENT
    assert await blob_store.holds(area)


async def test_what_was_sealed_and_never_published_can_be_discarded(blob_store: BlobStore, key: str) -> None:
    area = await sealed(blob_store, key, b"bytes")
    await blob_store.discard(area, sealed=True)
    assert not await blob_store.holds(area)
    with pytest.raises(BlobNotFound):
        await blob_store.prepare(area)


async def test_a_writer_whose_staging_area_is_discarded_writes_into_nothing(blob_store: BlobStore, key: str) -> None:
    area = await blob_store.stage(key, len(CONTENT), SLOT)
    with suppress(StagingLost):
        async with blob_store.slot(area, 0, SLOT) as writer:
            await blob_store.discard(area)
            await writer.write([CONTENT[:SLOT]])
            assert same(await writer.finish(), CONTENT[:SLOT])
    with pytest.raises(BlobNotFound):
        await blob_store.prepare(area)


# Sealing, reopening and publishing


async def test_a_blob_has_the_bytes_that_were_staged(blob_store: BlobStore, key: str) -> None:
    await published(blob_store, key)
    assert await bytes_of(blob_store.read(key, 0, len(CONTENT))) == CONTENT


async def test_a_staging_area_is_no_blob_before_it_is_published(blob_store: BlobStore, key: str) -> None:
    await staged(blob_store, key)
    with pytest.raises(BlobNotFound):
        await bytes_of(blob_store.read(key, 0, 1))


async def test_a_published_blob_takes_no_more_bytes(blob_store: BlobStore, key: str) -> None:
    area = await published(blob_store, key)
    with pytest.raises(BlobNotFound):
        await fill(blob_store, area, 0, CONTENT[:SLOT])


async def test_sealing_and_publishing_twice_is_harmless(blob_store: BlobStore, key: str) -> None:
    made = await staged(blob_store, key)
    for _ in range(2):
        await blob_store.seal(made.area, made.parts)
        assert await blob_store.publish(made.area) == key
    assert await bytes_of(blob_store.read(key, 0, len(CONTENT))) == CONTENT


async def test_sealing_and_publishing_twice_at_once_is_harmless(blob_store: BlobStore) -> None:
    """A worker that lost its lease may still work on it."""
    for key in (str(uuid4()) for _ in range(20 if blob_store.reads_staging else 5)):
        made = await staged(blob_store, key, b"bytes")
        await asyncio.gather(*(blob_store.seal(made.area, made.parts) for _ in range(4)))
        await asyncio.gather(*(blob_store.prepare(made.area) for _ in range(8)))
        await asyncio.gather(*(blob_store.publish(made.area) for _ in range(8)))
        assert await bytes_of(blob_store.read(key, 0, 5)) == b"bytes"


async def test_what_does_not_exist_cannot_be_published(blob_store: BlobStore, key: str) -> None:
    with pytest.raises(BlobNotFound):
        await blob_store.prepare(unknown(blob_store, key))


async def test_what_was_staged_reads_the_same_once_it_is_published(blob_store: BlobStore, key: str) -> None:
    area = await published(blob_store, key)
    assert await scanned(blob_store, area, SLOT, SLOT) == CONTENT[SLOT : 2 * SLOT]


async def test_a_slot_that_is_reopened_takes_other_bytes_and_the_others_keep_theirs(
    blob_store: BlobStore, key: str
) -> None:
    made = await staged(blob_store, key)
    await blob_store.seal(made.area, made.parts)
    place = await blob_store.reopen(made.area, [made.parts[0], made.parts[2]])
    assert sorted(place.etags) == [0, 2]
    better = CONTENT[:SLOT]
    etags = {**place.etags, 1: (await fill(blob_store, place.staging, SLOT, better)).etag}
    if place.staging != made.area:
        await blob_store.discard(made.area, sealed=True)
    await blob_store.seal(
        place.staging, [Part(part.index, part.offset, part.size, etags[part.index]) for part in made.parts]
    )
    whole = CONTENT[:SLOT] + better + CONTENT[2 * SLOT :]
    assert await scanned(blob_store, place.staging, 0, len(CONTENT)) == whole
    assert await bytes_of(blob_store.read(await blob_store.publish(place.staging), 0, len(CONTENT))) == whole


async def test_a_slot_can_be_reopened_before_anything_was_sealed(blob_store: BlobStore, key: str) -> None:
    made = await staged(blob_store, key)
    place = await blob_store.reopen(made.area, made.parts[1:])
    assert place.etags == {part.index: part.etag for part in made.parts[1:]}
    again = Part(0, 0, SLOT, (await fill(blob_store, place.staging, 0, CONTENT[:SLOT])).etag)
    await blob_store.seal(place.staging, [again, *made.parts[1:]])
    assert await scanned(blob_store, place.staging, 0, len(CONTENT)) == CONTENT


async def test_a_sealed_staging_area_ends_where_its_bytes_end(blob_store: BlobStore, key: str) -> None:
    area = await sealed(blob_store, key)
    assert await scanned(blob_store, area, len(CONTENT) - 10, 100) == CONTENT[-10:]
    assert await scanned(blob_store, area, len(CONTENT), 100) == b""


async def test_a_staging_area_that_does_not_exist_cannot_be_read(blob_store: BlobStore, key: str) -> None:
    with pytest.raises(BlobNotFound):
        await scanned(blob_store, unknown(blob_store, key), 0, 1)


async def test_slots_are_read_one_after_the_other_and_in_any_order(blob_store: BlobStore, key: str) -> None:
    area = await sealed(blob_store, key)
    for offset in (0, SLOT, 2 * SLOT, SLOT, 7, 8):
        assert await scanned(blob_store, area, offset, SLOT) == CONTENT[offset : offset + SLOT]


async def test_a_scan_hands_on_blocks_of_a_bounded_size(blob_store: BlobStore, key: str) -> None:
    area = await sealed(blob_store, key)
    sizes: list[int] = []
    await blob_store.scan(area, 5, len(CONTENT), lambda block: sizes.append(len(block)))
    assert sum(sizes) == len(CONTENT) - 5
    assert max(sizes) <= BLOCK


async def test_a_scan_raises_the_error_of_its_consumer(blob_store: BlobStore, key: str) -> None:
    area = await sealed(blob_store, key, b"bytes")
    with pytest.raises(IndexError):
        await blob_store.scan(area, 0, 5, lambda block: [][len(block)])


async def test_nothing_is_handed_on_after_a_scan_was_cancelled(blob_store: BlobStore, key: str) -> None:
    area = await sealed(blob_store, key)
    began, go, after = threading.Event(), threading.Event(), False

    def consume(_: memoryview) -> None:
        assert not after
        began.set()
        go.wait()

    scan = asyncio.create_task(blob_store.scan(area, 0, len(CONTENT), consume))
    await asyncio.to_thread(began.wait)
    scan.cancel()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await scan
    after = True
    assert await scanned(blob_store, area, 0, 5) == CONTENT[:5]


async def test_a_slot_is_filled_from_a_blob(blob_store: BlobStore, key: str) -> None:
    source = f"{key}-source"
    await published(blob_store, source)
    area = await blob_store.stage(key, 2 * SLOT, SLOT)
    etags = [
        await blob_store.copy_in(area, 0, SLOT, source, SLOT),
        await blob_store.copy_in(area, SLOT, SLOT, source, 10),
    ]
    await blob_store.seal(area, [Part(index, index * SLOT, SLOT, etag) for index, etag in enumerate(etags)])
    assert await scanned(blob_store, area, 0, 2 * SLOT) == CONTENT[SLOT : 2 * SLOT] + CONTENT[10 : 10 + SLOT]
    assert await bytes_of(blob_store.read(source, 0, len(CONTENT))) == CONTENT


async def test_what_is_not_there_is_not_copied(blob_store: BlobStore, key: str) -> None:
    source = f"{key}-source"
    area = await blob_store.stage(key, SLOT)
    assert await blob_store.copy_in(area, 0, SLOT, source, 0) is None
    await published(blob_store, source, b"bytes")
    await blob_store.discard(area)
    assert await blob_store.copy_in(area, 0, 5, source, 0) is None
    with pytest.raises(BlobNotFound):
        await scanned(blob_store, area, 0, 1)


async def test_a_copy_that_finds_no_space_says_so(blob_backend: BlobBackend, key: str) -> None:
    only_where(blob_backend.full_from)
    source = f"{key}-source"
    await published(blob_backend.store, source)
    await blob_backend.store.stage(key, len(CONTENT))
    with full_from(blob_backend, SLOT), pytest.raises(NoSpace):
        await blob_backend.store.copy_in(key, 0, 2 * SLOT, source, 0)


async def test_writing_back_changes_nothing_and_is_harmless_where_nothing_is(blob_store: BlobStore, key: str) -> None:
    await blob_store.write_back(unknown(blob_store, key), 0, SLOT)
    made = await staged(blob_store, key)
    await blob_store.write_back(made.area, SLOT, SLOT)
    await blob_store.seal(made.area, made.parts)
    assert await scanned(blob_store, made.area, 0, len(CONTENT)) == CONTENT


async def test_without_a_failed_sync_nothing_is_read_again(blob_store: BlobStore, key: str) -> None:
    made = await staged(blob_store, key)
    watch = await blob_store.watch_errors(made.area)
    assert not await blob_store.reread_after_failed_sync(made.area)
    await blob_store.seal(made.area, made.parts)
    await blob_store.publish(made.area)
    assert not await blob_store.reread_after_failed_sync(made.area)
    assert await scanned(blob_store, made.area, 0, len(CONTENT)) == CONTENT
    del watch
