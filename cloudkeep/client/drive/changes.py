"""The work of ``cloudkeep mkdir``, ``rm`` and ``restore``."""

import sys
from collections.abc import Awaitable, Callable, Sequence

from cloudkeep.client.display.tables import time_text
from cloudkeep.client.drive.drive import PAGE_SIZE, Drive
from cloudkeep.client.drive.items import RemoteItem
from cloudkeep.client.drive.paths import ROOT_PATH, folded, is_id, normalized, split
from cloudkeep.client.drive.run import Outcome
from cloudkeep.client.errors import ItemFailed, RequestRefused, printable

Change = Callable[[Sequence[RemoteItem]], Awaitable[None]]


async def make_folders(drive: Drive, places: Sequence[str], *, with_parents: bool) -> int:
    """Create folders. ``with_parents`` also creates the folders above them, and accepts one that exists."""
    outcome = Outcome()
    for place in places:
        work = ensure_folder if with_parents else _make_folder
        await outcome.attempt(place, work(drive, place))
    return outcome.code


async def _make_folder(drive: Drive, place: str) -> RemoteItem:
    parent_path, name = split(place)
    if not name:
        raise ItemFailed(place, "exists already")
    if await drive.lookup(place):
        raise ItemFailed(place, "exists already")
    return await drive.create_folder(await drive.find_folder(parent_path), name)


async def ensure_folder(drive: Drive, place: str) -> RemoteItem:
    """The folder at this place, which is created with the folders above it unless it exists.

    Raises :class:`ItemFailed` if a file has its name.
    """
    if found := await drive.lookup(place):
        if not found.is_folder:
            raise ItemFailed(place, "is not a folder")
        return found
    if is_id(place):
        raise ItemFailed(place, "there is no such folder")
    parent_path, name = split(place)
    parent = await ensure_folder(drive, parent_path)
    try:
        return await drive.create_folder(parent, name)
    except RequestRefused:
        # Another command may have created it meanwhile.
        if (found := await drive.lookup(place)) and found.is_folder:
            return found
        raise


async def remove(drive: Drive, places: Sequence[str], *, permanently: bool) -> int:
    """Move items to the trash, or delete them."""
    outcome = Outcome()
    items = await find_all(drive, places, outcome)
    for item in items:
        if item.path == ROOT_PATH:
            outcome.failed(ItemFailed(ROOT_PATH, "the root of the drive cannot be removed"))
    change = drive.delete if permanently else drive.move_to_trash
    await in_batches(change, [item for item in items if item.path != ROOT_PATH], outcome)
    return outcome.code


async def restore(drive: Drive, places: Sequence[str]) -> int:
    """Restore items from the trash, and print the paths at which they are now."""
    outcome = Outcome()
    items = await _find_in_trash(drive, places, outcome)

    async def change(batch: Sequence[RemoteItem]) -> None:
        for item in await drive.restore(batch):
            sys.stdout.write(f"{printable(item.path)}\n")

    await in_batches(change, items, outcome)
    return outcome.code


async def find_all(drive: Drive, places: Sequence[str], outcome: Outcome) -> list[RemoteItem]:
    """The items at these places, each once. Those that do not exist are reported."""
    found: dict[str, RemoteItem] = {}

    async def find(place: str) -> None:
        item = await drive.find(place)
        found.setdefault(item.id, item)

    for place in places:
        await outcome.attempt(place, find(place))
    return list(found.values())


async def _find_in_trash(drive: Drive, places: Sequence[str], outcome: Outcome) -> list[RemoteItem]:
    """The items of the trash with these IDs or former paths. Those that are not there are reported."""
    paths = {folded(normalized(place)): place for place in places if not is_id(place)}
    in_trash: dict[str, list[RemoteItem]] = {path: [] for path in paths}
    if paths:
        async for item in drive.trash():
            if (path := folded(item.path)) in in_trash:
                in_trash[path].append(item)
    items = await find_all(drive, [place for place in places if is_id(place)], outcome)
    for path, found in in_trash.items():
        if len(found) == 1:
            items += found
        else:
            outcome.failed(ItemFailed(paths[path], _problem(found)))
    return items


def _problem(found: Sequence[RemoteItem]) -> str:
    """Why a path does not name one item of the trash."""
    if not found:
        return "is not in the trash"
    ids = ", ".join(f"{item.id} (trashed {time_text(item.trashed_at)} UTC)" for item in found)
    return f"is in the trash several times; name one by its ID: {ids}"


async def in_batches(change: Change, items: Sequence[RemoteItem], outcome: Outcome) -> None:
    """Change up to a page of items in one request. If the server refuses it, change each one by itself."""
    for start in range(0, len(items), PAGE_SIZE):
        batch = items[start : start + PAGE_SIZE]
        try:
            await change(batch)
        except RequestRefused as error:
            if len(batch) == 1:
                outcome.failed(ItemFailed(batch[0].label, error))
                continue
            for item in batch:
                await outcome.attempt(item.label, change([item]))
