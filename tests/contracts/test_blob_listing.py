"""What a blob store lists: the part of its contract for cleaning up."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from storage.blobs import BlobStore, StoredObject
from storage.errors import BlobNotFound
from tests.contracts.blob_backends import published, staged

#: A file system's clock may be a little behind.
CLOCK_GRAIN = timedelta(seconds=2)


async def sizes(found: AsyncIterator[StoredObject]) -> dict[str, int]:
    return {one.key: one.size async for one in found}


async def test_a_new_store_is_empty(blob_store: BlobStore) -> None:
    assert [await sizes(blob_store.staging_areas()), await sizes(blob_store.blobs())] == [{}, {}]


async def test_staging_areas_and_blobs_are_listed_apart_with_their_sizes(blob_store: BlobStore) -> None:
    made = await staged(blob_store, "0000-staged", b"four")
    await published(blob_store, "0000-published", b"bytes")
    (found,) = [found async for found in blob_store.staging_areas()]
    assert (found.key, found.size) == ("0000-staged", 4 if blob_store.reads_staging else 0)
    assert made.area.startswith(found.staging)
    assert await sizes(blob_store.blobs()) == {"0000-published": 5}


async def test_what_is_discarded_or_deleted_is_not_listed(blob_store: BlobStore, key: str) -> None:
    await published(blob_store, key)
    await blob_store.discard((await staged(blob_store, key)).area)
    await blob_store.delete(key)
    assert [await sizes(blob_store.staging_areas()), await sizes(blob_store.blobs())] == [{}, {}]


async def test_more_than_one_batch_is_listed_once_each(blob_store: BlobStore) -> None:
    keys = {str(uuid4()) for _ in range(1_100 if blob_store.reads_staging else 30)}
    for key in keys:
        await blob_store.stage(key, 1)
    listed = [found.key async for found in blob_store.staging_areas()]
    assert len(listed) == len(keys)
    assert set(listed) == keys


async def test_a_staging_area_can_be_discarded_by_what_a_listing_says_of_it(blob_store: BlobStore, key: str) -> None:
    made = await staged(blob_store, key, b"bytes")
    async for found in blob_store.staging_areas():
        await blob_store.discard(found.staging)
    assert await sizes(blob_store.staging_areas()) == {}
    assert not await blob_store.holds(made.area)


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
    found, listed = await blob_store.stat(key), await anext(blob_store.blobs())
    assert (found.key, found.size) == (listed.key, listed.size)
    assert abs(found.modified_at - listed.modified_at) < CLOCK_GRAIN


async def test_an_unknown_blob_cannot_be_described(blob_store: BlobStore, key: str) -> None:
    await staged(blob_store, key)
    with pytest.raises(BlobNotFound):
        await blob_store.stat(key)
