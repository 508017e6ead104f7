"""Changes of folders and files: their names, places and stars, and the trash."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

from services.core.clock import now
from services.core.errors import AlreadyExists, ExpectedError, InvalidInput, NotFound
from services.core.validation import file_name
from services.drive import errors
from services.drive.item_allowance import ItemAllowance
from storage.drive.errors import (
    ItemError,
    ItemInTrash,
    ItemIsRoot,
    ItemMissing,
    NameTaken,
    TooDeep,
    TooManyItems,
    WouldBeBelowItself,
)
from storage.drive.models import Item
from storage.drive.tree import changes, copying, trash
from storage.drive.tree.chains import MAX_DEPTH
from storage.drive.tree.placing import ConflictPolicy

T = TypeVar("T")


@dataclass(frozen=True)
class Fields:
    """The input fields of a change, for its errors. ``name`` is the one that a taken name concerns."""

    items: dict[UUID, str] = field(default_factory=dict)
    parent_id: UUID | None = None
    name: str | None = None

    def of(self, error: ItemError) -> str | None:
        """The field that caused an error."""
        if isinstance(error, NameTaken):
            return self.name
        if isinstance(error, WouldBeBelowItself) or error.item_id == self.parent_id:
            return "parentId"
        return self.items.get(error.item_id)


def listed(item_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Each item of a list, once, with its input field."""
    fields: dict[UUID, str] = {}
    for index, item_id in enumerate(item_ids):
        fields.setdefault(item_id, f"itemIds.{index}")
    return fields


class ItemChanges:
    """Changes the drive of an account, for an authorized caller. A change concerns all its items or none.

    An item that is listed twice is changed and returned once.

    All methods raise :class:`NotFound` for items that are deleted meanwhile, :class:`services.drive.errors.InTrash` for
    those in the trash, and :class:`InvalidInput` for the root.
    """

    def __init__(self, allowance: ItemAllowance | None = None) -> None:
        self._allowance = allowance or ItemAllowance()

    async def create_folder(self, account_id: UUID, parent_id: UUID, name: str, policy: ConflictPolicy) -> Item:
        """Create a folder; with REPLACE, return the folder that has the name already.

        Raises also :class:`AlreadyExists`, :class:`services.drive.errors.NestedTooDeeply` and
        :class:`services.drive.errors.TooManyItems`.
        """
        name = file_name(name, field="name")
        await self._allowance.require(account_id)
        work = changes.create_folder(account_id, parent_id, name, policy, now())
        return await _run(work, Fields(parent_id=parent_id, name="name"))

    async def rename(self, item: Item, name: str, policy: ConflictPolicy) -> Item:
        """Rename an item. With REPLACE, it can become the newest version of the file that has the name.

        Raises also :class:`AlreadyExists`.
        """
        name = file_name(name, field="name")
        work = changes.rename(item.account_id, item.id, name, policy, now())
        return await _run(work, Fields({item.id: "itemId"}, name="name"))

    async def move(
        self, account_id: UUID, item_ids: Sequence[UUID], parent_id: UUID, policy: ConflictPolicy
    ) -> list[Item]:
        """Move items into a folder.

        Raises also :class:`AlreadyExists`, :class:`services.drive.errors.FolderCycle` and
        :class:`services.drive.errors.NestedTooDeeply`.
        """
        items = listed(item_ids)
        work = changes.move(account_id, list(items), parent_id, policy, now())
        return await _run(work, Fields(items, parent_id, "itemIds"))

    async def copy(
        self, account_id: UUID, item_ids: Sequence[UUID], parent_id: UUID, policy: ConflictPolicy
    ) -> list[Item]:
        """Copy items into a folder, and return the copies.

        Raises like :meth:`move`, and :class:`services.drive.errors.TooManyItems`.
        """
        items = listed(item_ids)
        await self._allowance.require(account_id, len(items), "itemIds")
        work = copying.copy(account_id, list(items), parent_id, policy, now())
        return await _run(work, Fields(items, parent_id, "itemIds"))

    async def star(self, item: Item, *, starred: bool) -> Item:
        """Star an item, or remove its star."""
        work = changes.star(item.account_id, item.id, starred, now())
        return await _run(work, Fields({item.id: "itemId"}))

    async def trash(self, account_id: UUID, item_ids: Sequence[UUID]) -> list[Item]:
        """Put items into the trash. Those that are there already stay."""
        items = listed(item_ids)
        return await _run(trash.trash(account_id, list(items), now()), Fields(items))

    async def restore(self, account_id: UUID, item_ids: Sequence[UUID]) -> list[Item]:
        """Take items out of the trash. Those that are not there stay as they are."""
        items = listed(item_ids)
        return await _run(trash.restore(account_id, list(items), now()), Fields(items))


async def _run(work: Awaitable[T], fields: Fields) -> T:
    try:
        return await work
    except TooManyItems as error:
        message = f"These are more than {copying.MOST_ITEMS:,} items with what is below them. Copy them in parts."
        raise errors.TooManyItems(message, field="itemIds") from error
    except ItemError as error:
        raise refusal_of_change(error, fields.of(error)) from error


def refusal_of_change(error: ItemError, field: str | None) -> ExpectedError:
    """The error for a client, with the input field that caused it."""
    match error:
        case ItemInTrash():
            return errors.InTrash("It is in the trash. Restore it first.", field=field)
        case ItemIsRoot():
            return InvalidInput("The root of the drive cannot be changed.", field=field)
        case NameTaken():
            return AlreadyExists("The folder has another item of this name.", field=field)
        case WouldBeBelowItself():
            return errors.FolderCycle("A folder cannot be put into itself or a folder below it.", field=field)
        case TooDeep():
            return errors.NestedTooDeeply(f"Folders can be nested in up to {MAX_DEPTH} levels.", field=field)
        case ItemMissing():
            return NotFound("There is no such item.", field=field)
    raise AssertionError(error)
