"""Copies of a folder with many items. All other changes of the account wait for one; on SQLite, those of everyone."""

from functools import partial

from bench.drive.databases import FilledDatabase
from bench.drive.fill import NewItem, add_accounts, add_content, add_items, file, folder, root
from bench.drive.timing import Timing, timed
from services.drive.item_changes import ItemChanges
from storage.database.connection import close_database, open_database
from storage.drive.models import ItemKind
from storage.drive.tree.placing import ConflictPolicy

FILES_OF_A_FOLDER = 100
#: A copy takes about a second, and each one leaves as many new items.
MOST_RUNS = 10


async def measure(database: FilledDatabase, count: int, runs: int) -> list[Timing]:
    """Copy a folder with ``count`` items in all: files alone, and files in folders."""
    (account_id,) = await add_accounts(database, 1)
    flat, nested = (folder(root(account_id), name) for name in ("flat", "nested"))
    folders = [folder(nested, f"folder {number}") for number in range(max(1, count // FILES_OF_A_FOLDER))]
    items = [
        *(file(flat, f"file {number}.mp4") for number in range(count - 1)),
        *folders,
        *(file(folders[number % len(folders)], f"file {number}.mp4") for number in range(count - 1 - len(folders))),
    ]
    await add_items(database, [root(account_id), flat, nested, *items])
    await add_content(database, [item for item in items if item.kind is ItemKind.FILE])
    await database.finish()
    await open_database(database.url)
    try:
        return [await _measure_copy(database, top, count, min(runs, MOST_RUNS)) for top in (flat, nested)]
    finally:
        await close_database()


async def _measure_copy(database: FilledDatabase, top: NewItem, count: int, runs: int) -> Timing:
    copy = partial(ItemChanges().copy, top.account_id, [top.id], top.account_id, ConflictPolicy.KEEP_BOTH)
    return await timed(database, f"copy {count:,} items, {top.name}", [copy] * runs)
