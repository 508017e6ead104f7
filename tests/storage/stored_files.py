"""Stored files with blobs that count, for tests of versions and deletion."""

from typing import NamedTuple
from uuid import UUID, uuid4

from uuid_utils.compat import uuid7

from storage.accounts import accounts
from storage.accounts.models import Account
from storage.database.connection import atomically
from storage.drive import blobs, items, versions
from storage.drive.models import Blob, FileVersion, Item, ItemKind, Rendition, RenditionKind
from storage.drive.versions import Content
from storage.jobs import jobs
from storage.jobs.models import JobKind
from storage.uploads.models import Chunk, Upload, UploadStatus
from tests.storage.rows import LATER, NOW, SHA256, add_file, insert


async def counted_blob(account_id: UUID, size: int = 10, *, sha256: str = SHA256, key: str = "") -> Blob:
    """A blob of an uploaded file, whose bytes count for the account's quota."""

    async def work() -> Blob:
        await accounts.lock(account_id)
        return await blobs.add_original(account_id, key=key or str(uuid4()), size=size, sha256=sha256)

    return await atomically(work)


async def new_folder(account_id: UUID, name: str = "folder", parent_id: UUID | None = None) -> Item:
    """A folder, in the root unless it has a parent."""
    parent = parent_id or (await items.ensure_root(account_id, NOW)).id
    folder = items.new_item(account_id, parent, ItemKind.FOLDER, name, NOW)
    await folder.save(force_create=True)
    return folder


async def new_file(
    account_id: UUID, name: str = "file", parent_id: UUID | None = None, blob: Blob | None = None
) -> FileVersion:
    """The first version of a new file, over a blob of its own unless one is given."""
    content = Content(blob or await counted_blob(account_id), "video/mp4", None)
    return await atomically(lambda: add_file(account_id, parent_id, name, content, NOW))


async def add_version(item_id: UUID, blob: Blob | None = None) -> FileVersion:
    """The next version of a file."""
    item = await Item.get(id=item_id)
    content = Content(blob or await counted_blob(item.account_id), "video/mp4", None)
    return await atomically(lambda: versions.add(item, content, NOW))


async def add_rendition(version: FileVersion, size: int = 3) -> Rendition:
    """A rendition of a version over a blob of its own."""

    async def work() -> Rendition:
        await accounts.lock(version.account_id)
        blob = await blobs.add_derived(version.account_id, key=f"d-{uuid4()}", size=size, sha256=SHA256)
        kind = RenditionKind.COMPRESSED_VIDEO
        return await Rendition.create(version_id=version.id, kind=kind, mime_type="video/mp4", blob=blob)

    return await atomically(work)


class Uploaded(NamedTuple):
    """A READY upload with its file."""

    upload: Upload
    version: FileVersion

    @property
    def item_id(self) -> UUID:
        return self.version.item_id


async def uploaded(account_id: UUID, name: str = "file", *, compress: bool = False) -> Uploaded:
    """A file that was sent in two chunks, with the rows of its upload."""
    key = uuid7()
    version = await new_file(account_id, name, blob=await counted_blob(account_id, 20, key=str(key)))
    upload = Upload(
        id=key,
        account_id=account_id,
        file_name=name,
        mime_type="video/mp4",
        size=20,
        chunk_size=10,
        status=UploadStatus.COMPRESSING if compress else UploadStatus.READY,
        compress={} if compress else None,
        idempotency_key=name,
        received_chunks=2,
        received_bytes=20,
        version_id=version.id,
        expires_at=LATER,
    )
    await upload.save(force_create=True)
    for index in range(2):
        await Chunk.create(upload_id=key, index=index, size=10, sha256=SHA256)
    kind = JobKind.COMPRESS if compress else JobKind.REASSEMBLE
    await atomically(lambda: jobs.enqueue(kind, key, NOW))
    return Uploaded(upload, version)


async def shared(version: FileVersion, name: str = "copy") -> Uploaded:
    """A file that its owner uploads again, over the same bytes."""
    upload = Upload(
        account_id=version.account_id,
        file_name=name,
        mime_type="video/mp4",
        size=version.blob.size,
        chunk_size=10,
        sha256=version.blob.sha256,
        expires_at=LATER,
    )
    await insert(upload, version=version)
    found = await versions.find(upload.version_id) if upload.version_id else None
    assert found
    return Uploaded(upload, found)


async def used_bytes(account_id: UUID) -> tuple[int, int]:
    """The counters of an account: the bytes of originals and of derived blobs."""
    account = await Account.get(id=account_id)
    return account.original_bytes, account.derived_bytes
