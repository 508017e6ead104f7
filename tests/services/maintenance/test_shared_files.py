"""Files that share the bytes of another file come back as well."""

from dataclasses import replace
from uuid import UUID

import pytest

from services.maintenance.doctor import Doctor
from services.maintenance.findings import Code
from services.uploads.published_record import PublishedRecord, read_record, write_record
from services.uploads.types import NewUpload
from storage.blobs import LocalBlobStore
from storage.drive.models import Blob, FileVersion, Item
from storage.errors import NoSpace
from storage.uploads.models import Upload, UploadStatus
from tests.services.conftest import Bench
from tests.services.maintenance.published import CONTENT, published
from tests.support.server import digest


async def found(bench: Bench, *, mend: bool = False) -> list[tuple[Code, str, str | None]]:
    return [(one.code, one.subject, one.mended) async for one in Doctor(bench.store, mend=mend).examine()]


async def second_file(bench: Bench, owner: UUID) -> Upload:
    """An upload of a file that its owner has under another name."""
    first = await published(bench, owner)
    await found(bench, mend=True)
    assert (await Upload.get(id=first.id)).status is UploadStatus.READY
    return await bench.uploads.init(owner, NewUpload("copy.mp4", len(CONTENT), sha256=digest(CONTENT)))


async def test_a_second_file_over_the_same_bytes_is_there_again(bench: Bench, ada: UUID) -> None:
    upload = await second_file(bench, ada)
    assert await found(bench) == []
    await Upload.filter(id=upload.id).delete()
    version = await FileVersion.get(id=upload.version_id)
    await version.delete()
    await Item.filter(id=version.item_id).delete()
    assert await found(bench) == [(Code.FILE_ADOPTABLE, str(upload.id), None)]
    assert await found(bench, mend=True) == [(Code.FILE_ADOPTABLE, str(upload.id), "adopted")]
    assert await found(bench) == []
    again = await Upload.get(id=upload.id)
    file = await FileVersion.get(id=again.version_id).select_related("item")
    assert (again.status, file.item.name, file.account_id) == (UploadStatus.READY, "copy.mp4", ada)
    assert await Blob.all().count() == 1


async def test_a_record_gives_no_account_the_bytes_of_another(bench: Bench, ada: UUID, bob: UUID) -> None:
    upload = await second_file(bench, ada)
    record = await read_record(bench.store, str(upload.id))
    assert record
    await write_record(bench.store, str(upload.id), replace(record, account_id=bob))
    await Upload.filter(id=upload.id).delete()
    assert await found(bench, mend=True) == []
    assert await FileVersion.filter(account_id=bob).count() == 0


async def test_the_record_of_a_shared_file_is_no_proof_of_a_blob(bench: Bench, ada: UUID) -> None:
    upload = await published(bench, ada, record=False)
    record = PublishedRecord.of(upload, digest(CONTENT), None, is_shared=True)
    await write_record(bench.store, str(upload.id), record)
    assert await bench.uploads.expire() == 1
    assert (await Upload.get(id=upload.id)).status is UploadStatus.EXPIRED


async def test_a_full_disk_does_not_prevent_a_second_file(
    bench: Bench, ada: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(store: LocalBlobStore, key: str, record: PublishedRecord) -> None:
        raise NoSpace("the disk is full")

    monkeypatch.setattr("services.uploads.init.ready_uploads.write_record", refuse)
    assert (await second_file(bench, ada)).status is UploadStatus.READY
