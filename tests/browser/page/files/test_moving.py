"""People move and copy what they have, and take it back."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.browser.page.support.drive import new_file, new_folder, signed_in
from tests.browser.page.support.gestures import drag, right_click
from tests.browser.page.support.person import CONTROL, Person
from tests.support.server import Api
from tests.support.shared_server import SharedServer, another_user

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATH = "query ($id: ID!) { file(id: $id) { path } }"
NAMES = "query ($id: ID!) { node(id: $id) { ... on Folder { items(first: 20) { nodes { name } } } } }"


@pytest_asyncio.fixture(loop_scope="module")
async def api(shared: SharedServer) -> AsyncIterator[Api]:
    """A user with a drive of their own."""
    async with another_user(shared) as user:
        yield user


async def path_of(api: Api, file: str) -> str:
    return str((await api.data(PATH, id=file))["path"])


async def names_in(api: Api, folder: str) -> list[str]:
    return [item["name"] for item in (await api.data(NAMES, id=folder))["items"]["nodes"]]


async def test_a_file_is_dragged_into_a_folder_and_out_of_it_again(person: Person, api: Api) -> None:
    above = await new_folder(api, "Post")
    folder = await new_folder(api, "Letters", above)
    file = await new_file(api, "a.txt", parent_id=above)
    await signed_in(person, api, f"/f/{above}")
    await drag(person, ("row", "a.txt"), ("row", "Letters"))
    await person.reads("Moved “a.txt” to “Letters”")
    assert await path_of(api, file) == "/Post/Letters/a.txt"
    await person.click("button", "Undo")
    await person.sees("row", "a.txt")
    assert await path_of(api, file) == "/Post/a.txt"
    await drag(person, ("row", "a.txt"), ("row", "Letters"), CONTROL)
    await person.reads("Copied “a.txt” to “Letters”")
    await person.open(f"/f/{folder}")
    await person.sees("row", "a.txt")
    await drag(person, ("row", "a.txt"), ("link", "Post"))
    await person.reads("Moved “a.txt” to “Post”")
    await person.click("link", "Post")
    await person.sees("row", "a (2).txt")
    assert await names_in(api, folder) == []


async def test_a_folder_is_moved_by_a_dialog_into_a_new_one_but_never_into_itself(person: Person, api: Api) -> None:
    moved = await new_folder(api, "Drafts")
    file = await new_file(api, "a.txt", parent_id=moved)
    await signed_in(person, api)
    await right_click(person, "row", "Drafts")
    await person.click("menuitem", "Move…")
    await person.reads("It is in this folder already.")
    await person.click("treeitem", "Drafts")
    await person.reads("A folder cannot be moved into itself.")
    await person.click("treeitem", "Files")
    await person.click("button", "New folder")
    await person.write("Old")
    await person.press("Enter")
    await person.click("button", "Move here")
    await person.reads("Moved “Drafts” to “Old”")
    assert await path_of(api, file) == "/Old/Drafts/a.txt"
    await person.press("z", CONTROL)
    await person.sees("row", "Drafts")
    assert await path_of(api, file) == "/Drafts/a.txt"
