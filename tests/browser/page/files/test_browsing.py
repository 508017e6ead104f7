"""People look through folders, name things and select them, with the mouse and with keys."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.browser.page.support.drive import new_file, new_folder, signed_in
from tests.browser.page.support.gestures import double_click, right_click
from tests.browser.page.support.person import CONTROL, SHIFT, Person
from tests.support.server import Api
from tests.support.shared_server import SharedServer, another_user

pytestmark = pytest.mark.asyncio(loop_scope="module")

SHOWN = "[...document.querySelectorAll('[data-id]')].map((row) => row.getAttribute('aria-label')).join()"
SELECTED = "[...document.querySelectorAll('[data-id][aria-selected=true]')].map((row) => row.ariaLabel).join()"
TO_THE_END = "window.scrollTo(0, document.documentElement.scrollHeight)"


@pytest_asyncio.fixture(loop_scope="module")
async def api(shared: SharedServer) -> AsyncIterator[Api]:
    """A user with a drive of their own."""
    async with another_user(shared) as user:
        yield user


async def test_folders_are_opened_by_mouse_and_keys_and_left_by_their_path(person: Person, api: Api) -> None:
    outside = await new_folder(api, "Outside")
    inside = await new_folder(api, "Inside", outside)
    await signed_in(person, api)
    await double_click(person, "row", "Outside")
    await person.arrives(f"/f/{outside}")
    await person.click("row", "Inside")
    await person.press("Enter")
    await person.arrives(f"/f/{inside}")
    await person.reads("Nothing here yet. Drop files anywhere on this page.")
    await person.click("link", "Outside")
    await person.arrives(f"/f/{outside}")
    await person.sees("row", "Inside")
    await person.press("Backspace")
    await person.arrives("/")
    await person.sees("row", "Outside")


async def test_a_folder_is_made_and_renamed_but_not_to_a_name_that_is_taken(person: Person, api: Api) -> None:
    await new_folder(api, "Letters")
    await signed_in(person, api)
    await person.sees("row", "Letters")
    await person.press("n")
    await person.write("letters")
    await person.press("Enter")
    await person.reads("This folder has something with this name already.")
    await person.fill("Name of the folder", "Pictures")
    await person.press("Enter")
    await person.click("row", "Pictures")
    await person.press("F2")
    await person.sees("textbox", "New name of “Pictures”")
    await person.write("Photos")
    await person.press("Escape")
    await person.is_at("row", "Pictures")
    await person.press("F2")
    await person.sees("textbox", "New name of “Pictures”")
    await person.write("Letters")
    await person.press("Enter")
    await person.reads("This folder has something with this name already.")
    await person.fill("New name of “Pictures”", "Photos")
    await person.press("Enter")
    await person.is_at("row", "Photos")
    await person.until(f"{SHOWN} === 'Letters,Photos'")


async def test_many_items_are_selected_and_go_to_the_trash_and_back(person: Person, api: Api) -> None:
    for name in "ABCD":
        await new_folder(api, name)
    await signed_in(person, api)
    await person.click("row", "A")
    await person.click("row", "C", CONTROL)
    await person.until(f"{SELECTED} === 'A,C'")
    await person.click("row", "D", SHIFT)
    await person.until(f"{SELECTED} === 'C,D'")
    await person.press("a", CONTROL)
    await person.reads("4 selected")
    await person.press("Escape")
    await person.no_longer_reads("selected")
    await person.press("ArrowLeft", SHIFT)
    await person.reads("2 selected")
    await right_click(person, "row", "D")
    await person.press("Escape")
    await person.is_at("row", "D")
    await person.press("Delete")
    await person.reads("Moved 2 items to the trash")
    await person.until(f"{SHOWN} === 'A,B'")
    await person.press("z", CONTROL)
    await person.until(f"{SHOWN} === 'A,B,C,D'")


async def test_the_order_and_the_layout_stay_and_a_filter_shows_one_kind(person: Person, api: Api) -> None:
    await new_folder(api, "Folder")
    await new_file(api, "a.txt", b"long text")
    await new_file(api, "b.txt", b"text")
    await new_file(api, "c.zip", b"PK\x05\x06" + bytes(18))
    await signed_in(person, api)
    await person.until(f"{SHOWN} === 'Folder,a.txt,b.txt,c.zip'")
    await person.click("button", "Sort: Name")
    await person.click("menuitemradio", "Descending")
    await person.until(f"{SHOWN} === 'Folder,c.zip,b.txt,a.txt'")
    await person.press("v")
    await person.sees("columnheader", "Name")
    await person.reload()
    await person.sees("columnheader", "Name")
    await person.until(f"{SHOWN} === 'Folder,c.zip,b.txt,a.txt'")
    await person.click("button", "Filter: Everything")
    await person.click("menuitemradio", "Archives")
    await person.until(f"{SHOWN} === 'c.zip'")
    await person.click("button", "Filter: Archives")
    await person.click("menuitemradio", "Videos")
    await person.click("button", "Show everything")
    await person.until(f"{SHOWN}.includes('a.txt')")


async def test_a_long_folder_is_loaded_while_it_is_scrolled(person: Person, api: Api) -> None:
    for number in range(1, 251):
        await new_folder(api, f"Folder {number}")
    await signed_in(person, api)
    await person.sees("row", "Folder 1")
    # The document grows with each page of the list.
    await person.until(f"({TO_THE_END}, {SHOWN}.endsWith('Folder 250'))")
    assert await person.tab.run("document.querySelectorAll('[data-id]').length < 200")
