"""The tray of uploads, by what they are at."""

import os
from collections.abc import AsyncGenerator

from tests.browser.page.support.drive import signed_in
from tests.browser.page.support.gestures import drop_files
from tests.browser.page.support.screen import slow
from tests.browser.page.whole.walks.visit import Visit
from tests.support.shared_server import another_user

#: So slow that the film below is on its way until the walk goes on.
BYTES_PER_SECOND = 60_000


async def tray(visit: Visit) -> AsyncGenerator[str, None]:
    """Uploads that are on their way, paused and done."""
    person = visit.person
    film, note = visit.folder / "Wedding dance.mov", visit.folder / "Speech of the bride.txt"
    film.write_bytes(os.urandom(9_000_000))
    note.write_text("My dear friends")
    async with another_user(visit.shared) as api:
        await signed_in(person, api)
        await person.sees("button", "Upload")
        await drop_files(person, note)
        await person.reads("1 upload is done")
        async with slow(person.tab, BYTES_PER_SECOND):
            await drop_files(person, film)
            await person.sees("button", f"Pause: {film.name}")
            await person.reads("Uploading ·")
            yield "tray-sending"
            await person.click("button", f"Pause: {film.name}")
            await person.reads("Paused")
            yield "tray-paused"
            await person.click("button", "Sign out")
            await person.sees("button", "Stay signed in")
            yield "tray-question"
            await person.click("button", "Stay signed in")
        await person.click("button", "Options")
        await person.click("button", f"Resume: {film.name}")
        await person.reads("2 uploads are done")
        yield "tray-done"


async def interrupted_uploads(visit: Visit) -> AsyncGenerator[str, None]:
    """Uploads whose files the browser has forgotten."""
    person = visit.person
    films = [visit.folder / f"Day {number}.mov" for number in (1, 2)]
    for film in films:
        film.write_bytes(os.urandom(9_000_000))
    async with another_user(visit.shared) as api:
        await signed_in(person, api)
        await person.sees("button", "Upload")
        # As in browsers that lead to no file after a reload.
        await person.tab.run("delete DataTransferItem.prototype.getAsFileSystemHandle")
        async with slow(person.tab, BYTES_PER_SECOND):
            await drop_files(person, *films)
            await person.sees("button", "Pause all")
            await person.click("button", "Pause all")
            await person.reads("Paused at")
            await person.reload()
        await person.reads("2 files to choose again")
        yield "tray-interrupted"
