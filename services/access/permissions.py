"""The permissions of viewers on items. Only resolvers check them, before they call a service.

The owner of an item has every permission. Other accounts have none.
"""

from enum import StrEnum
from typing import Protocol, TypeVar
from uuid import UUID

from services.accounts.tokens import Viewer
from services.core.errors import NotFound


class Permission(StrEnum):
    """An action on an item."""

    VIEW = "view"
    EDIT = "edit"


class Item(Protocol):
    """Anything that belongs to an account."""

    account_id: UUID


ItemType = TypeVar("ItemType", bound=Item)


def has_permission(viewer: Viewer, permission: Permission, item: Item) -> bool:
    """Whether the viewer may do this with the item."""
    return viewer.account_id == item.account_id


def visible(viewer: Viewer, item: ItemType | None) -> ItemType | None:
    """The item; None if it does not exist or the viewer may not see it."""
    return item if item and has_permission(viewer, Permission.VIEW, item) else None


def require_permission(
    viewer: Viewer, permission: Permission, item: ItemType | None, name: str, *, field: str | None = None
) -> ItemType:
    """The item, for a viewer who may do this with it.

    Raises :class:`NotFound` if it does not exist. A viewer who may not see it gets the same error, which prevents
    enumeration of IDs. ``name`` is the item's name in the error, ``field`` the input that holds its ID.
    """
    if item is None or not has_permission(viewer, permission, item):
        raise NotFound(f"There is no such {name}.", field=field)
    return item
