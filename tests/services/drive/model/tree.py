"""A naive drive in memory: dictionaries and walks, without a database, locks or indexes."""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import count
from uuid import UUID

from storage.drive.models import ItemKind
from storage.drive.names import folded, numbered
from storage.drive.tree.placing import ConflictPolicy

FOLDER, FILE = ItemKind.FOLDER, ItemKind.FILE
ROOT = 0
#: Levels of folders, lowered in the product as well.
MAX_DEPTH = 4


class Refused(Exception):
    """The drive refuses a command. The text is the name of the product's error."""


@dataclass
class Version:
    """A content of a file. ``id`` is the product's, as soon as it is known."""

    content: int
    has_rendition: bool = False
    id: UUID | None = None


@dataclass
class Node:
    """A folder or a file. The last version is the current one."""

    parent: int | None
    kind: ItemKind
    name: str
    versions: list[Version] = field(default_factory=list)
    is_trashed: bool = False
    is_starred: bool = False
    id: UUID | None = None


class Tree:
    """The items of a drive, by key. ``ROOT`` is the root."""

    def __init__(self, root_id: UUID) -> None:
        self.nodes = {ROOT: Node(None, FOLDER, "My drive", id=root_id)}
        self.deleted: list[UUID] = []
        self._keys = count(1)

    def chain(self, key: int) -> list[int]:
        """The item and the folders above it, up to the root."""
        found = [key]
        while (parent := self.nodes[found[-1]].parent) is not None:
            found.append(parent)
        return found

    def depth(self, key: int) -> int:
        """The number of folders above an item."""
        return len(self.chain(key)) - 1

    def is_in_trash(self, key: int) -> bool:
        """Whether an item or a folder above it was put into the trash."""
        return any(self.nodes[each].is_trashed for each in self.chain(key))

    def children(self, key: int) -> list[int]:
        """The items of a folder, those in the trash included."""
        return [each for each, node in self.nodes.items() if node.parent == key]

    def below(self, key: int) -> Iterator[int]:
        """An item and everything below it, upper ones first."""
        yield key
        for child in self.children(key):
            yield from self.below(child)

    def height(self, key: int) -> int:
        """The levels of folders below a folder."""
        folders = [each for each in self.below(key) if self.nodes[each].kind is FOLDER]
        return max((self.depth(each) for each in folders), default=0) - self.depth(key)

    def find(self, parent: int, name: str) -> int | None:
        """The item of a folder with this name, not in the trash."""
        for each in self.children(parent):
            node = self.nodes[each]
            if not node.is_trashed and folded(node.name) == folded(name):
                return each
        return None

    def free_name(self, parent: int, name: str, own: int | None = None) -> str:
        """The name, or its first numbered form that no other item has."""
        candidates = (numbered(name, number) if number > 1 else name for number in count(1))
        return next(each for each in candidates if self.find(parent, each) in {None, own})

    def require_item(self, key: int | None) -> int:
        """An item that can be changed."""
        found = self.require_found(key)
        if self.is_in_trash(found):
            raise Refused("InTrash")
        return found

    def require_found(self, key: int | None) -> int:
        """An item that exists, maybe in the trash."""
        if key is None:
            raise Refused("NotFound")
        if key == ROOT:
            raise Refused("InvalidInput")
        return key

    def require_folder(self, key: int | None) -> int:
        """A folder to which items can be added."""
        if key is None or self.nodes[key].kind is not FOLDER:
            raise Refused("NotFound")
        if self.is_in_trash(key):
            raise Refused("InTrash")
        return key

    def add(self, parent: int, kind: ItemKind, name: str, versions: Sequence[Version] = ()) -> int:
        """Add an item. Returns its key."""
        key = next(self._keys)
        self.nodes[key] = Node(parent, kind, name, list(versions))
        return key

    def place(self, key: int, parent: int, name: str, policy: ConflictPolicy) -> None:
        """Give an item another place, or make it the newest versions of the file that has the name."""
        node, other = self.nodes[key], self.find(parent, name)
        if other is None or other == key:
            node.parent, node.name = parent, name
        elif policy is ConflictPolicy.KEEP_BOTH:
            node.parent, node.name = parent, self.free_name(parent, name, key)
        else:
            self.nodes[self.require_replaceable(other, node.kind, policy)].versions += node.versions
            self.forget(key)

    def require_replaceable(self, other: int, kind: ItemKind, policy: ConflictPolicy) -> int:
        """The item that has a name, if one of this kind replaces it."""
        if policy is not ConflictPolicy.REPLACE or kind is FOLDER or self.nodes[other].kind is FOLDER:
            raise Refused("AlreadyExists")
        return other

    def forget(self, key: int) -> None:
        """Delete an item alone."""
        node = self.nodes.pop(key)
        if node.id:
            self.deleted.append(node.id)

    def remove(self, key: int) -> None:
        """Delete an item with everything below it."""
        for each in list(self.below(key)):
            self.forget(each)

    def snapshot(self) -> dict[UUID | None, object]:
        """The items by ID: what a client sees of each."""
        shown: dict[UUID | None, object] = {}
        for node in self.nodes.values():
            parent = None if node.parent is None else self.nodes[node.parent].id
            versions = [(version.id, version.content, version.has_rendition) for version in node.versions]
            shown[node.id] = (parent, node.kind, node.name, node.is_trashed, node.is_starred, versions)
        return shown

    def save(self) -> tuple[dict[int, Node], list[UUID]]:
        """What :meth:`reset` takes."""
        return deepcopy(self.nodes), list(self.deleted)

    def reset(self, saved: tuple[dict[int, Node], list[UUID]]) -> None:
        """Undo a command that was refused in the middle."""
        self.nodes, self.deleted = saved
