"""Decides which stored bytes are garbage, and which may still be needed.

The key shows the owner of the bytes. A staging area and its blob are named after their upload. The result of a
compression is named after the lease token of its attempt; once that lease is lost or given back, no row can refer to
it. Bytes that could be the only copy of a file never count as garbage.
"""

import re
from collections.abc import AsyncIterator, Collection
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from services.core.clock import earliest_now
from services.uploads.lifecycle import is_dead
from storage.blobs import BlobStore, StoredObject
from storage.uploads import consistency
from storage.uploads.models import Upload, UploadStatus

T = TypeVar("T")

#: Bytes are stored before their row. No step in between takes this long.
GRACE = timedelta(hours=1)
BATCH = 500
#: The suffix that a store appends to the key of bytes that will become a blob: of a file, or of reopened slots.
SUFFIX = re.compile(r"\.(put|[0-9a-f]{8})\Z")
#: The prefix of the keys of derived blobs, so that a store can list them alone.
DERIVED = "d-"
#: The UUID version of an upload's key (RFC 9562); a lease token has version 4.
UPLOAD_VERSION = 7


async def dead_staging(store: BlobStore) -> AsyncIterator[StoredObject]:
    """Staging areas of uploads that have ended without a file, and, after an hour, those of unknown uploads."""
    async for batch in batches(store.staging_areas()):
        for staging in await _find_dead(batch):
            yield staging


def derived_key(lease_token: UUID) -> str:
    """The key of a blob that one attempt at a job derives from another blob."""
    return f"{DERIVED}{lease_token}"


async def orphans(store: BlobStore, prefix: str = "") -> AsyncIterator[StoredObject]:
    """Blobs older than an hour that no row refers to and no running job is about to refer to.

    Only those whose key begins with ``prefix``.
    """
    async for batch in batches(store.blobs(prefix)):
        old = [blob for blob in batch if is_old(blob)]
        owners = owners_of(old)
        # In this order: an owner that no longer awaits a row at this point has its row at the next query.
        awaited = await _find_awaited(owners.values())
        keys_with_row = await consistency.known_blobs([blob.key for blob in old])
        for blob in old:
            if blob.key not in keys_with_row and owners.get(blob.key) not in awaited:
                yield blob


async def is_garbage(blob: StoredObject) -> bool:
    """Whether a blob that no row refers to is garbage: derived, or of an upload that ended without a file.

    That end is final, so this also holds when the database was restored from an older copy.
    """
    owner = owner_of(blob)
    if owner is None or is_derived(blob):
        return owner is not None
    upload = (await consistency.find_uploads([owner])).get(owner)
    return upload is not None and is_dead(upload)


def is_derived(blob: StoredObject) -> bool:
    """Whether a blob was derived from another one, and can be derived again. False for an unknown name."""
    owner = owner_of(blob)
    return owner is not None and owner.version != UPLOAD_VERSION


def owner_of(item: StoredObject) -> UUID | None:
    """The upload or the attempt that the bytes belong to; None if the key is not one of CloudKeep."""
    name = SUFFIX.sub("", item.key).removeprefix(DERIVED)
    try:
        owner = UUID(name)
    except ValueError:
        return None
    return owner if str(owner) == name else None


def owners_of(batch: Collection[StoredObject]) -> dict[str, UUID]:
    """The owners by key, without keys that have none."""
    return {item.key: owner for item in batch if (owner := owner_of(item))}


def is_old(item: StoredObject) -> bool:
    """Whether the bytes are old enough to have a row."""
    return item.modified_at < earliest_now() - GRACE


async def batches(items: AsyncIterator[T]) -> AsyncIterator[list[T]]:
    """The items in lists, so that one query covers many of them."""
    batch: list[T] = []
    async for item in items:
        batch.append(item)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


async def _find_dead(batch: list[StoredObject]) -> list[StoredObject]:
    owners = owners_of(batch)
    running = await consistency.running_attempts(owners.values())
    uploads = await consistency.find_uploads(owners.values())
    dead = []
    for staging in batch:
        owner = owners.get(staging.key)
        if owner is None or owner in running:
            continue
        upload = uploads.get(owner)
        if _is_abandoned(upload, staging) if upload else is_old(staging):
            dead.append(staging)
    return dead


def _is_abandoned(upload: Upload, staging: StoredObject) -> bool:
    if is_dead(upload):
        return True
    # A reassembly that reopens slots creates another staging area before a row refers to it.
    replaced = not upload.staging_area.startswith(staging.staging) and upload.status is not UploadStatus.REASSEMBLING
    return replaced and is_old(staging)


async def _find_awaited(owners: Collection[UUID]) -> set[UUID]:
    """Owners that may still get a row for their blob."""
    running = await consistency.running_attempts(owners)
    unfinished = {UploadStatus.RECEIVING, UploadStatus.REASSEMBLING, UploadStatus.FAILED}
    return running | {
        key for key, upload in (await consistency.find_uploads(owners)).items() if upload.status in unfinished
    }
