"""The work of ``cloudkeep mv`` and ``cloudkeep cp``.

If the target is a folder, the sources go into it. Otherwise there is one source, and the target is its new path.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from cloudkeep.client.drive.changes import find_all
from cloudkeep.client.drive.drive import FAIL, KEEP_BOTH, PAGE_SIZE, Drive
from cloudkeep.client.drive.items import RemoteItem
from cloudkeep.client.drive.paths import ROOT_PATH, is_id, split
from cloudkeep.client.drive.run import DONE, Outcome
from cloudkeep.client.errors import ClientError, ItemFailed, TransferFailed

T = TypeVar("T")
Place = Callable[[Sequence[RemoteItem], RemoteItem, str], Awaitable[list[RemoteItem]]]


class NothingChanged(ClientError):
    """One of the sources does not exist."""

    exit_code = 1


async def move(drive: Drive, sources: Sequence[str], target: str, conflict: str) -> int:
    """Move the sources into a folder, or one source to a new path."""
    items = await _find_sources(drive, sources)
    found = await drive.lookup(target)
    is_same = len(items) == 1 and found is not None and found.id == items[0].id
    # The case of a name can be changed, although the path names the item itself.
    if found and found.is_folder and not (is_same and split(target)[1] != items[0].name):
        return await _into(drive.move, items, found, conflict)
    parent, name = await _new_place(drive, items, None if is_same else found, target, conflict)
    if items[0].parent_id == parent.id:
        await _named(target, drive.rename(items[0], name, conflict))
    else:
        await _place_and_rename(drive, drive.move, items[0], parent, target, conflict)
    return DONE


async def copy(drive: Drive, sources: Sequence[str], target: str, conflict: str) -> int:
    """Copy the sources into a folder, or one source to a new path."""
    items = await _find_sources(drive, sources)
    found = await drive.lookup(target)
    if found and found.is_folder:
        return await _into(drive.copy, items, found, conflict)
    parent, _ = await _new_place(drive, items, found, target, conflict)
    await _place_and_rename(drive, drive.copy, items[0], parent, target, conflict)
    return DONE


async def _find_sources(drive: Drive, sources: Sequence[str]) -> list[RemoteItem]:
    """The sources, or an error before any of them was moved."""
    outcome = Outcome()
    items = await find_all(drive, sources, outcome)
    if any(item.path == ROOT_PATH for item in items):
        raise ItemFailed(ROOT_PATH, "the root of the drive cannot be moved or copied")
    if outcome.code:
        raise NothingChanged("nothing was changed, because not every source exists")
    return items


async def _new_place(
    drive: Drive, items: Sequence[RemoteItem], found: RemoteItem | None, target: str, conflict: str
) -> tuple[RemoteItem, str]:
    """The folder and the name of a new path. ``found`` is the file that has this path."""
    if len(items) > 1 or target.endswith("/") or is_id(target):
        raise ItemFailed(target, "is not a folder" if found else "there is no such folder")
    if found and conflict == FAIL:
        raise ItemFailed(target, "exists already; choose another name, or --conflict KEEP_BOTH or REPLACE")
    folder, name = split(target)
    return await drive.find_folder(folder), name


async def _into(place: Place, items: Sequence[RemoteItem], folder: RemoteItem, conflict: str) -> int:
    """Place a page of items after the other. The server takes all items of a page or none."""
    for start in range(0, len(items), PAGE_SIZE):
        await _named(folder.path, place(items[start : start + PAGE_SIZE], folder, conflict))
    return DONE


async def _place_and_rename(
    drive: Drive, place: Place, item: RemoteItem, parent: RemoteItem, target: str, conflict: str
) -> None:
    """Place the item without a conflict, and then rename it, because the API has no operation for both."""
    name = split(target)[1]
    policy = conflict if item.name == name else KEEP_BOTH
    (placed,) = await _named(target, place([item], parent, policy))
    if policy == KEEP_BOTH and placed.name != name:
        try:
            await drive.rename(placed, name, conflict)
        except TransferFailed as error:
            raise ItemFailed(target, f"{error}; it is now {placed.path}") from error


async def _named(place: str, work: Awaitable[T]) -> T:
    """Await, and name the place in the error of a refusal."""
    try:
        return await work
    except TransferFailed as error:
        raise ItemFailed(place, error) from error
