"""Rows of blobs, and the bytes that they count against an account's quota.

Call these functions inside a transaction, after the account's row was locked.
"""

from uuid import UUID

from tortoise.expressions import F

from storage.accounts.models import Account
from storage.drive.models import Blob


async def add_original(account_id: UUID, *, key: str, size: int, sha256: str, crc32: int | None = None) -> Blob:
    """Store the blob of an uploaded file."""
    await Account.filter(id=account_id).update(original_bytes=F("original_bytes") + size)
    return await Blob.create(account_id=account_id, key=key, size=size, sha256=sha256, crc32=crc32)


async def add_derived(account_id: UUID, *, key: str, size: int, sha256: str, crc32: int | None = None) -> Blob:
    """Store the blob of what was made from a file."""
    await Account.filter(id=account_id).update(derived_bytes=F("derived_bytes") + size)
    return await Blob.create(account_id=account_id, key=key, size=size, sha256=sha256, crc32=crc32)
