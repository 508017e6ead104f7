"""Files that an older version stored get their records."""

from uuid import UUID

from services.maintenance.doctor import Doctor
from services.maintenance.findings import Code
from services.uploads.published_record import read_record
from services.uploads.types import NewUpload
from storage.drive.models import Blob
from storage.uploads.models import Upload, UploadStatus
from tests.services.conftest import Bench
from tests.services.maintenance.published import CONTENT, published
from tests.storage.rows import new_version
from tests.support.server import digest


async def found(bench: Bench, *, mend: bool = False) -> list[tuple[Code, str, str | None]]:
    return [(one.code, one.text, one.mended) async for one in Doctor(bench.store, mend=mend).examine()]


async def stored(bench: Bench, owner: UUID) -> Upload:
    """A file of an older version."""
    upload = await published(bench, owner, record=False, status=UploadStatus.READY)
    blob = await Blob.create(key=str(upload.id), size=upload.size, sha256=digest(CONTENT))
    file = await new_version(owner, blob, "film.mp4", "video/mp4")
    await Upload.filter(id=upload.id).update(version_id=file.id)
    return upload


async def test_files_without_a_record_are_counted_and_get_one(bench: Bench, ada: UUID) -> None:
    uploads = [await stored(bench, ada) for _ in range(3)]
    text = "3 files have no record beside their bytes, as after an update from a version before 0.2"
    assert await found(bench) == [(Code.RECORD_MISSING, text, None)]
    assert await found(bench, mend=True) == [(Code.RECORD_MISSING, text, "written")]
    assert await found(bench) == []
    for upload in uploads:
        record = await read_record(bench.store, str(upload.id))
        assert record
        assert (record.upload_id, record.account_id, record.sha256) == (upload.id, ada, digest(CONTENT))


async def test_a_record_is_also_written_if_the_upload_has_no_row_any_more(bench: Bench, ada: UUID) -> None:
    upload = await stored(bench, ada)
    await upload.delete()
    await found(bench, mend=True)
    record = await read_record(bench.store, str(upload.id))
    assert record
    assert (record.file_name, record.size, record.created_at.tzinfo is not None) == ("film.mp4", len(CONTENT), True)


async def test_a_file_that_shares_the_bytes_of_another_gets_one_as_well(bench: Bench, ada: UUID) -> None:
    await stored(bench, ada)
    second = await bench.uploads.init(ada, NewUpload("copy.mp4", len(CONTENT), sha256=digest(CONTENT)))
    await bench.store.delete(str(second.id))
    assert [code for code, *_ in await found(bench, mend=True)] == [Code.RECORD_MISSING]
    record = await read_record(bench.store, str(second.id))
    assert record
    assert (record.file_name, record.is_shared, record.sha256) == ("copy.mp4", True, digest(CONTENT))
    assert await found(bench) == []


async def test_a_derived_blob_and_one_with_a_name_of_its_own_need_no_record(bench: Bench, ada: UUID) -> None:
    for key in ("d-5f0a5a0e-4f6b-4c39-8f0e-0a4b6f1c2d3e", "a name"):
        await Blob.create(key=key, size=1, sha256="0" * 64)
    assert {code for code, *_ in await found(bench)} == {Code.BLOB_MISSING, Code.BLOB_UNUSED}


async def test_an_upload_that_sent_the_bytes_of_its_file_again_needs_no_record(bench: Bench, ada: UUID) -> None:
    first = await published(bench, ada)
    await found(bench, mend=True)
    upload = await bench.uploads.init(ada, NewUpload("other.mp4", len(CONTENT)))
    version_id = (await Upload.get(id=first.id)).version_id
    await bench.store.discard(upload.staging_area)
    await Upload.filter(id=upload.id).update(status=UploadStatus.READY, version_id=version_id, received_chunks=1)
    assert await found(bench) == []
