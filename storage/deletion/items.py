"""Deletes items for good.

The top of what is deleted loses its parent at once, so that it and everything below it can no longer be seen. Its rows
are deleted in steps. A step deletes files of a folder, and cuts off the folders in it, so that each is a top of its
own: so no step has to walk through the tree, and the next one continues wherever a worker was killed.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple
from uuid import UUID

from storage.accounts import accounts
from storage.database.connection import fetch_ids
from storage.database.values import marks
from storage.deletion.purging import MOST_VERSIONS, purge_versions
from storage.drive.blobs import NOTHING_RELEASED, Released
from storage.drive.change_log import event, remove_names
from storage.drive.models import FileVersion, Item, ItemKind
from storage.drive.tree.chains import chains
from storage.drive.tree.trash import TRASHED
from storage.events import events
from storage.events.events import NewEvent
from storage.events.models import EventKind
from storage.jobs import jobs
from storage.jobs.models import Job, JobKind, JobState

#: Rows that are deleted in the transaction of the request; a job deletes the rest.
AT_ONCE = 200
#: Steps of the request, each of a few statements.
STEPS_AT_ONCE = 20
#: Items of a step.
BATCH = 100
#: Written out, so that SQLite recognises the condition of the partial index.
TOPS = "SELECT id FROM item WHERE account_id = ? AND removed_at IS NOT NULL LIMIT ?"
#: Not what lies in a folder that is being deleted: that is gone already, and is not deleted a second time.
OLD_TRASH = f"SELECT id {TRASHED} AND trashed_at < ? ORDER BY trashed_at, id LIMIT ?"
#: Accounts that are deleting items, and have no job for it.
UNFINISHED = """
SELECT DISTINCT account_id FROM item WHERE removed_at IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM job WHERE kind = 'DELETE_ITEMS' AND subject_id = item.account_id AND state IN ('QUEUED', 'RUNNING')
) LIMIT ?"""
DELETE_EMPTY = """
DELETE FROM item WHERE id IN ({}) AND NOT EXISTS (SELECT 1 FROM file_version WHERE file_version.item_id = item.id)
    AND NOT EXISTS (SELECT 1 FROM item AS child WHERE child.parent_id = item.id)
RETURNING id"""


class Deleted(NamedTuple):
    """What was deleted: ``tops``, the items that were named; the rows and bytes so far; whether a job continues."""

    tops: int
    rows: int
    released: Released
    is_queued: bool


class Step(NamedTuple):
    """The rows that a step has deleted or cut off; 0 if nothing is left."""

    rows: int
    released: Released


NOTHING = Step(0, NOTHING_RELEASED)


async def attached(account_id: UUID, item_ids: Collection[UUID]) -> set[UUID]:
    """Those of these items that are in the account's drive or its trash, without its root."""
    found = (await chains(item_ids)).items()
    return {key for key, chain in found if chain.belongs_to(account_id)} - {account_id}


async def is_attached(version: FileVersion) -> bool:
    """Whether the file of a version is not being deleted; it may be in the trash."""
    return bool(await attached(version.account_id, [version.item_id]))


async def delete(account_id: UUID, item_ids: Sequence[UUID], now: datetime) -> Deleted:
    """Delete items with everything below them, in the trash or not. Those that are deleted already do not count.

    Nothing of them can be seen afterwards. If there is much of it, a job deletes the rest of the rows.
    """

    async def work() -> Deleted:
        found = await attached(account_id, item_ids)
        tops = [item for item in await Item.filter(id__in=list(found)) if item.id != account_id]
        return await _delete(account_id, tops, now)

    return await accounts.locked(account_id, work)


async def delete_trash(account_id: UUID, trashed_before: datetime, limit: int, now: datetime) -> Deleted:
    """Delete the items that were longest in the trash, at most ``limit``, and only if put there before this time."""

    async def work() -> Deleted:
        keys = await fetch_ids(OLD_TRASH, account_id, trashed_before, limit)
        return await _delete(account_id, await Item.filter(id__in=keys) if keys else [], now)

    return await accounts.locked(account_id, work)


async def _delete(account_id: UUID, tops: Sequence[Item], now: datetime) -> Deleted:
    if not tops:
        return Deleted(0, 0, NOTHING_RELEASED, is_queued=False)
    # Out of the lists of the trash and of starred items, which need not look for parents then.
    changes = {"parent_id": None, "removed_at": now, "trashed_at": None, "starred": False}
    await Item.filter(id__in=[item.id for item in tops]).update(**changes)
    rows, size, count, is_finished = 0, 0, 0, False
    for _ in range(STEPS_AT_ONCE):
        step = await _step(account_id, now)
        rows, count, size = rows + step.rows, count + step.released.blobs, size + step.released.size
        is_finished = not step.rows
        if is_finished or rows >= AT_ONCE:
            break
    if not is_finished:
        await queue(account_id, now)
    await events.record(account_id, [_deleted(item) for item in tops], now)
    return Deleted(len(tops), rows, Released(count, size), not is_finished)


def _deleted(item: Item) -> NewEvent:
    item.parent_id = None
    return event(EventKind.DELETED, item)


async def step(account_id: UUID, now: datetime) -> Step:
    """Delete a few more rows of what is being deleted in this account, in a transaction of their own."""

    async def work() -> Step:
        return await _step(account_id, now)

    return await accounts.locked(account_id, work)


async def _step(account_id: UUID, now: datetime) -> Step:
    tops = await _tops(account_id, BATCH)
    files = [item for item in tops if item.kind is ItemKind.FILE]
    if files:
        return await _purge_files(account_id, files, now)
    return await _purge_folders(account_id, [item.id for item in tops], now) if tops else NOTHING


async def _tops(account_id: UUID, limit: int) -> list[Item]:
    """Some of the items that are being deleted, each without a parent."""
    keys = await fetch_ids(TOPS, account_id, limit)
    return await Item.filter(id__in=keys) if keys else []


async def _purge_files(account_id: UUID, files: Sequence[Item], now: datetime) -> Step:
    keys = [item.id for item in files]
    oldest_first = FileVersion.filter(item_id__in=keys).order_by("item_id", "number")
    versions = await oldest_first.limit(MOST_VERSIONS).select_related("blob")
    purged = await purge_versions(account_id, versions, now)
    return Step(purged.uploads + purged.versions + await _delete_rows(keys), purged.released)


async def _purge_folders(account_id: UUID, folders: Sequence[UUID], now: datetime) -> Step:
    children = await Item.filter(parent_id__in=folders).limit(BATCH)
    if not children:
        return Step(await _delete_rows(folders), NOTHING_RELEASED)
    inner = [item.id for item in children if item.kind is ItemKind.FOLDER]
    files = [item for item in children if item.kind is ItemKind.FILE]
    if inner:
        await Item.filter(id__in=inner).update(parent_id=None, removed_at=now, trashed_at=None, starred=False)
    purged = await _purge_files(account_id, files, now) if files else NOTHING
    return Step(purged.rows + len(inner), purged.released)


async def _delete_rows(keys: Sequence[UUID]) -> int:
    """Delete the rows of those items that have neither versions nor children. Returns their number."""
    gone = await fetch_ids(DELETE_EMPTY.format(marks(keys)), *keys)
    await remove_names(gone)
    return len(gone)


async def queue(account_id: UUID, now: datetime) -> None:
    """Let a job delete what is left. Call it inside a transaction, after the account's row was locked."""
    job = await jobs.find(JobKind.DELETE_ITEMS, account_id)
    if not job or job.state not in {JobState.QUEUED, JobState.RUNNING}:
        await jobs.enqueue(JobKind.DELETE_ITEMS, account_id, now)


async def finish(job: Job) -> bool:
    """End the job of an account if nothing is left to delete. False if something is, or the lease was lost."""

    async def work() -> bool:
        # A deletion that begins later waits for the lock, and then queues the job again.
        return not await _tops(job.subject_id, 1) and await jobs.finish(job)

    return await accounts.locked(job.subject_id, work)


async def queue_unfinished(now: datetime) -> int:
    """Queue the job of each account that is deleting items and has none, because it failed for good."""
    unfinished = await fetch_ids(UNFINISHED, BATCH)
    for account_id in unfinished:
        await accounts.locked(account_id, partial(queue, account_id, now))
    return len(unfinished)
