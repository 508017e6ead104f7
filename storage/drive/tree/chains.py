"""Walks in the tree of a drive: up to the root, and down through folders.

A walk up is one recursive query. It stops at ``MAX_CHAIN``, so that no row can make it endless.
"""

from collections.abc import Collection, Container, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from storage.database.connection import as_uuid, fetch
from storage.database.values import marks, parts
from storage.drive.errors import ItemInTrash, ItemIsRoot, ItemMissing
from storage.drive.models import ItemKind

#: Levels of folders below the root. A file may be in the last of them.
MAX_DEPTH = 100
#: The links of the longest chain: a file, its folders, and the root.
MAX_CHAIN = MAX_DEPTH + 2
#: Folders whose sizes one statement computes, so that it takes a second or two at most.
SIZES_AT_ONCE = 10

# Behind a root comes a row without an ID, which the join drops. A condition on a column of ``item`` would let SQLite
# read the whole table in each walk, for a Bloom filter, if the operator has run ANALYZE.
CHAINS = """
WITH RECURSIVE chain (origin, id, height) AS (
    SELECT id, id, 0 FROM item WHERE id IN ({})
    UNION
    SELECT chain.origin, item.parent_id, chain.height + 1 FROM chain JOIN item ON item.id = chain.id
    WHERE chain.height < ?
)
SELECT chain.origin, item.id, item.parent_id, item.account_id, item.kind, item.name,
    CASE WHEN item.trashed_at IS NULL THEN 0 ELSE 1 END
FROM chain JOIN item ON item.id = chain.id ORDER BY chain.origin, chain.height"""
#: Whether the chain of a row of ``item`` ends at the root of its account. Otherwise it is being deleted.
IS_COMPLETE = f"""EXISTS (
    WITH RECURSIVE above (id, height) AS (
        SELECT item.parent_id, 1
        UNION
        SELECT folder.parent_id, above.height + 1 FROM above JOIN item AS folder ON folder.id = above.id
        WHERE above.height < {MAX_CHAIN}
    )
    SELECT 1 FROM above WHERE above.id = item.account_id
)"""  # noqa: S608 - a constant
HEIGHT = """
WITH RECURSIVE below (id, height) AS (
    SELECT id, 0 FROM item WHERE id IN ({})
    UNION ALL
    SELECT item.id, below.height + 1 FROM below JOIN item ON item.parent_id = below.id
    WHERE item.kind = 'FOLDER' AND below.height < ?
)
SELECT MAX(height) FROM below"""
#: The size of everything in a folder that is not in the trash; NULL if that is more items than the limit.
TOTAL_SIZES = """
SELECT item.id, (
    WITH RECURSIVE below (id, kind, size) AS (
        SELECT child.id, child.kind, child.size FROM item AS child
        WHERE child.parent_id = item.id AND child.trashed_at IS NULL
        UNION ALL
        SELECT child.id, child.kind, child.size FROM below JOIN item AS child ON child.parent_id = below.id
        WHERE below.kind = 'FOLDER' AND child.trashed_at IS NULL
    )
    SELECT CASE WHEN COUNT(*) <= ? THEN COALESCE(SUM(size), 0) END FROM (SELECT size FROM below LIMIT ?) AS counted
) FROM item WHERE item.id IN ({})"""


class Link(NamedTuple):
    """An item of a chain. ``is_trashed`` is whether it is itself the top of what is in the trash."""

    id: UUID
    parent_id: UUID | None
    account_id: UUID
    kind: ItemKind
    name: str
    is_trashed: bool


@dataclass(frozen=True)
class Chain:
    """An item and the folders above it, up to the root of the drive."""

    links: Sequence[Link]

    @property
    def item(self) -> Link:
        """The item itself."""
        return self.links[0]

    @property
    def is_root(self) -> bool:
        """Whether the item is the root of a drive."""
        return self.item.id == self.item.account_id

    @property
    def is_complete(self) -> bool:
        """Whether the chain ends at the root of the account: otherwise the item is being deleted."""
        return self.links[-1].id == self.item.account_id

    @property
    def is_in_trash(self) -> bool:
        """Whether the item, or a folder above it, is in the trash."""
        return any(link.is_trashed for link in self.links)

    def belongs_to(self, account_id: UUID) -> bool:
        """Whether this is an item of the account, perhaps in the trash, that is not being deleted."""
        return self.item.account_id == account_id and self.is_complete

    def is_visible_to(self, account_id: UUID) -> bool:
        """Whether this is an item of the account that is neither being deleted nor in the trash."""
        return self.belongs_to(account_id) and not self.is_in_trash

    @property
    def depth(self) -> int:
        """The number of folders above the item; 0 for the root."""
        return len(self.links) - 1

    @property
    def path(self) -> str:
        """The names from the root on, each after a slash; "/" for the root."""
        return "/" + "/".join(link.name for link in reversed(self.links[:-1]))

    def holds(self, item_id: UUID) -> bool:
        """Whether this is the item or a folder above it."""
        return any(link.id == item_id for link in self.links)

    def is_below_any(self, item_ids: Container[UUID]) -> bool:
        """Whether one of these is a folder above the item."""
        return any(link.id in item_ids for link in self.links[1:])


async def chains(item_ids: Collection[UUID]) -> dict[UUID, Chain]:
    """The chain of each item that exists, of any account, also of items in the trash or being deleted."""
    if not item_ids:
        return {}
    links: dict[UUID, list[Link]] = {}
    for origin, *link in await fetch(CHAINS.format(marks(item_ids)), *item_ids, MAX_CHAIN):
        links.setdefault(as_uuid(origin), []).append(_link(*link))
    return {origin: Chain(found) for origin, found in links.items()}


def _link(key: object, parent: object, account: object, kind: str, name: str, is_trashed: int) -> Link:
    parent_id = None if parent is None else as_uuid(parent)
    return Link(as_uuid(key), parent_id, as_uuid(account), ItemKind(kind), name, bool(is_trashed))


def require_item(chain: Chain | None, account_id: UUID, item_id: UUID) -> Chain:
    """The chain of an item of this account that can be changed.

    Raises :class:`ItemMissing`, :class:`ItemInTrash` and :class:`ItemIsRoot`.
    """
    chain = require_found(chain, account_id, item_id)
    if chain.is_in_trash:
        raise ItemInTrash(item_id)
    return chain


def require_found(chain: Chain | None, account_id: UUID, item_id: UUID) -> Chain:
    """The chain of an item of this account, which may be in the trash.

    Raises :class:`ItemMissing` and :class:`ItemIsRoot`.
    """
    if chain is None or not chain.belongs_to(account_id):
        raise ItemMissing(item_id)
    if chain.is_root:
        raise ItemIsRoot(item_id)
    return chain


def require_folder(chain: Chain | None, account_id: UUID, folder_id: UUID) -> Chain:
    """The chain of a folder of this account, to which items can be added.

    Raises :class:`ItemMissing` and :class:`ItemInTrash`.
    """
    if chain is None or not chain.belongs_to(account_id) or chain.item.kind is not ItemKind.FOLDER:
        raise ItemMissing(folder_id)
    if chain.is_in_trash:
        raise ItemInTrash(folder_id)
    return chain


async def is_higher_than(folder_ids: Collection[UUID], levels: int) -> bool:
    """Whether any of these folders has more than so many levels of folders below it, those in the trash included."""
    if not folder_ids:
        return False
    ((height,),) = await fetch(HEIGHT.format(marks(folder_ids)), *folder_ids, levels + 1)
    return bool(height is not None and height > levels)


async def total_sizes(folder_ids: Collection[UUID], most_items: int) -> dict[UUID, int | None]:
    """The bytes of all current versions below each folder; None if there are more than ``most_items`` items."""
    found: dict[UUID, int | None] = {}
    for part in parts(folder_ids, SIZES_AT_ONCE):
        rows = await fetch(TOTAL_SIZES.format(marks(part)), most_items, most_items + 1, *part)
        found |= {as_uuid(key): None if size is None else int(size) for key, size in rows}
    return found
