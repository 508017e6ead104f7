"""People do everything without a mouse."""

import pytest

from tests.browser.page.support.drive import new_folder, signed_in
from tests.browser.page.support.person import CONTROL, Person
from tests.support.server import PASSWORD
from tests.support.shared_server import SharedServer, another_user

pytestmark = pytest.mark.asyncio(loop_scope="module")

IS_LIST = "document.querySelector('button[aria-label=List]')?.getAttribute('aria-pressed') === 'true'"


async def test_folders_are_made_renamed_moved_trashed_and_restored_with_keys_alone(
    person: Person, shared: SharedServer
) -> None:
    async with another_user(shared) as api:
        await person.open("/")
        await person.tab_to("textbox", "User ID or e-mail address")
        await person.write(str((await api.data("{ me { userId } }"))["userId"]))
        await person.tab_to("textbox", "Password")
        await person.write(PASSWORD)
        await person.press("Enter")
        await person.sees("link", "Files")
        await make_two_folders(person)
        await person.tab_to("button", "Upload")
        await rename_and_move(person)
        await trash_and_restore(person)


async def make_two_folders(person: Person) -> None:
    for name in ("Archive", "Plans"):
        await person.tab_to("button", "New folder")
        await person.press("Enter")
        await person.is_at("textbox", "Name of the folder")
        await person.write(name)
        await person.press("Enter")
        await person.is_at("button", "New folder")
        await person.sees("row", name)


async def rename_and_move(person: Person) -> None:
    await person.tab_to("row", "Archive")
    await person.press("ArrowRight")
    await person.press("F2")
    await person.is_at("textbox", "New name of “Plans”")
    await person.write("Ideas")
    await person.press("Enter")
    await person.is_at("row", "Ideas")
    await person.press(" ")
    await person.tab_to("button", "Move…")
    await person.press("Enter")
    await person.sees("treeitem", "Archive")
    await person.press("ArrowDown")
    await person.is_at("treeitem", "Archive")
    await person.tab_to("button", "Move here")
    await person.press("Enter")
    await person.reads("Moved “Ideas” to “Archive”")
    await person.press("z", CONTROL)
    await person.sees("row", "Ideas")


async def trash_and_restore(person: Person) -> None:
    await person.tab_to("row", "Ideas")
    await person.press("Delete")
    await person.reads("Moved “Ideas” to the trash")
    await person.press("g")
    await person.press("t")
    await person.arrives("/trash")
    await person.tab_to("row", "Ideas")
    await person.press("v")
    await person.until(IS_LIST)
    await person.tab_to("row", "Ideas")
    await person.press(" ")
    await person.tab_to("button", "Restore")
    await person.press("Enter")
    await person.reads("Restored “Ideas”")
    await person.press("z", CONTROL)
    await person.sees("row", "Ideas")


async def test_single_keys_can_be_switched_off(person: Person, shared: SharedServer) -> None:
    async with another_user(shared) as api:
        await new_folder(api, "Plans")
        await signed_in(person, api)
        await person.tab_to("row", "Plans")
        await person.press("?")
        await person.is_at("checkbox", "Use single keys as shortcuts")
        await person.press(" ")
        await person.press("Escape")
        await person.is_at("row", "Plans")
        await person.press("v")
        await person.press("n")
        await person.tab_to("button", "New folder")
        assert not await person.tab.run(IS_LIST)
