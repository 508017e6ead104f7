"""What has to be done so that a folder of the drive has what a local folder has.

Names are compared as the server does: without case, in NFC. Two local names that the server takes for the same one
are a problem of the second.
"""

import unicodedata
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from cloudkeep.client.drive.items import RemoteItem
from cloudkeep.client.drive.paths import folded
from cloudkeep.client.uploads.local_tree import LocalItem, LocalTree

#: The SHA-256 of a local file; None if it cannot be read.
HashOf = Callable[[LocalItem], Awaitable[str | None]]


@dataclass(frozen=True)
class Upload:
    """A file to send. ``replaces`` is the file of the drive that gets a new version."""

    item: LocalItem
    replaces: RemoteItem | None = None


@dataclass
class Plan:
    """The steps, in the order of the fields. ``trash_last`` needs that everything before it succeeded."""

    trash_first: list[RemoteItem] = field(default_factory=list)
    renames: list[tuple[RemoteItem, str]] = field(default_factory=list)
    folders: list[LocalItem] = field(default_factory=list)
    uploads: list[Upload] = field(default_factory=list)
    trash_last: list[RemoteItem] = field(default_factory=list)
    unchanged: int = 0
    problems: dict[str, str] = field(default_factory=dict)


class Comparison:
    """Compares a local tree with the items of the drive, which are given by their relative paths."""

    def __init__(
        self,
        remote: dict[str, RemoteItem],
        hash_of: HashOf,
        *,
        with_delete: bool,
        on_compared: Callable[[LocalItem], None] = lambda _: None,
    ) -> None:
        """``on_compared`` is called with each local item."""
        self._on_compared = on_compared
        self._remote = {folded(relative): item for relative, item in remote.items()}
        self._hash_of = hash_of
        self._with_delete = with_delete
        self._plan = Plan()
        #: The folders that exist on both sides, by the local relative paths.
        self.folders: dict[str, RemoteItem] = {}
        #: The local items by their folded relative paths.
        self._local: dict[str, str] = {}
        self._blocked: set[str] = set()

    async def plan(self, local: LocalTree) -> Plan:
        """The plan for the local tree."""
        for item in local.items:
            await self._add(item)
            self._on_compared(item)
        if self._with_delete and not local.failed and not self._plan.problems:
            self._plan.trash_last = list(self._gone({folded(relative) for relative in local.skipped}))
        return self._plan

    async def _add(self, item: LocalItem) -> None:
        key = folded(item.relative)
        if item.parent in self._blocked:
            self._block(item)
            return
        if other := self._local.get(key):
            self._plan.problems[item.relative] = f"has the same name as {other!r} for the server, which ignores case"
            self._block(item)
            return
        self._local[key] = item.relative
        remote = self._remote.get(key)
        if remote and remote.is_folder != item.is_folder:
            remote = self._other_kind(item, key, remote)
            if remote:
                return
        await self._add_alike(item, remote)

    def _other_kind(self, item: LocalItem, key: str, remote: RemoteItem) -> RemoteItem | None:
        """Plan to trash an item of another kind. Returns the item if it stays."""
        if not self._with_delete:
            kind = "folder" if remote.is_folder else "file"
            self._plan.problems[item.relative] = f"is a {kind} in the drive; --delete moves that to the trash"
            self._block(item)
            return remote
        self._plan.trash_first.append(remote)
        self._remote = {k: v for k, v in self._remote.items() if k != key and not k.startswith(f"{key}/")}
        return None

    async def _add_alike(self, item: LocalItem, remote: RemoteItem | None) -> None:
        name = unicodedata.normalize("NFC", item.name)
        if remote and remote.name != name:
            self._plan.renames.append((remote, name))
        if item.is_folder:
            if remote:
                self.folders[item.relative] = remote
            else:
                self._plan.folders.append(item)
        elif remote and await self._is_equal(item, remote):
            self._plan.unchanged += 1
        else:
            self._plan.uploads.append(Upload(item, remote))

    async def _is_equal(self, item: LocalItem, remote: RemoteItem) -> bool:
        return item.status.st_size == remote.size and await self._hash_of(item) == remote.sha256

    def _block(self, item: LocalItem) -> None:
        """Leave out what is below the item, too."""
        if item.is_folder:
            self._blocked.add(item.relative)

    def _gone(self, kept: set[str]) -> Iterable[RemoteItem]:
        """The items of the drive that are not here any more, without those in such folders.

        What is skipped here, and what is below it, is ``kept``.
        """
        gone: set[str] = set()
        for key, item in self._remote.items():
            parent = key.rpartition("/")[0]
            if key in kept or parent in kept:
                kept.add(key)
            elif parent in gone:
                gone.add(key)
            elif key not in self._local:
                gone.add(key)
                yield item


async def by_relative_path(root: RemoteItem, items: AsyncIterator[RemoteItem]) -> dict[str, RemoteItem]:
    """The items of a folder's tree by their paths below it."""
    start = len(root.path.rstrip("/")) + 1
    return {item.path[start:]: item async for item in items}
