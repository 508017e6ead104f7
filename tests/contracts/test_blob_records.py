"""What every blob store promises about records and the bytes that have one, tested for each implementation."""

from pathlib import Path

import pytest

from storage.blobs import BlobStore
from storage.errors import BlobNotFound
from tests.contracts.blob_backends import CONTENT, SLOT, BlobBackend, bytes_of, published, scanned, sealed, unknown


async def test_a_record_is_read_as_it_was_written_also_by_the_next_process(blob_backend: BlobBackend, key: str) -> None:
    assert await blob_backend.store.records.read(key) is None
    await blob_backend.store.records.write(key, b"first")
    await blob_backend.store.records.write(key, b"second")
    other = await blob_backend.open()
    assert await other.records.read(key) == b"second"
    await other.close()


async def test_the_record_of_an_upload_is_found_by_its_staging_area(blob_store: BlobStore, key: str) -> None:
    area = await blob_store.stage(key, len(CONTENT), SLOT)
    assert await blob_store.records.keys(area) == []
    await blob_store.records.write(key, b"record")
    assert await blob_store.records.keys(area) == [key]
    assert await blob_store.records.keys(unknown(blob_store, key[:-1])) == []


async def test_every_record_is_listed(blob_store: BlobStore, key: str) -> None:
    keys = {key, f"{key}.01abcdef"}
    for each in keys:
        await blob_store.records.write(each, b"record")
    assert {each async for each in blob_store.records.all_keys()} == keys


async def test_a_record_is_not_listed_among_the_blobs(blob_store: BlobStore, key: str) -> None:
    await published(blob_store, key)
    await blob_store.records.write(key, b"record")
    assert [blob.key async for blob in blob_store.blobs()] == [key]
    assert [staging async for staging in blob_store.staging_areas()] == []


async def test_a_blob_is_deleted_with_its_record(blob_store: BlobStore, key: str) -> None:
    await published(blob_store, key)
    await blob_store.records.write(key, b"record")
    await blob_store.delete(key)
    assert await blob_store.records.read(key) is None


async def test_bytes_with_a_record_are_not_discarded(blob_store: BlobStore, key: str) -> None:
    area = await published(blob_store, key)
    await blob_store.records.write(key, b"record")
    await blob_store.discard(area, sealed=True)
    assert await bytes_of(blob_store.read(key, 0, len(CONTENT))) == CONTENT
    assert await blob_store.was_published(key)


async def test_whether_an_unknown_blob_was_published_is_not_known(blob_store: BlobStore, key: str) -> None:
    with pytest.raises(BlobNotFound):
        await blob_store.was_published(key)


async def test_preparing_can_be_repeated_and_makes_no_blob_that_rows_could_miss(
    blob_store: BlobStore, key: str
) -> None:
    area = await sealed(blob_store, key, b"bytes")
    for _ in range(2):
        assert await blob_store.prepare(area) == key
    assert await scanned(blob_store, area, 0, 5) == b"bytes"
    await blob_store.publish(area)
    assert await blob_store.prepare(area) == key


async def test_a_prepared_object_has_a_local_path(blob_store: BlobStore, key: str) -> None:
    await blob_store.prepare(await sealed(blob_store, key))
    async with blob_store.local_path(key) as path:
        assert path.read_bytes() == CONTENT


async def test_what_was_published_without_a_row_can_be_published_again_after_it_was_taken_back(
    blob_store: BlobStore, key: str
) -> None:
    area = await published(blob_store, key)
    for _ in range(2):
        await blob_store.unpublish(area)
    assert await scanned(blob_store, area, 0, len(CONTENT)) == CONTENT
    await blob_store.publish(area)
    assert await bytes_of(blob_store.read(key, 0, len(CONTENT))) == CONTENT


async def test_a_file_that_was_put_is_kept_although_it_has_no_record(
    blob_store: BlobStore, key: str, tmp_path: Path
) -> None:
    """A restore puts the files of uploads that an older database knows as unfinished."""
    source = tmp_path / "source"
    source.write_bytes(CONTENT)
    await blob_store.put(key, source)
    assert await blob_store.was_published(key)
    await blob_store.discard(unknown(blob_store, key), sealed=True)
    assert await bytes_of(blob_store.read(key, 0, len(CONTENT))) == CONTENT
