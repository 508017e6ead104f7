"""A version that several uploads name: their files had the same name and the same bytes."""

import pytest

from storage.deletion import items
from storage.drive.models import Blob, FileVersion, Rendition
from storage.drive.tree.placing import ConflictPolicy
from storage.jobs.models import Job, JobKind
from storage.uploads import job_results
from storage.uploads.models import Chunk, ObsoleteRecord, Upload
from tests.storage.rows import LATER, SHA256, claim, insert, new_account
from tests.storage.stored_files import Uploaded, uploaded, used_bytes

pytestmark = pytest.mark.usefixtures("database")


async def sent_again(first: Uploaded, *, compress: bool = False) -> Upload:
    """An upload of the same file with REPLACE, which needs no bytes."""
    version = await FileVersion.get(id=first.version.id).select_related("blob", "item")
    upload = Upload(
        account_id=version.account_id,
        file_name=version.item.name,
        mime_type="video/mp4",
        size=version.blob.size,
        chunk_size=10,
        sha256=version.blob.sha256,
        compress={"height": 480} if compress else None,
        conflict=ConflictPolicy.REPLACE,
        expires_at=LATER,
    )
    await insert(upload, version=version)
    assert upload.version_id == version.id
    return upload


async def store_rendition(job: Job, version: FileVersion, key: str, size: int) -> None:
    await job_results.add_rendition(
        job, version, mime_type="video/mp4", blob_key=key, size=size, sha256=SHA256, now=LATER
    )


async def delete(file: Uploaded) -> None:
    await items.delete(file.upload.account_id, [file.item_id], LATER)
    while (await items.step(file.upload.account_id, LATER)).rows:
        pass


async def test_all_uploads_of_a_deleted_version_are_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    file = await uploaded((await new_account()).id)
    again = [await sent_again(file, compress=True) for _ in range(5)]
    monkeypatch.setattr("storage.deletion.purging.MOST_UPLOADS", 2)
    await delete(file)
    for table in (Upload, Chunk, Job, FileVersion):
        assert not await table.all().exists()
    # Their records would bring the file back.
    assert {row.key for row in await ObsoleteRecord.all()} == {str(upload.id) for upload in again}


async def test_a_second_compression_replaces_the_rendition_of_the_first() -> None:
    file = await uploaded((await new_account()).id, compress=True)
    await store_rendition(await claim(JobKind.COMPRESS), file.version, "d-one", 5)
    again = await sent_again(file, compress=True)
    await store_rendition(await claim(JobKind.COMPRESS), file.version, "d-two", 3)
    rendition = await Rendition.get().select_related("blob")
    assert rendition.blob.key == "d-two"
    assert (await Blob.get(key="d-one")).released_at == LATER
    assert await used_bytes(file.upload.account_id) == (20, 3)
    assert (await Upload.get(id=again.id)).status == "READY"
