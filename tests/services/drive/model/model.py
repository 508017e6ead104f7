"""What each command does to the naive drive."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from storage.drive.tree.placing import ConflictPolicy
from tests.services.drive.model.commands import Command
from tests.services.drive.model.tree import FILE, FOLDER, MAX_DEPTH, ROOT, Refused, Tree, Version

REPLACE = ConflictPolicy.REPLACE


@dataclass(frozen=True)
class Arrival:
    """A file whose bytes have arrived, and that is not published yet. Its folder may be gone by then."""

    folder: int
    name: str
    policy: ConflictPolicy
    content: int


class Model:
    """The commands, each with the method of its name. Raises :class:`Refused` if the product has to refuse it."""

    def __init__(self, root_id: UUID) -> None:
        self.tree = Tree(root_id)
        self.arrivals: dict[UUID, Arrival] = {}

    def create_folder(self, command: Command, items: Sequence[int | None], folder: int | None) -> None:
        tree, parent = self.tree, self.tree.require_folder(folder)
        other = tree.find(parent, command.name)
        if other is not None and command.policy is REPLACE and tree.nodes[other].kind is FOLDER:
            return
        if tree.depth(parent) + 1 > MAX_DEPTH:
            raise Refused("NestedTooDeeply")
        if other is not None and command.policy is not ConflictPolicy.KEEP_BOTH:
            raise Refused("AlreadyExists")
        tree.add(parent, FOLDER, tree.free_name(parent, command.name))

    def rename(self, command: Command, items: Sequence[int | None], folder: int | None) -> None:
        key = self.tree.require_item(items[0])
        node = self.tree.nodes[key]
        if node.name != command.name:
            assert node.parent is not None
            self.tree.place(key, node.parent, command.name, command.policy)

    def move(self, command: Command, items: Sequence[int | None], folder: int | None) -> None:
        tree, parent, keys = self.tree, *self._into(items, folder)
        depth = tree.depth(parent) + 1
        if any(tree.nodes[key].kind is FOLDER and depth + tree.height(key) > MAX_DEPTH for key in keys):
            raise Refused("NestedTooDeeply")
        for key in dict.fromkeys(keys):
            if tree.nodes[key].parent != parent:
                tree.place(key, parent, tree.nodes[key].name, command.policy)

    def copy(self, command: Command, items: Sequence[int | None], folder: int | None) -> None:
        tree, parent, keys = self.tree, *self._into(items, folder)
        originals = [[each for each in tree.below(key) if not tree.is_in_trash(each)] for key in keys]
        for key, below in zip(keys, originals, strict=True):
            node, other = tree.nodes[key], tree.find(parent, tree.nodes[key].name)
            if other is not None and command.policy is not ConflictPolicy.KEEP_BOTH:
                if tree.require_replaceable(other, node.kind, command.policy) == key:
                    raise Refused("AlreadyExists")
                tree.nodes[other].versions.append(_copy(node.versions[-1]))
                continue
            copies: dict[int | None, int] = {node.parent: parent}
            for each in below:
                original = tree.nodes[each]
                place = copies[original.parent]
                name = original.name if each != key else tree.free_name(parent, node.name)
                if original.kind is FOLDER and tree.depth(place) + 1 > MAX_DEPTH:
                    raise Refused("NestedTooDeeply")
                copies[each] = tree.add(place, original.kind, name, [_copy(v) for v in original.versions[-1:]])

    def _into(self, items: Sequence[int | None], folder: int | None) -> tuple[int, list[int]]:
        parent = self.tree.require_folder(folder)
        keys = [self.tree.require_item(key) for key in items]
        if any(key in self.tree.chain(parent) for key in keys):
            raise Refused("FolderCycle")
        return parent, keys

    def star(self, command: Command, items: Sequence[int | None], folder: int | None) -> None:
        self.tree.nodes[self.tree.require_item(items[0])].is_starred = command.flag

    def trash(self, command: Command, items: Sequence[int | None], folder: int | None) -> None:
        tree, keys = self.tree, [self.tree.require_found(key) for key in items]
        for key in [key for key in keys if not tree.is_in_trash(key) and not set(tree.chain(key)[1:]) & set(keys)]:
            tree.nodes[key].is_trashed = True

    def restore(self, command: Command, items: Sequence[int | None], folder: int | None) -> None:
        tree, keys = self.tree, [self.tree.require_found(key) for key in items]
        for key in sorted(keys, key=tree.depth):
            if not tree.is_in_trash(key):
                continue
            node = tree.nodes[key]
            assert node.parent is not None
            node.parent = ROOT if tree.is_in_trash(node.parent) else node.parent
            node.is_trashed = True
            node.name = tree.free_name(node.parent, node.name)
            node.is_trashed = False

    def delete(self, command: Command, items: Sequence[int | None], folder: int | None) -> int:
        keys = {key for key in items if key not in {None, ROOT}}
        for key in keys:
            if key in self.tree.nodes:
                self.tree.remove(key)
        return len(keys)

    def empty_trash(self, command: Command, items: Sequence[int | None], folder: int | None) -> int:
        keys = [key for key, node in self.tree.nodes.items() if node.is_trashed]
        for key in keys:
            if key in self.tree.nodes:
                self.tree.remove(key)
        return len(keys)

    def begin_upload(self, command: Command, folder: int | None) -> Arrival:
        """Check the destination of an upload, and create its folders."""
        tree, place = self.tree, self.tree.require_folder(folder)
        if tree.depth(place) + len(command.path) > MAX_DEPTH:
            raise Refused("NestedTooDeeply")
        missing = list(command.path)
        while missing and (child := tree.find(place, missing[0])) is not None:
            if tree.nodes[child].kind is FILE:
                raise Refused("AlreadyExists")
            place = child
            missing.pop(0)
        other = None if missing else tree.find(place, command.name)
        if other is not None and command.policy is not ConflictPolicy.KEEP_BOTH:
            tree.require_replaceable(other, FILE, command.policy)
        for name in missing:
            place = tree.find(place, name) or tree.add(place, FOLDER, name)
        return Arrival(place, command.name, command.policy, command.content)

    def arrive(self, arrival: Arrival, *, has_rendition: bool = False) -> None:
        """Store the file of an upload. It is not refused: it gets another folder, or another name."""
        tree = self.tree
        place = arrival.folder if arrival.folder in tree.nodes and not tree.is_in_trash(arrival.folder) else ROOT
        other = tree.find(place, arrival.name)
        if other is None or arrival.policy is not REPLACE or tree.nodes[other].kind is FOLDER:
            tree.add(place, FILE, tree.free_name(place, arrival.name), [Version(arrival.content, has_rendition)])
        elif tree.nodes[other].versions[-1].content != arrival.content:
            tree.nodes[other].versions.append(Version(arrival.content, has_rendition))

    def has_content(self, content: int) -> bool:
        """Whether any version has this content."""
        return any(version.content == content for node in self.tree.nodes.values() for version in node.versions)

    def restore_version(self, command: Command, items: Sequence[int | None], folder: int | None) -> None:
        versions, chosen = self.version(command, items)
        if chosen is not versions[-1]:
            versions.append(_copy(chosen))

    def delete_version(self, command: Command, items: Sequence[int | None], folder: int | None) -> None:
        versions, chosen = self.version(command, items)
        if chosen is versions[-1]:
            raise Refused("InvalidInput")
        versions.remove(chosen)

    def limit_versions(self, most: int) -> None:
        """Keep only the newest versions of each file."""
        for node in self.tree.nodes.values():
            del node.versions[:-most]

    def version(self, command: Command, items: Sequence[int | None]) -> tuple[list[Version], Version]:
        """The versions of a file, and the chosen one."""
        if items[0] is None or not (versions := self.tree.nodes[items[0]].versions):
            raise Refused("NotFound")
        return versions, versions[command.number % len(versions)]


def _copy(version: Version) -> Version:
    return Version(version.content, version.has_rendition)
