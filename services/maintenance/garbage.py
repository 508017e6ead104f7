"""Which stored bytes are garbage, and which may still be needed.

The names show whose they are. A staging area and the blob made of it are named after their upload; what a compression
makes is named after the lease token of its attempt, and once that lease is lost or given back no row can refer to it.
Only what is certain counts as garbage: bytes that could be the only copy of anything do not.
"""

import re
from collections.abc import AsyncIterator, Collection
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from services.core.clock import now
from services.uploads.lifecycle import is_dead
from storage.blobs import BlobStore, StoredObject
from storage.uploads import consistency
from storage.uploads.models import Upload, UploadStatus

T = TypeVar("T")

#: Bytes are stored before their row. No step in between takes as long as this.
GRACE = timedelta(hours=1)
BATCH = 500
#: What a store appends to the key of bytes that are about to become a blob: of a file, or of slots that were reopened.
SUFFIX = re.compile(r"\.(put|[0-9a-f]{8})\Z")
#: How the keys of derived blobs begin, so that a store can list them without everything else.
DERIVED = "d-"
#: Of an upload's key (RFC 9562); a lease token is of version 4.
UPLOAD_VERSION = 7


async def dead_staging(store: BlobStore) -> AsyncIterator[StoredObject]:
    """Staging areas of uploads that have ended without a file, and, after an hour, those of unknown uploads."""
    async for batch in batches(store.staging_areas()):
        for stored in await _find_dead(batch):
            yield stored


def derived_key(lease_token: UUID) -> str:
    """The key of the blob that one attempt at a job makes of another blob."""
    return f"{DERIVED}{lease_token}"


async def orphans(store: BlobStore, prefix: str = "") -> AsyncIterator[StoredObject]:
    """Blobs older than an hour that no row refers to and no running job is about to refer to.

    Only those whose key begins with ``prefix``.
    """
    async for batch in batches(store.blobs(prefix)):
        old = [stored for stored in batch if is_old(stored)]
        owners = owners_of(old)
        # In this order: an owner that no longer awaits a row when it is looked for has it by then.
        awaited = await _find_awaited(owners.values())
        known = await consistency.known_blobs([stored.key for stored in old])
        for stored in old:
            if stored.key not in known and owners.get(stored.key) not in awaited:
                yield stored


async def is_garbage(stored: StoredObject) -> bool:
    """Whether a blob that no row refers to is garbage: derived, or of an upload that ended without a file.

    That end is final, so this also holds when the database was restored from an older copy.
    """
    owner = owner_of(stored)
    if owner is None or is_derived(stored):
        return owner is not None
    upload = (await consistency.find_uploads([owner])).get(owner)
    return upload is not None and is_dead(upload)


def is_derived(stored: StoredObject) -> bool:
    """Whether a blob was made from another one, and can be made again. An unknown name counts as not."""
    owner = owner_of(stored)
    return owner is not None and owner.version != UPLOAD_VERSION


def owner_of(stored: StoredObject) -> UUID | None:
    """The upload or the attempt that the bytes belong to; None when the name is not one of ours."""
    name = SUFFIX.sub("", stored.key).removeprefix(DERIVED)
    try:
        owner = UUID(name)
    except ValueError:
        return None
    return owner if str(owner) == name else None


def owners_of(batch: Collection[StoredObject]) -> dict[str, UUID]:
    """The owner by key, where there is one."""
    return {stored.key: owner for stored in batch if (owner := owner_of(stored))}


def is_old(stored: StoredObject) -> bool:
    """Whether the bytes have been there for long enough to have a row."""
    return stored.modified_at < now() - GRACE


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
    for stored in batch:
        owner = owners.get(stored.key)
        if owner is None or owner in running:
            continue
        upload = uploads.get(owner)
        if _is_abandoned(upload, stored) if upload else is_old(stored):
            dead.append(stored)
    return dead


def _is_abandoned(upload: Upload, stored: StoredObject) -> bool:
    if is_dead(upload):
        return True
    # A reassembly that reopens slots makes another staging area before a row refers to it.
    replaced = not upload.staging_area.startswith(stored.staging) and upload.status is not UploadStatus.REASSEMBLING
    return replaced and is_old(stored)


async def _find_awaited(owners: Collection[UUID]) -> set[UUID]:
    """Owners that may still get a row for their blob."""
    running = await consistency.running_attempts(owners)
    unfinished = {UploadStatus.RECEIVING, UploadStatus.REASSEMBLING, UploadStatus.FAILED}
    return running | {
        key for key, upload in (await consistency.find_uploads(owners)).items() if upload.status in unfinished
    }
