"""The pages with lists of files."""

from collections.abc import AsyncGenerator

from tests.browser.page.support.drive import new_folder, signed_in
from tests.browser.page.support.gestures import right_click
from tests.browser.page.support.person import CONTROL, Person
from tests.browser.page.support.screen import offline
from tests.browser.page.whole.walks.visit import Visit
from tests.support.shared_server import another_user

FILM = "Rabbit in the meadow.webm"
PICTURE = "Rabbit at the burrow.jpg"


async def empty_lists(visit: Visit) -> AsyncGenerator[str, None]:
    """What somebody sees who has nothing yet."""
    person = visit.person
    async with another_user(visit.shared) as api:
        await signed_in(person, api)
        await person.reads("Nothing here yet.")
        yield "files-empty"
        await person.click("link", "Starred")
        await person.reads("Nothing has a star yet.")
        yield "starred-empty"
        await person.click("link", "Trash")
        await person.reads("The trash is empty.")
        yield "trash-empty"
        await person.click("link", "Search")
        await person.reads("Search for files and folders by their names.")
        yield "search-start"
        await person.open("/search?q=sumer")
        await person.reads("Nothing matches")
        yield "search-empty"
        await person.open("/no/such/page")
        await person.sees("heading", "Not found")
        yield "not-found"
        await person.open("/f/folder_00000000000000000000000000")
        await person.reads("This folder no longer exists.")
        yield "folder-missing"


async def files(visit: Visit) -> AsyncGenerator[str, None]:
    """Files, as they are looked at and chosen."""
    person = visit.person
    await signed_in(person, visit.contents.api)
    await person.sees("row", FILM)
    yield "files-grid"
    await person.click("row", FILM)
    await person.click("row", PICTURE, CONTROL)
    await person.reads("2 selected")
    yield "files-selected"
    await person.press("Escape")
    await right_click(person, "row", FILM)
    await person.sees("menuitem", "Copy link")
    yield "files-menu"
    await person.press("Escape")
    await person.click("button", "Upload")
    await person.sees("menuitem", "A folder…")
    yield "files-upload-menu"
    await person.press("Escape")
    await person.click("button", "List")
    await person.sees("columnheader", "Name")
    yield "files-list"
    await person.click("row", FILM)
    await person.press("F2")
    await person.sees("textbox", f"New name of “{FILM}”")
    yield "files-renaming"
    await person.press("Escape")
    await person.click("button", "Grid")


async def dialogs(visit: Visit) -> AsyncGenerator[str, None]:
    """The dialogs over files, and what is said of what was done."""
    person = visit.person
    await signed_in(person, visit.contents.api)
    await person.sees("row", FILM)
    await person.click("button", "New folder")
    await person.fill("Name of the folder", "Invoices")
    await person.press("Enter")
    await person.reads("something with this name already")
    yield "new-folder-refused"
    await person.press("Escape")
    await move_dialog(person)
    yield "move"
    await person.press("Escape")
    await person.press("?")
    await person.sees("dialog", "Keyboard shortcuts")
    yield "shortcuts"
    await person.press("Escape")
    await star_and_back(person)
    yield "done"


async def move_dialog(person: Person) -> None:
    await right_click(person, "row", FILM)
    await person.click("menuitem", "Move…")
    await person.sees("treeitem", "Invoices")


async def star_and_back(person: Person) -> None:
    """Do something that can be undone, and undo it."""
    await right_click(person, "row", PICTURE)
    await person.click("menuitem", "Move to trash")
    await person.reads("Undo")
    await person.click("button", "Undo")
    await person.sees("row", PICTURE)


async def other_lists(visit: Visit) -> AsyncGenerator[str, None]:
    """Search, starred items, the trash, and a folder that does not come."""
    person = visit.person
    await signed_in(person, visit.contents.api, "/search?q=rabbit")
    await person.reads("Results for")
    await person.sees("row", FILM)
    yield "search"
    await person.click("button", "Kind: Any kind")
    await person.sees("menuitemradio", "Videos")
    yield "search-menu"
    await person.press("Escape")
    await person.click("link", "Starred")
    await person.sees("row", FILM)
    yield "starred"
    await person.click("link", "Trash")
    await person.click("checkbox", "Select “Notes.txt”")
    yield "trash"
    await person.click("button", "Empty the trash")
    await person.sees("dialog", "Empty the trash")
    yield "trash-question"
    await person.press("Escape")
    await person.click("link", "Files")
    await person.sees("row", "Invoices")
    async with offline(person.tab):
        await person.click("link", "Invoices")
        await person.reads("could not be loaded")
        yield "folder-not-loaded"
    await person.open(f"/f/{await new_folder(visit.contents.api, 'A', await deep_folder(visit))}")
    await person.sees("heading", "A")
    yield "folder-deep"


async def deep_folder(visit: Visit) -> str:
    """A folder far below the root, with a long name."""
    folder = await new_folder(visit.contents.api, "Everything from the years before", visit.contents.folder)
    return await new_folder(visit.contents.api, "Receipts_and_other_papers_that_nobody_will_ever_read_again", folder)
