"""Turns a tree of items into the entries of a zip file."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from uuid import UUID

from services.drive.zips.entries import ZipEntry
from services.drive.zips.names import FolderNames
from storage.drive.models import ItemKind
from storage.drive.tree.subtrees import TreeBlob, TreeItem


def blobs_without_crc32(items: Collection[TreeItem]) -> list[TreeBlob]:
    """The blobs that cannot be in a zip file yet, each once."""
    blobs = {item.blob.id: item.blob for item in items if item.blob and item.blob.crc32 is None}
    return list(blobs.values())


def entries_of(tops: Sequence[UUID], items: Collection[TreeItem]) -> Iterator[ZipEntry]:
    """The entries, each folder before its content, in the order in which the drive shows them."""
    by_id, children = {item.id: item for item in items}, _children(tops, items)
    names = FolderNames()
    # The items that follow, the next one last, each with the path of its folder.
    waiting = [("", by_id[key]) for key in reversed(tops) if key in by_id]
    while waiting:
        folder, item = waiting.pop()
        path = folder + names.take(folder, item.name)
        if item.kind is ItemKind.FOLDER:
            path += "/"
            waiting += [(path, child) for child in reversed(children[item.id])]
        yield _entry(path, item)


def _children(tops: Sequence[UUID], items: Collection[TreeItem]) -> Mapping[UUID, list[TreeItem]]:
    children: defaultdict[UUID, list[TreeItem]] = defaultdict(list)
    without_parent = set(tops)
    for item in sorted(items, key=lambda item: (item.kind is not ItemKind.FOLDER, item.sort_key, item.id)):
        if item.parent_id and item.id not in without_parent:
            children[item.parent_id].append(item)
    return children


def _entry(path: str, item: TreeItem) -> ZipEntry:
    moment, blob = int(item.modified_at.timestamp()), item.blob
    if not blob:
        return ZipEntry(path, 0, 0, moment, None)
    return ZipEntry(path, blob.size, blob.crc32 or 0, moment, blob.key)
