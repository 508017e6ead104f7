"""Decides which stored bytes are garbage, and which may still be needed.

The key shows the owner of the bytes. A staging area and its blob are named after their upload. The result of a
compression is named after the lease token of its attempt; once that lease is lost or given back, no row can refer to
it. The row of an upload may be that of an older copy of the database, so it proves nothing about published bytes:
:mod:`services.maintenance.unclaimed` judges those.
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


async def unclaimed(store: BlobStore, prefix: str = "") -> AsyncIterator[StoredObject]:
    """Blobs that no row refers to and no running job is about to refer to. Only those whose key begins with ``prefix``.

    They may be so young that their row is about to be written.
    """
    async for batch in batches(store.blobs(prefix)):
        owners = owners_of(batch)
        # In this order: an owner that no longer awaits a row at this point has its row at the next query.
        awaited = await _find_awaited(owners.values())
        keys_with_row = await consistency.known_blobs([blob.key for blob in batch])
        for blob in batch:
            if blob.key not in keys_with_row and owners.get(blob.key) not in awaited:
                yield blob


async def derived_orphans(store: BlobStore) -> AsyncIterator[StoredObject]:
    """Derived blobs older than an hour that no row refers to. They can be derived again."""
    async for blob in unclaimed(store, DERIVED):
        if is_derived(blob) and is_old(blob):
            yield blob


def is_derived(blob: StoredObject) -> bool:
    """Whether a blob was derived from another one, and can be derived again. False for an unknown name."""
    return is_derived_key(blob.key)


def is_derived_key(key: str) -> bool:
    """Whether this is the key of a derived blob."""
    owner = owner_of_key(key)
    return owner is not None and owner.version != UPLOAD_VERSION


def owner_of(item: StoredObject) -> UUID | None:
    """The upload or the attempt that the bytes belong to; None if the key is not one of CloudKeep."""
    return owner_of_key(item.key)


def owner_of_key(key: str) -> UUID | None:
    """The upload or the attempt after which a key is named."""
    name = SUFFIX.sub("", key).removeprefix(DERIVED)
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
    uploads = await consistency.find_uploads(owners)
    return running | {key for key, upload in uploads.items() if upload.status is UploadStatus.REASSEMBLING}
