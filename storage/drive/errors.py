"""Errors of changes in a drive. Services translate them into errors with a code."""

from uuid import UUID

from storage.errors import StorageError


class ItemError(StorageError):
    """Base class of the errors of an item. ``item_id`` is the item that cannot be used."""

    def __init__(self, item_id: UUID) -> None:
        super().__init__(str(item_id))
        self.item_id = item_id


class ItemMissing(ItemError):
    """The account has no such item, or it is being deleted."""


class ItemInTrash(ItemError):
    """The item, or a folder above it, is in the trash."""


class ItemIsRoot(ItemError):
    """The root of a drive cannot be changed."""


class WouldBeBelowItself(ItemError):
    """A folder cannot be moved or copied into itself, or into a folder below it."""


class TooDeep(ItemError):
    """Folders would be nested too deeply."""


class NameTaken(ItemError):
    """Another item of the folder has this name. ``item_id`` is that item."""


class TooManyFolders(ItemError):
    """A call would create more folders than one may."""


class TooManyItems(StorageError):
    """The change concerns more items than one transaction may change."""
