"""Moves of a folder with many items below it, to a place of the same depth and to a deeper one."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from bench.drive.databases import FilledDatabase
from bench.drive.fill import NewItem, add_accounts, add_items, file, folder, root
from bench.drive.timing import Timing, timed
from services.drive.item_changes import ItemChanges
from storage.database.connection import close_database, open_database
from storage.drive.tree.placing import ConflictPolicy

#: A move to a deeper place looks for the deepest folder below the moved one.
LEVELS = 90


async def measure(database: FilledDatabase, count: int, runs: int) -> list[Timing]:
    """Move folders of several forms, each with ``count`` items below it."""
    (account_id,) = await add_accounts(database, 1)
    left, right, middle = (folder(root(account_id), name) for name in ("left", "right", "middle"))
    deeper = folder(middle, "deeper")
    trees = {form: _tree(form, left, count) for form in ("flat", "1,000 folders", f"{LEVELS} levels", "only folders")}
    items = [item for tree in trees.values() for item in tree]
    await add_items(database, [root(account_id), left, right, middle, deeper, *items], searchable=False)
    await database.finish()
    await open_database(database.url)
    try:
        timings = []
        for form, tree in trees.items():
            for place, target in (("beside", right), ("deeper", deeper)):
                name = f"move {count:,} items, {form}, {place}"
                timings.append(await _measure_move(database, name, tree[0], (left.id, target.id), runs))
        return timings
    finally:
        await close_database()


async def _measure_move(
    database: FilledDatabase, name: str, top: NewItem, places: tuple[UUID, UUID], runs: int
) -> Timing:
    changes = ItemChanges()
    back, there = (partial(changes.move, top.account_id, [top.id], place, ConflictPolicy.FAIL) for place in places)
    timing = await timed(database, name, [there] * runs, before=back)
    await back()
    return timing


def _tree(form: str, parent: NewItem, count: int) -> Sequence[NewItem]:
    """A folder and ``count`` items below it; the folder is the first."""
    top = folder(parent, form)
    if form == "flat":
        folders, parents = [], [top]
    elif form == "only folders":
        return [top, *(folder(top, str(number)) for number in range(count))]
    elif form == "1,000 folders":
        folders = [folder(top, str(number)) for number in range(max(1, count // 100))]
        parents = folders
    else:
        folders = []
        for number in range(LEVELS):
            folders.append(folder(folders[-1] if folders else top, str(number)))
        parents = folders
    files = [file(parents[number % len(parents)], f"file {number}") for number in range(count - len(folders))]
    return [top, *folders, *files]
