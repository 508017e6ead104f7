"""Bytes that nobody will ask for again, told apart from those that somebody may.

The names say whose they are. A staging area and the blob made of it are named after their upload; what a compression
makes is named after the lease token of its attempt, and once that lease is lost or given back no row can refer to it.
Only what is certain counts as left over: bytes that could be the only copy of anything do not.
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

#: Bytes are there before the row that speaks of them. No step in between takes as long as this.
GRACE = timedelta(hours=1)
BATCH = 500
#: What a store appends to the key of bytes that are about to become a blob: of a file, or of slots that were reopened.
SUFFIX = re.compile(r"\.(put|[0-9a-f]{8})\Z")
#: How the keys of derived blobs begin, so that a store can list them without everything else.
DERIVED = "d-"
#: Of an upload's key (RFC 9562); a lease token is of version 4.
UPLOAD_VERSION = 7


async def dead_staging(store: BlobStore) -> AsyncIterator[StoredObject]:
    """Staging areas of uploads that have ended without a file, and, after an hour, those that nobody knows."""
    async for batch in batches(store.staging_areas()):
        for found in await _dead(batch):
            yield found


def derived_key(lease_token: UUID) -> str:
    """The key of what an attempt at a job makes of another blob."""
    return f"{DERIVED}{lease_token}"


async def orphans(store: BlobStore, begin: str = "") -> AsyncIterator[StoredObject]:
    """Blobs older than an hour that no row refers to and no job under way is about to refer to.

    Only of those whose key begins so.
    """
    async for batch in batches(store.blobs(begin)):
        old = [found for found in batch if is_old(found)]
        owners = owners_of(old)
        # In this order: what is no longer on its way when it is looked for has its row by then.
        coming = await _awaited(owners.values())
        known = await consistency.known_blobs([found.key for found in old])
        for found in old:
            if found.key not in known and owners.get(found.key) not in coming:
                yield found


async def is_garbage(found: StoredObject) -> bool:
    """Whether nobody can want a blob that no row refers to: derived, or of an upload that ended without a file.

    That end is final, so that it holds also where the database is an older copy.
    """
    owner = owner_of(found)
    if owner is None or is_derived(found):
        return owner is not None
    upload = (await consistency.find_uploads([owner])).get(owner)
    return upload is not None and is_dead(upload)


def is_derived(found: StoredObject) -> bool:
    """Whether a blob was made from another one, and can be made again. An unknown name counts as not."""
    owner = owner_of(found)
    return owner is not None and owner.version != UPLOAD_VERSION


def owner_of(found: StoredObject) -> UUID | None:
    """The upload or the attempt that the bytes belong to; None when the name is none of ours."""
    name = SUFFIX.sub("", found.key).removeprefix(DERIVED)
    try:
        owner = UUID(name)
    except ValueError:
        return None
    return owner if str(owner) == name else None


def owners_of(batch: Collection[StoredObject]) -> dict[str, UUID]:
    """The owner by key, where there is one."""
    return {found.key: owner for found in batch if (owner := owner_of(found))}


def is_old(found: StoredObject) -> bool:
    """Whether the bytes have been there for long enough to have a row."""
    return found.modified_at < now() - GRACE


async def batches(found: AsyncIterator[T]) -> AsyncIterator[list[T]]:
    """The same in lists, so that the database is asked about many at once."""
    batch: list[T] = []
    async for one in found:
        batch.append(one)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


async def _dead(batch: list[StoredObject]) -> list[StoredObject]:
    owners = owners_of(batch)
    busy = await consistency.running_attempts(owners.values())
    uploads = await consistency.find_uploads(owners.values())
    dead = []
    for found in batch:
        owner = owners.get(found.key)
        if owner is None or owner in busy:
            continue
        upload = uploads.get(owner)
        if _is_given_up(upload, found) if upload else is_old(found):
            dead.append(found)
    return dead


def _is_given_up(upload: Upload, found: StoredObject) -> bool:
    if is_dead(upload):
        return True
    # A reassembly that reopens slots makes another place for the bytes before a row speaks of it.
    replaced = not upload.staging_area.startswith(found.staging) and upload.status is not UploadStatus.REASSEMBLING
    return replaced and is_old(found)


async def _awaited(owners: Collection[UUID]) -> set[UUID]:
    """Owners that may still get a row for their blob."""
    coming = await consistency.running_attempts(owners)
    unfinished = {UploadStatus.RECEIVING, UploadStatus.REASSEMBLING, UploadStatus.FAILED}
    return coming | {
        key for key, upload in (await consistency.find_uploads(owners)).items() if upload.status in unfinished
    }
