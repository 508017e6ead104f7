"""Records survive the way through the store, and nothing else is taken for one."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from uuid_utils.compat import uuid7

from services.uploads.published_record import PublishedRecord, read_record, write_record
from storage.blobs import LocalBlobStore
from storage.blobs.publishing import MAX_RECORD

RECORD = PublishedRecord(
    upload_id=uuid7(),
    account_id=uuid4(),
    file_name="ü\U0001f600.mp4",
    mime_type="video/mp4",
    size=2**50,
    chunk_size=2**20,
    sha256="a" * 64,
    media={"duration": 1.5, "video_codec": None},
    compress={"preset": "FAST", "max_height": 144},
    created_at=datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC),
    crc32=2**32 - 1,
)


@pytest.mark.parametrize("record", [RECORD, replace(RECORD, media=None, compress=None, damaged=True)])
def test_a_record_is_read_as_it_was_written(record: PublishedRecord) -> None:
    assert PublishedRecord.from_bytes(record.to_bytes()) == record


def test_the_largest_record_is_read_whole() -> None:
    longest = replace(RECORD, file_name="\U0001f600" * 255, mime_type="x" * 127)
    assert len(longest.to_bytes()) < MAX_RECORD // 4


STORED = json.loads(RECORD.to_bytes())


def test_a_record_from_before_there_were_zip_files_is_read_without_a_crc32() -> None:
    older = {name: value for name, value in STORED.items() if name != "crc32"}
    assert PublishedRecord.from_bytes(json.dumps(older).encode()) == replace(RECORD, crc32=None)


def test_a_field_that_only_a_later_version_knows_is_ignored() -> None:
    assert PublishedRecord.from_bytes(json.dumps({**STORED, "later": 1}).encode()) == RECORD


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b"null",
        b"{}",
        json.dumps({**STORED, "version": 2}).encode(),
        json.dumps({**STORED, "upload_id": "x"}).encode(),
        json.dumps({**STORED, "created_at": 5}).encode(),
        json.dumps({key: value for key, value in STORED.items() if key != "size"}).encode(),
    ],
)
async def test_anything_else_is_no_record(content: bytes, store: LocalBlobStore) -> None:
    with pytest.raises(ValueError, match="not a record"):
        PublishedRecord.from_bytes(content)
    await store.records.write("key", content)
    assert await read_record(store, "key") is None


async def test_a_blob_has_the_record_that_was_written_last(store: LocalBlobStore) -> None:
    assert await read_record(store, "key") is None
    for record in (RECORD, replace(RECORD, damaged=True)):
        await write_record(store, "key", record)
        assert await read_record(store, "key") == record
