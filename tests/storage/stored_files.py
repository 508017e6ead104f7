"""Stored files with blobs that count, for tests of versions and deletion."""

from uuid import UUID, uuid4

from storage.accounts import accounts
from storage.database.connection import atomically
from storage.drive import blobs
from storage.drive.models import Blob
from tests.storage.rows import SHA256


async def counted_blob(account_id: UUID, size: int = 10, *, sha256: str = SHA256, key: str = "") -> Blob:
    """A blob of an uploaded file, whose bytes count for the account's quota."""

    async def work() -> Blob:
        await accounts.lock(account_id)
        return await blobs.add_original(account_id, key=key or str(uuid4()), size=size, sha256=sha256)

    return await atomically(work)
