"""Published bytes whose upload has a row of an older database, or none."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from services.core.clock import now
from services.uploads.published_record import PublishedRecord, write_record
from services.uploads.types import NewUpload
from storage.blobs import BlobStore
from storage.uploads.models import Upload
from tests.services.conftest import Bench
from tests.support.file_age import set_age
from tests.support.server import digest

CONTENT = b"0123456789" * 20_000
OLD = timedelta(days=1)


async def published(bench: Bench, owner: UUID, *, record: bool = True, **changes: Any) -> Upload:
    """An upload whose bytes are published, with a row of before."""
    sha256 = changes.pop("declared", None)
    request = NewUpload(file_name="film.mp4", size=len(CONTENT), chunk_size=65_536, sha256=sha256)
    upload = await bench.uploads.init(owner, request)
    key = str(upload.id)
    async with bench.store.slot(key, 0, len(CONTENT)) as writer:
        await writer.write([CONTENT])
    upload = await Upload.get(id=upload.id)
    if record:
        await write_record(bench.store, key, PublishedRecord.of(upload, digest(CONTENT), {"container": "mp4"}))
    await bench.store.publish(key)
    await Upload.filter(id=upload.id).update(**{"expires_at": now() - OLD, **changes})
    return await Upload.get(id=upload.id)


def grow_old(root: Path, upload: Upload) -> None:
    """Let the bytes lie for some hours."""
    set_age(root, str(upload.id))


async def content_of(store: BlobStore, upload: Upload) -> bytes:
    """The bytes of the upload's blob."""
    return b"".join([block async for block in store.read(str(upload.id), 0, len(CONTENT) + 1)])


def damage(root: Path, upload: Upload) -> None:
    """Change a byte of the published bytes."""
    (path,) = (root / "blobs").rglob(str(upload.id))
    with path.open("r+b") as file:
        file.write(b"x")
