"""Puts the files of uploads into folders. None is refused: their bytes are verified, and must not be lost to a name.

Call these functions inside a transaction, after the account's row was locked.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from storage.database.bulk import insert_rows
from storage.drive import blobs, items, versions
from storage.drive.blobs import Unnamed
from storage.drive.change_log import event, log, put_names
from storage.drive.models import FileVersion, Item, ItemKind
from storage.drive.names import folded
from storage.drive.tree.chains import chains
from storage.drive.tree.placing import ConflictPolicy, items_named, place
from storage.drive.versions import Content, describe, new_version
from storage.events.events import NewEvent
from storage.events.models import EventKind


@dataclass(frozen=True)
class NewFile:
    """A file for a folder; ``parent_id`` null is the root. FAIL is the same as KEEP_BOTH here."""

    parent_id: UUID | None
    name: str
    content: Content
    conflict: ConflictPolicy = ConflictPolicy.KEEP_BOTH


async def add_all(account_id: UUID, files: Sequence[NewFile], now: datetime) -> list[FileVersion]:
    """Store files, and return their versions in the same order.

    A folder that is missing or in the trash is replaced by the root, and a name that is taken gets a number. With
    REPLACE, the content becomes the next version of the file that has the name; if that has the same bytes already,
    nothing changes, and its version is returned.
    """
    parents = await _visible_folders(account_id, {file.parent_id for file in files if file.parent_id}, now)
    placed = [replace(file, parent_id=file.parent_id if file.parent_id in parents else account_id) for file in files]
    free = await _free(placed)
    new = {index: placed[index] for index in sorted(free)}
    stored = dict(zip(new, await _insert(account_id, new.values(), now), strict=True))
    changes = [event(EventKind.CREATED, version.item) for version in stored.values()]
    for index, file in enumerate(placed):
        if index not in stored:
            stored[index], change = await _add_beside_others(account_id, file, now)
            changes += [change] if change else []
    await log(account_id, changes, now)
    return [stored[index] for index in range(len(files))]


async def _visible_folders(account_id: UUID, folder_ids: Collection[UUID], now: datetime) -> set[UUID]:
    """Those of these folders that files can be put into."""
    await items.ensure_root(account_id, now)
    found = (await chains(folder_ids)).items()
    return {key for key, chain in found if chain.item.kind is ItemKind.FOLDER and chain.is_visible_to(account_id)}


async def _free(files: Sequence[NewFile]) -> set[int]:
    """The positions of the files whose names are free in their folders, and differ from those of the others."""
    keys = [(file.parent_id, folded(file.name)) for file in files if file.parent_id]
    counts, taken = Counter(keys), await items_named(keys)
    return {index for index, key in enumerate(keys) if counts[key] == 1 and key not in taken}


async def _insert(account_id: UUID, files: Iterable[NewFile], now: datetime) -> list[FileVersion]:
    """Store files whose names are free, each with its first version."""
    rows, contents = [], [file.content for file in files]
    for file in files:
        item = items.new_item(account_id, file.parent_id, ItemKind.FILE, file.name, now)
        item.id = uuid7()
        describe(item, uuid7(), file.content)
        rows.append(item)
    await insert_rows(rows)
    await put_names(rows)
    first = [new_version(item, content, 1, now) for item, content in zip(rows, contents, strict=True)]
    await insert_rows(first)
    return first


async def _add_beside_others(account_id: UUID, file: NewFile, now: datetime) -> tuple[FileVersion, NewEvent | None]:
    """Store a file whose name an item of the folder may have. Returns its version, and the event of a change."""
    assert file.parent_id
    other = await items.find_by_name(file.parent_id, file.name)
    if other and other.kind is ItemKind.FILE and file.conflict is ConflictPolicy.REPLACE:
        return await _replace(other, file.content, now)
    found = await place(account_id, file.parent_id, file.name, ConflictPolicy.KEEP_BOTH)
    (version,) = await _insert(account_id, [replace(file, name=found.name)], now)
    return version, event(EventKind.CREATED, version.item)


async def _replace(item: Item, content: Content, now: datetime) -> tuple[FileVersion, NewEvent | None]:
    current = await versions.find(item.version_id) if item.version_id else None
    if current and (current.blob.sha256, current.blob.size) == (content.blob.sha256, content.blob.size):
        # Bytes that were sent nevertheless are a blob that nothing names.
        await blobs.release(item.account_id, Unnamed(of_versions={content.blob.id}), now)
        return current, None
    return await versions.add(item, content, now), event(EventKind.UPDATED, item)
