"""People restore what they have put into the trash, or delete it for good."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.browser.page.support.drive import TRASH, new_folder, signed_in
from tests.browser.page.support.person import Person
from tests.support.server import Api
from tests.support.shared_server import SharedServer, another_user

pytestmark = pytest.mark.asyncio(loop_scope="module")

NAMES = "{ trash { nodes { name } } }"


@pytest_asyncio.fixture(loop_scope="module")
async def api(shared: SharedServer) -> AsyncIterator[Api]:
    """A user with three folders in the trash."""
    async with another_user(shared) as user:
        await user.data(TRASH, ids=[await new_folder(user, name) for name in ("One", "Two", "Three")])
        yield user


async def trashed(api: Api) -> list[str]:
    return sorted(item["name"] for item in (await api.data(NAMES))["nodes"])


async def test_what_is_restored_leaves_the_trash_and_can_go_back(person: Person, api: Api) -> None:
    await signed_in(person, api, "/trash")
    await person.reads("Items are deleted for good after 30 days.")
    await person.click("checkbox", "Select “Two”")
    await person.click("button", "Restore")
    await person.reads("Restored “Two”")
    assert await trashed(api) == ["One", "Three"]
    await person.click("button", "Undo")
    await person.sees("checkbox", "Select “Two”")
    assert await trashed(api) == ["One", "Three", "Two"]


async def test_items_are_deleted_for_good_after_a_question(person: Person, api: Api) -> None:
    await signed_in(person, api, "/trash")
    await person.click("checkbox", "Select “One”")
    await person.click("checkbox", "Select “Two”")
    await person.click("button", "Delete for good")
    await person.press("Escape")
    assert len(await trashed(api)) == 3
    await person.click("button", "Delete for good")
    await person.click("button", "Delete 2 folders for good")
    await person.reads("Deleted 2 folders for good")
    await person.no_longer_reads("One")
    assert await trashed(api) == ["Three"]


async def test_the_trash_is_emptied_after_a_question(person: Person, api: Api) -> None:
    await signed_in(person, api, "/trash")
    await person.sees("checkbox", "Select “One”")
    await person.click("button", "Empty the trash")
    await person.sees("dialog", "Empty the trash")
    await person.click("button", "Empty the trash")
    await person.reads("The trash is empty.")
    assert await trashed(api) == []
