"""The folders that uploads name by a parent and a path below it: found, or created.

Call these functions inside a transaction, after the account's row was locked: so each folder is created once, however
many uploads name it at the same time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from storage.database.bulk import insert_rows
from storage.drive import items
from storage.drive.change_log import event, log, put_names
from storage.drive.errors import NameTaken, TooDeep, TooManyFolders
from storage.drive.models import Item, ItemKind
from storage.drive.names import folded
from storage.drive.tree.chains import MAX_DEPTH, Chain, chains, require_folder
from storage.drive.tree.placing import ConflictPolicy, items_named
from storage.events.models import EventKind

#: Folders that one transaction creates: a fifth of a second of a processor, in which others wait with their changes. A
#: hundred files, each in a path of its own of a hundred levels, would need 10,000. Any single path is possible.
MOST_CREATED = MAX_DEPTH


@dataclass(frozen=True)
class Destination:
    """The folder at the end of a path of ``names`` below a folder; ``parent_id`` null is the root."""

    parent_id: UUID | None = None
    names: Sequence[str] = ()


@dataclass(frozen=True)
class Found:
    """The part of a destination that exists: a folder, and the names of the folders that are missing below it."""

    folder_id: UUID
    missing: Sequence[str]


class FileInPath(NameTaken):
    """A file has the name of a folder of the path."""


class Destinations:
    """The destinations of the uploads that one transaction starts."""

    def __init__(self, account_id: UUID, now: datetime) -> None:
        self._account_id = account_id
        self._now = now
        #: Each after the folder that it is in.
        self._created: list[Item] = []
        self._chains: dict[UUID, Chain] = {}
        self._children: dict[tuple[UUID, str], Item | None] = {}
        #: The folders to create, each by the existing folder above it and the names from there on.
        self._planned: set[tuple[UUID, tuple[str, ...]]] = set()

    async def load(self, destinations: Iterable[Destination]) -> None:
        """Read the folders of destinations, as far as they exist: one query for each level, not for each of them."""
        await items.ensure_root(self._account_id, self._now)
        paths = {(each.parent_id or self._account_id, tuple(each.names)) for each in destinations}
        self._chains |= await chains({parent_id for parent_id, _ in paths})
        while paths := {(folder_id, names) for folder_id, names in paths if names}:
            await self.read_names((folder_id, names[0]) for folder_id, names in paths)
            below = [(self._child(folder_id, names[0]), names[1:]) for folder_id, names in paths]
            paths = {(child.id, names) for child, names in below if child and child.kind is ItemKind.FOLDER}

    def find(self, destination: Destination) -> Found:
        """The part of a destination that exists. :meth:`load` has read it.

        Raises :class:`storage.drive.errors.ItemMissing`, :class:`storage.drive.errors.ItemInTrash`,
        :class:`TooDeep` and :class:`FileInPath`.
        """
        parent_id = destination.parent_id or self._account_id
        chain = require_folder(self._chains.get(parent_id), self._account_id, parent_id)
        if chain.depth + len(destination.names) > MAX_DEPTH:
            raise TooDeep(parent_id)
        folder_id, missing = parent_id, list(destination.names)
        while missing and (child := self._child(folder_id, missing[0])):
            if child.kind is not ItemKind.FOLDER:
                raise FileInPath(child.id)
            folder_id = child.id
            missing.pop(0)
        return Found(folder_id, missing)

    def plan(self, found: Found) -> None:
        """Count the folders of a destination that are missing. Raises :class:`TooManyFolders`."""
        names = tuple(map(folded, found.missing))
        planned = self._planned | {(found.folder_id, names[: end + 1]) for end in range(len(names))}
        if len(planned) > MOST_CREATED:
            raise TooManyFolders(found.folder_id)
        self._planned = planned

    def require_name(self, found: Found, name: str, conflict: ConflictPolicy) -> None:
        """Raise :class:`NameTaken` if the policy does not allow a file of this name in the destination.

        :meth:`read_names` has read the name, unless the policy is KEEP_BOTH.
        """
        if conflict is ConflictPolicy.KEEP_BOTH or found.missing:
            return
        other = self._child(found.folder_id, name)
        if other and (conflict is ConflictPolicy.FAIL or other.kind is ItemKind.FOLDER):
            raise NameTaken(other.id)

    async def read_names(self, names: Iterable[tuple[UUID, str]]) -> None:
        """Read the items that have these names in these folders."""
        unknown = {(folder_id, folded(name)) for folder_id, name in names} - self._children.keys()
        self._children |= dict.fromkeys(unknown) | await items_named(unknown)

    def create(self, found: Found) -> UUID:
        """The folder of a destination. Those that are missing are created; :meth:`store` stores them."""
        folder_id = found.folder_id
        for name in found.missing:
            # An upload before this one may have created it.
            child = self._child(folder_id, name) or self._create(folder_id, name)
            folder_id = child.id
        return folder_id

    def _create(self, parent_id: UUID, name: str) -> Item:
        folder = items.new_item(self._account_id, parent_id, ItemKind.FOLDER, name, self._now)
        self._children[parent_id, folder.folded_name] = folder
        self._created.append(folder)
        return folder

    def _child(self, folder_id: UUID, name: str) -> Item | None:
        """The item of a folder with this name. A folder that was created has no others than those created in it."""
        return self._children.get((folder_id, folded(name)))

    async def store(self) -> None:
        """Store the folders that were created, and their events."""
        await insert_rows(self._created)
        await put_names(self._created)
        await log(self._account_id, [event(EventKind.CREATED, folder) for folder in self._created], self._now)


async def find_existing(account_id: UUID, destination: Destination) -> UUID | None:
    """The folder of a destination; None unless all of it exists. It is read only, so that it needs no lock."""
    folder_id = destination.parent_id or account_id
    for name in destination.names:
        child = await items.find_by_name(folder_id, name)
        if not child or child.kind is not ItemKind.FOLDER:
            return None
        folder_id = child.id
    return folder_id
