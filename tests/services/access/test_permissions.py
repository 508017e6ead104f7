"""What a viewer may do with an item: its owner everything, all others nothing."""

from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest

from services.access.permissions import Permission, has_permission, require_permission, visible
from services.accounts.tokens import Viewer
from services.core.clock import now
from services.core.errors import NotFound

OWNER, STRANGER = (Viewer(uuid4(), uuid4(), now()) for _ in range(2))


@dataclass
class Item:
    account_id: UUID


ITEM = Item(OWNER.account_id)


@pytest.mark.parametrize("permission", Permission)
def test_the_owner_may_do_everything(permission: Permission) -> None:
    assert has_permission(OWNER, permission, ITEM)
    assert require_permission(OWNER, permission, ITEM, "upload") is ITEM


@pytest.mark.parametrize("permission", Permission)
def test_a_stranger_may_do_nothing(permission: Permission) -> None:
    assert not has_permission(STRANGER, permission, ITEM)


@pytest.mark.parametrize("permission", Permission)
def test_a_strangers_item_and_one_that_does_not_exist_get_the_same_error(permission: Permission) -> None:
    messages = []
    for item in (ITEM, None):
        with pytest.raises(NotFound) as error:
            require_permission(STRANGER, permission, item, "upload")
        messages.append(str(error.value))
    assert messages == ["There is no such upload."] * 2


def test_an_item_is_visible_to_those_who_may_view_it() -> None:
    assert visible(OWNER, ITEM) is ITEM
    assert visible(STRANGER, ITEM) is None
    assert visible(OWNER, None) is None
