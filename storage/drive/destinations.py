"""The folders that uploads name by a parent and a path below it: found, or created.

Call these functions inside a transaction, after the account's row was locked: so each folder is created once, however
many uploads name it at the same time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from storage.drive import items
from storage.drive.change_log import event, put_names
from storage.drive.errors import NameTaken, TooDeep, TooManyFolders
from storage.drive.models import Item, ItemKind
from storage.drive.names import folded
from storage.drive.placing import ConflictPolicy, find_by_name, items_named
from storage.drive.tree import MAX_DEPTH, Chain, chains, require_folder
from storage.events.events import NewEvent
from storage.events.models import EventKind

#: Folders that one transaction creates: a second of a processor, in which others wait with their changes. A hundred
#: files, each in a path of its own of a hundred levels, would need 10,000.
MOST_CREATED = 500


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
    """The destinations of the uploads that one transaction starts. ``created`` are the folders that it has created."""

    def __init__(self, account_id: UUID, now: datetime) -> None:
        self.created: list[Item] = []
        self._account_id = account_id
        self._now = now
        self._chains: dict[UUID, Chain] = {}
        self._children: dict[tuple[UUID, str], Item | None] = {}
        #: The folders to create, each by the existing folder above it and the names from there on.
        self._planned: set[tuple[UUID, tuple[str, ...]]] = set()

    async def load(self, parent_ids: Iterable[UUID | None]) -> None:
        """Read the folders with which destinations begin, in one query."""
        await items.ensure_root(self._account_id, self._now)
        ids = {parent_id or self._account_id for parent_id in parent_ids}
        self._chains |= await chains(ids)

    async def find(self, destination: Destination) -> Found:
        """The part of a destination that exists. :meth:`load` has read its parent.

        Raises :class:`storage.drive.errors.ItemMissing`, :class:`storage.drive.errors.ItemInTrash`,
        :class:`TooDeep` and :class:`FileInPath`.
        """
        parent_id = destination.parent_id or self._account_id
        chain = require_folder(self._chains.get(parent_id), self._account_id, parent_id)
        if chain.depth + len(destination.names) > MAX_DEPTH:
            raise TooDeep(parent_id)
        folder_id, missing = parent_id, list(destination.names)
        while missing and (child := await self._child(folder_id, missing[0])):
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

    async def require_name(self, found: Found, name: str, conflict: ConflictPolicy) -> None:
        """Raise :class:`NameTaken` if the policy does not allow a file of this name in the destination."""
        if conflict is ConflictPolicy.KEEP_BOTH or found.missing:
            return
        other = await self._child(found.folder_id, name)
        if other and (conflict is ConflictPolicy.FAIL or other.kind is ItemKind.FOLDER):
            raise NameTaken(other.id)

    async def read_names(self, names: Iterable[tuple[UUID, str]]) -> None:
        """Read the items that have these names in these folders."""
        unknown = {(folder_id, folded(name)) for folder_id, name in names} - self._children.keys()
        self._children |= dict.fromkeys(unknown) | await items_named(unknown)

    async def create(self, found: Found) -> UUID:
        """Create the folders of a destination that are missing. Returns its folder."""
        folder_id = found.folder_id
        for name in found.missing:
            # An upload before this one may have created it.
            child = await self._child(folder_id, name) or await self._create(folder_id, name)
            folder_id = child.id
        return folder_id

    async def _create(self, parent_id: UUID, name: str) -> Item:
        folder = items.new_item(self._account_id, parent_id, ItemKind.FOLDER, name, self._now)
        folder.id = uuid7()
        await folder.save(force_create=True)
        await put_names([folder])
        self._children[parent_id, folder.folded_name] = folder
        self.created.append(folder)
        return folder

    async def _child(self, folder_id: UUID, name: str) -> Item | None:
        await self.read_names([(folder_id, name)])
        return self._children[folder_id, folded(name)]

    def events(self) -> list[NewEvent]:
        """The events of the folders that were created."""
        return [event(EventKind.CREATED, folder) for folder in self.created]


async def find_existing(account_id: UUID, destination: Destination) -> UUID | None:
    """The folder of a destination; None unless all of it exists. It is read only, so that it needs no lock."""
    folder_id = destination.parent_id or account_id
    for name in destination.names:
        child = await find_by_name(folder_id, name)
        if not child or child.kind is not ItemKind.FOLDER:
            return None
        folder_id = child.id
    return folder_id
