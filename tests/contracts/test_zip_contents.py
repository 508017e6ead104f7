"""Zip files are read from every blob store, in any range, and blobs get their CRC-32 there."""

import io
import random
import zipfile
import zlib
from pathlib import Path

import pytest

from services.drive.zips.entries import EncodedEntries, ZipEntry, compressed, decode, lines_of
from services.drive.zips.errors import ContentLost
from services.drive.zips.reading import ZipReader
from services.maintenance.checksums import crc32_of
from services.maintenance.scrub import ReadThrottle
from storage.blobs import BLOCK, BlobStore
from storage.drive.models import Blob
from tests.support.server import digest

CONTENTS = {"small": b"hello", "large": random.Random(5).randbytes(2 * BLOCK + 7), "empty": b""}


async def entries_in(store: BlobStore, folder: Path) -> EncodedEntries:
    """Entries whose blobs are in the store."""
    entries = [ZipEntry("folder/", 0, 0, 0, None)]
    for key, content in CONTENTS.items():
        # The bytes of an empty file are never read.
        if content:
            (folder / key).write_bytes(content)
            await store.put(key, folder / key)
        entries.append(ZipEntry(f"folder/{key}", len(content), zlib.crc32(content), 0, key))
    return decode(compressed(lines_of(entries)))


async def read(reader: ZipReader, offset: int, length: int, block_size: int = BLOCK) -> bytes:
    blocks = [block async for block in reader.read(offset, length, lambda: block_size)]
    assert all(len(block) == block_size for block in blocks[:-1])
    return b"".join(blocks)


async def test_the_whole_and_any_range_are_read(blob_store: BlobStore, tmp_path: Path) -> None:
    reader = ZipReader(await entries_in(blob_store, tmp_path), blob_store)
    whole = await read(reader, 0, reader.size)
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(f"folder/{name}") for name in CONTENTS} == CONTENTS
    chance = random.Random(7)
    for _ in range(10):
        start = chance.randrange(reader.size)
        length = chance.randrange(1, reader.size - start + 1)
        assert await read(reader, start, length, chance.choice([16 * 1024, BLOCK])) == whole[start : start + length]


async def test_a_blob_that_is_gone_or_too_short_ends_the_reading(blob_store: BlobStore, tmp_path: Path) -> None:
    entries = await entries_in(blob_store, tmp_path)
    await blob_store.delete("large")
    reader = ZipReader(entries, blob_store)
    with pytest.raises(ContentLost):
        await read(reader, 0, reader.size)
    (tmp_path / "short").write_bytes(b"short")
    await blob_store.put("large", tmp_path / "short")
    with pytest.raises(ContentLost):
        await read(reader, 0, reader.size)


async def test_a_blob_gets_the_crc32_of_its_bytes_if_they_are_as_they_were(
    blob_store: BlobStore, tmp_path: Path
) -> None:
    await entries_in(blob_store, tmp_path)
    throttle, content = ReadThrottle(2.0**40), CONTENTS["large"]
    intact = Blob(key="large", size=len(content), sha256=digest(content))
    assert await crc32_of(intact, blob_store, throttle) == zlib.crc32(content)
    for damaged in (
        Blob(key="large", size=len(content), sha256=digest(b"other")),
        Blob(key="large", size=len(content) - 1, sha256=digest(content[:-1])),
        Blob(key="missing", size=1, sha256=digest(b"x")),
    ):
        with pytest.raises(ContentLost):
            await crc32_of(damaged, blob_store, throttle)
