"""Changes of items for an authorized caller."""

from uuid import UUID

import pytest

from services.core.errors import InvalidInput
from services.drive.item_changes import ItemChanges
from storage.drive import items
from storage.drive.tree import changes
from storage.drive.tree.placing import ConflictPolicy
from storage.events.models import Event
from tests.storage.drive.tree_rows import later, names_in

FAIL = ConflictPolicy.FAIL


async def new_folder(account_id: UUID, name: str) -> UUID:
    return (await changes.create_folder(account_id, account_id, name, FAIL, later(0))).id


@pytest.fixture
async def folders(ada: UUID) -> list[UUID]:
    await items.ensure_root(ada, later(0))
    return [await new_folder(ada, name) for name in ("a", "b")]


async def kinds(account_id: UUID) -> list[str]:
    return [event.kind for event in await Event.filter(account_id=account_id).order_by("seq")]


async def test_an_item_that_is_listed_twice_is_changed_once(ada: UUID, folders: list[UUID]) -> None:
    item, folder = folders
    drive = ItemChanges()
    assert len(await drive.trash(ada, [item, item])) == 1
    assert len(await drive.restore(ada, [item, item])) == 1
    assert len(await drive.copy(ada, [item, item], folder, ConflictPolicy.KEEP_BOTH)) == 1
    assert len(await drive.move(ada, [item, item], folder, ConflictPolicy.KEEP_BOTH)) == 1
    assert (await kinds(ada))[2:] == ["TRASHED", "RESTORED", "CREATED", "MOVED"]
    assert sorted(await names_in(folder)) == ["a", "a (2)"]


async def test_an_error_names_the_place_in_the_list_as_it_was_sent(ada: UUID, folders: list[UUID]) -> None:
    with pytest.raises(InvalidInput) as raised:
        await ItemChanges().trash(ada, [folders[0], folders[0], ada])
    assert raised.value.field == "itemIds.2"
