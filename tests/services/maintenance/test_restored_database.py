"""An older copy of the database is restored beside the bytes of later: the doctor gets every file back."""

import asyncio
from pathlib import Path
from uuid import UUID

from services.maintenance.doctor import Doctor
from services.maintenance.sweeper import Sweeper
from storage.database.connection import close_database, open_database
from storage.drive.models import Blob, FileVersion
from storage.uploads.models import Upload, UploadStatus
from tests.services.conftest import Bench, a_file
from tests.services.maintenance.published import CONTENT, content_of, published
from tests.storage.rows import new_version
from tests.support.backends.dumps import dump, restore
from tests.support.server import digest


async def become_ready(upload: Upload) -> None:
    """Store the rows of a published upload."""
    blob = await Blob.create(key=str(upload.id), size=upload.size, sha256=digest(CONTENT))
    file = await new_version(upload.account_id, blob, "film.mp4", "video/mp4")
    await Upload.filter(id=upload.id).update(status=UploadStatus.READY, version_id=file.id)


async def test_every_upload_that_was_ready_is_ready_again(
    bench: Bench, ada: UUID, database: str, sweeper: Sweeper, tmp_path: Path
) -> None:
    early, receiving = await published(bench, ada), await published(bench, ada)
    await become_ready(early)
    await asyncio.to_thread(dump, database, tmp_path / "copy")
    late = await published(bench, ada)
    for upload in (receiving, late):
        await become_ready(upload)
    running = await bench.uploads.init(ada, a_file())
    await close_database()
    await asyncio.to_thread(restore, database, tmp_path / "copy")
    await open_database(database)
    await sweeper.sweep()
    assert (await Upload.get(id=receiving.id)).status is UploadStatus.REASSEMBLING
    mended = [one.mended async for one in Doctor(bench.store, mend=True).examine()]
    assert mended == ["adopted"]
    for upload in (early, late):
        again = await Upload.get(id=upload.id)
        assert again.status is UploadStatus.READY
        assert await FileVersion.filter(id=again.version_id).exists()
    for upload in (early, receiving, late):
        assert await content_of(bench.store, upload) == CONTENT
    assert not await Upload.filter(id=running.id).exists()
