"""The page of a file, by what it shows."""

from collections.abc import AsyncGenerator

from tests.browser.page.support.drive import signed_in
from tests.browser.page.support.person import Person
from tests.browser.page.whole.walks.visit import Visit

IS_DRAWN = "document.querySelector('main img')?.complete"
#: Nothing turns in the middle of it any more.
HAS_FRAME = "(video => video?.readyState >= 2 && video.networkState === 1)(document.querySelector('main video'))"
HAS_LENGTH = "document.querySelector('main audio')?.duration > 0"


async def file_pages(visit: Visit) -> AsyncGenerator[str, None]:
    """Files of each kind."""
    person, files = visit.person, visit.contents.files
    await signed_in(person, visit.contents.api, f"/file/{files['Onion soup.txt']}")
    await person.reads("60 g of butter")
    yield "file-text"
    await show(person, files["Rabbit in the meadow.webm"])
    await person.until(HAS_FRAME)
    yield "file-video"
    await show(person, files["Birds in the morning.mp3"])
    await person.until(HAS_LENGTH)
    yield "file-audio"
    await show(person, files["Rabbit at the burrow.jpg"])
    await person.until(IS_DRAWN)
    yield "file-picture"
    await person.click("button", "More")
    await person.sees("menuitem", "Copy link")
    yield "file-menu"
    await show(person, files["Photos of the garden.zip"])
    await person.reads("There is no preview")
    yield "file-without-preview"
    await show(person, "file_00000000000000000000000000")
    await person.reads("This file no longer exists.")
    yield "file-missing"


async def show(person: Person, file_id: str) -> None:
    await person.open(f"/file/{file_id}")
