"""A file that its owner has: READY without a byte sent, and no account learns what others have."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.access.signed_urls import SlotAuthorization
from services.media.types import Compression, CompressionPreset
from services.uploads.errors import IdempotencyConflict, UploadClosed
from services.uploads.types import NewUpload
from storage.accounts.models import Account
from storage.database.pages import Window
from storage.drive.models import Blob, FileVersion
from storage.jobs.models import Job, JobKind
from storage.uploads import new_uploads
from storage.uploads.models import Upload, UploadStatus
from tests.services.conftest import SENDER, Bench
from tests.storage.rows import new_upload, new_version
from tests.support.server import digest

CONTENT = b"some bytes" * 20_000
MEDIA = {"duration": 2.5}
OWNED = NewUpload(file_name="again.mp4", size=len(CONTENT), sha256=digest(CONTENT), chunk_size=65_536)


async def give(bench: Bench, account_id: UUID, folder: Path) -> FileVersion:
    """Create a file of this account, with its bytes in the store."""
    source, key = folder / "source", str(uuid4())
    await asyncio.to_thread(source.write_bytes, CONTENT)
    await bench.store.put(key, source)
    blob = await Blob.create(key=key, size=len(CONTENT), sha256=digest(CONTENT))
    return await new_version(account_id, blob, "first.mp4", "video/mp4", MEDIA)


async def read(bench: Bench, file_id: UUID) -> bytes:
    content = await bench.downloads.version(file_id)
    return b"".join([block async for block in bench.downloads.read(content, 0, content.size)])


async def test_a_file_that_is_there_is_ready_at_once(bench: Bench, ada: UUID, tmp_path: Path) -> None:
    first = await give(bench, ada, tmp_path)
    upload = await bench.uploads.init(ada, OWNED)
    assert (upload.status, list((tmp_path / "blobs" / "staging").iterdir())) == (UploadStatus.READY, [])
    file = await FileVersion.get(id=upload.version_id).select_related("item")
    assert file.id != first.id
    assert (file.item.name, file.blob_id, file.media) == ("again.mp4", first.blob_id, MEDIA)
    assert await read(bench, file.id) == CONTENT
    assert await Blob.all().count() == 1


async def test_an_upload_that_needs_no_bytes_takes_none(bench: Bench, ada: UUID, tmp_path: Path) -> None:
    await give(bench, ada, tmp_path)
    upload = await bench.uploads.init(ada, OWNED)
    assert await bench.uploads.slots(upload, Window(9), missing=True) == []
    assert all(slot.received for slot in await bench.uploads.slots(upload, Window(9), missing=False))
    assert (await bench.uploads.complete(await bench.uploads.reload(upload))).status is UploadStatus.READY
    with pytest.raises(UploadClosed):
        async with bench.ingest.open(SlotAuthorization(upload.id, 0, 65_536), SENDER):
            pass


async def test_giving_the_upload_up_leaves_the_shared_bytes(bench: Bench, ada: UUID, tmp_path: Path) -> None:
    first = await give(bench, ada, tmp_path)
    upload = await bench.uploads.init(ada, OWNED)
    with pytest.raises(UploadClosed):
        await bench.uploads.abort(await bench.uploads.reload(upload))
    await bench.uploads.expire()
    assert await read(bench, first.id) == CONTENT


async def test_another_accounts_equal_file_is_not_found(bench: Bench, ada: UUID, bob: UUID, tmp_path: Path) -> None:
    await give(bench, bob, tmp_path)
    upload = await bench.uploads.init(ada, OWNED)
    assert (upload.status, upload.version_id) == (UploadStatus.RECEIVING, None)


@pytest.mark.parametrize(
    "asked", [replace(OWNED, sha256=None), replace(OWNED, sha256="a" * 64), replace(OWNED, size=199_999)], ids=str
)
async def test_what_is_not_surely_the_same_is_sent(bench: Bench, ada: UUID, tmp_path: Path, asked: NewUpload) -> None:
    await give(bench, ada, tmp_path)
    assert (await bench.uploads.init(ada, asked)).status is UploadStatus.RECEIVING


async def test_bytes_that_the_disk_has_lost_are_sent_again(bench: Bench, ada: UUID, tmp_path: Path) -> None:
    first = await give(bench, ada, tmp_path)
    await bench.store.delete((await Blob.get(id=first.blob_id)).key)
    assert (await bench.uploads.init(ada, OWNED)).status is UploadStatus.RECEIVING


async def test_a_compressed_copy_is_made_when_it_is_asked_for(bench: Bench, ada: UUID, tmp_path: Path) -> None:
    await give(bench, ada, tmp_path)
    upload = await bench.uploads.init(ada, replace(OWNED, compress=Compression(CompressionPreset.FAST)))
    assert upload.status is UploadStatus.COMPRESSING
    assert [(job.kind, job.subject_id) for job in await Job.all()] == [(JobKind.COMPRESS, upload.id)]


async def test_the_same_key_gives_one_file_at_once_and_later(bench: Bench, ada: UUID, tmp_path: Path) -> None:
    await give(bench, ada, tmp_path)
    keyed = replace(OWNED, idempotency_key="key")
    found = {upload.id for upload in await asyncio.gather(*(bench.uploads.init(ada, keyed) for _ in range(5)))}
    assert found == {(await bench.uploads.init(ada, keyed)).id}
    assert (await Upload.all().count(), await FileVersion.all().count()) == (1, 2)
    with pytest.raises(IdempotencyConflict):
        await bench.uploads.init(ada, replace(keyed, file_name="other.mp4"))


@pytest.mark.parametrize(
    ("name", "declared", "mime_type"),
    [("again.md", None, "text/markdown"), ("again.mp4", "video/mp4", "text/plain"), ("again", "text/x-a", "text/x-a")],
)
async def test_equal_bytes_get_the_type_of_their_content_and_their_own_name(
    bench: Bench, ada: UUID, tmp_path: Path, name: str, declared: str | None, mime_type: str
) -> None:
    """The file that has the bytes may have a type by another name."""
    await give(bench, ada, tmp_path)
    upload = await bench.uploads.init(ada, replace(OWNED, file_name=name, mime_type=declared))
    version = await FileVersion.get(id=upload.version_id)
    assert (version.mime_type, upload.mime_type) == (mime_type, mime_type)


async def test_a_file_that_is_there_is_ready_although_another_one_of_the_request_is_sent_twice(
    bench: Bench, ada: UUID, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await give(bench, ada, tmp_path)
    raced = replace(OWNED, sha256=None, idempotency_key="key")
    sliced: dict[str, Any] = {"size": OWNED.size, "chunk_size": OWNED.chunk_size}
    insert_all = new_uploads.insert_all

    async def insert_after_another(*arguments: Any, **named: Any) -> None:
        monkeypatch.setattr(new_uploads, "insert_all", insert_all)
        # The key is used by a request at the same moment.
        await new_upload(await Account.get(id=ada), file_name=raced.file_name, idempotency_key="key", **sliced)
        await insert_all(*arguments, **named)

    monkeypatch.setattr(new_uploads, "insert_all", insert_after_another)
    owned, sent = await bench.uploads.init_all(ada, [OWNED, raced])
    assert isinstance(owned, Upload)
    assert isinstance(sent, Upload)
    assert (owned.status, sent.status) == (UploadStatus.READY, UploadStatus.RECEIVING)
