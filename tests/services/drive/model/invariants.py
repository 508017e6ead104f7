"""What holds after every command, whatever came before it."""

import asyncio
import hashlib
from collections.abc import Collection

from services.drive.deletion import MOST_ITEMS
from services.maintenance.doctor import Doctor
from services.maintenance.findings import Code
from storage.drive.models import Blob, Item, ItemKind
from storage.drive.names import folded, sort_key
from storage.errors import BlobNotFound
from storage.jobs.models import Job, JobState
from storage.search.folding import fold
from tests.services.drive.model.commands import Command, Kind
from tests.services.drive.model.drive import KINDS, Drive
from tests.services.drive.model.feed import Follower
from tests.services.drive.model.stored import Stored
from tests.services.drive.model.tree import MAX_DEPTH

WORK = Command(Kind.WORK)
#: Seconds after which work counts as stuck. It takes as long as a lease.
LONGEST_WORK = 120.0
COLLECT_ALL = Command(Kind.COLLECT, flag=True)


async def check(drive: Drive) -> Stored:
    """Fail unless the rows of a drive agree with each other and with the bytes in the store. Returns the rows."""
    stored = await Stored.read(drive.account_id)
    _check_tree(stored)
    _check_versions(stored)
    _check_blobs(stored)
    _check_entries(stored)
    for blob in stored.blobs.values():
        if not blob.is_deleting:
            assert (await drive.store.stat(blob.key)).size == blob.size
    return stored


def _check_tree(stored: Stored) -> None:
    attached, names = stored.attached(), set()
    for item_id, item in stored.items.items():
        top = stored.chain(item_id)[-1]
        assert (top.id == stored.account.id) == (item_id in attached)
        assert item_id in attached or (top.removed_at and not top.trashed_at), f"{item.name} is lost"
        assert item.kind is ItemKind.FOLDER or all(other.parent_id != item_id for other in stored.items.values())
        assert (item.folded_name, bytes(item.sort_key)) == (folded(item.name), sort_key(item.name))
    for chain in attached.values():
        folders = chain[1:] if chain[0].kind is ItemKind.FILE else chain
        assert len(folders) - 1 <= MAX_DEPTH
        if not chain[0].trashed_at:
            place = chain[0].parent_id, chain[0].folded_name
            assert place not in names, f"two items {chain[0].name}"
            names.add(place)


def _check_versions(stored: Stored) -> None:
    newest = {version.item_id: version for version in stored.versions}
    assert newest.keys() <= stored.items.keys()
    for item_id in stored.attached():
        item = stored.items[item_id]
        if item.kind is ItemKind.FILE:
            assert item.version_id == newest[item_id].id
            assert item.size == stored.blobs[newest[item_id].blob_id].size
        else:
            assert item_id not in newest
            assert item.version_id is None


def _check_blobs(stored: Stored) -> None:
    originals = {version.blob_id for version in stored.versions}
    derived = {rendition.blob_id for rendition in stored.renditions} - originals
    for blob in stored.blobs.values():
        assert (blob.released_at is None) == (blob.id in originals | derived), f"{blob.size} bytes"
        assert not blob.is_deleting or blob.released_at
    assert stored.account.original_bytes == sum(stored.blobs[key].size for key in originals)
    assert stored.account.derived_bytes == sum(stored.blobs[key].size for key in derived)


def _check_entries(stored: Stored) -> None:
    assert stored.entries.keys() == stored.items.keys() - {stored.account.id}
    for item_id, entry in stored.entries.items():
        assert entry.text == fold(stored.items[item_id].name)


async def check_bytes(drive: Drive, stored: Stored) -> None:
    """Fail unless every version of the drive has the bytes that were sent."""
    attached = stored.attached()
    for version in stored.versions:
        if version.item_id in attached:
            content = await drive.read(version.id)
            assert hashlib.sha256(content).hexdigest() == stored.blobs[version.blob_id].sha256


async def finish(drive: Drive) -> None:
    """Let workers do all that is left to do. A job of a killed one waits until its lease has expired."""
    async with asyncio.timeout(LONGEST_WORK):
        while await Job.filter(kind__in=KINDS, state__in=[JobState.QUEUED, JobState.RUNNING]).exists():
            if not await drive.work(WORK, (), drive.account_id):
                await asyncio.sleep(0.1)
    failed = await Job.filter(kind__in=KINDS, state=JobState.FAILED)
    assert [(job.kind, job.error_message) for job in failed] == []


async def check_end(drive: Drive, tolerated: Collection[Code] = ()) -> None:
    """Let workers do the rest, and fail unless the drive is whole, with all its bytes, and is what the feed says."""
    await finish(drive)
    stored = await check(drive)
    assert {version.item_id for version in stored.versions} <= stored.attached().keys()
    await check_bytes(drive, stored)
    follower = Follower()
    await follower.follow(drive.account_id)
    follower.require(stored)
    await check_health(drive, tolerated)


async def check_failures() -> None:
    """Fail if a job has failed, or was tried again."""
    bad = [job for job in await Job.filter(kind__in=KINDS) if job.state is JobState.FAILED or job.attempts > 1]
    assert [(job.kind, job.error_code, job.error_message) for job in bad] == []


async def check_health(drive: Drive, tolerated: Collection[Code] = ()) -> None:
    """Fail if the doctor finds anything."""
    findings = [finding async for finding in Doctor(drive.store).examine()]
    left = [finding for finding in findings if finding.code not in tolerated]
    assert not left, left


async def delete_everything(drive: Drive) -> None:
    """Delete all items. Fails if anything but the root is left, in the database or in the store."""
    tops = [item.id for item in await Item.filter(parent_id=drive.account_id)]
    for start in range(0, len(tops), MOST_ITEMS):
        await drive.deletion.delete_items(drive.account_id, tops[start : start + MOST_ITEMS])
    await finish(drive)
    keys = [blob.key for blob in await Blob.filter(account_id=drive.account_id)]
    await drive.collect(COLLECT_ALL, (), drive.account_id)
    stored = await check(drive)
    assert stored.items.keys() <= {drive.account_id}
    assert not stored.versions
    assert not stored.blobs
    for key in keys:
        assert await drive.store.records.read(key) is None
        assert not await _exists(drive, key)


async def _exists(drive: Drive, key: str) -> bool:
    try:
        await drive.store.stat(key)
    except BlobNotFound:
        return False
    return True
