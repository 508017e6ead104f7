"""The page says what is wrong with the connection, the storage or itself, and goes on when it is well again."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from tests.browser.devtools import Tab
from tests.browser.page.support.accounts import signed_in
from tests.browser.page.support.drive import new_folder
from tests.browser.page.support.gestures import drop_files
from tests.browser.page.support.person import Person
from tests.browser.page.support.screen import offline
from tests.browser.page.support.tabs import another_tab
from tests.browser.site import url_of
from tests.support.faults.stalling_link import StallingLink
from tests.support.server import Api, Json

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUOTA = "10000"
AWAY = "The server does not answer. Everything goes on by itself when it is back."
OFFLINE = "You are offline. Uploads go on by themselves."
NOT_OFFLINE = "This is not possible while you are offline."
IS_DIMMED = """document.querySelector('button[aria-label="New folder"]')?.getAttribute('aria-disabled') === 'true'"""

#: As in browsers whose owner has blocked all cookies and stored data.
NO_STORAGE = """for (const name of ['localStorage', 'sessionStorage', 'indexedDB']) {
  const get = () => { throw new DOMException('Access is denied for this document.', 'SecurityError') }
  Object.defineProperty(window, name, { get })
}"""


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    """A small quota."""
    return {"CLOUDKEEP_QUOTA": QUOTA}


@pytest_asyncio.fixture(loop_scope="module")
async def user(api: Api) -> Json:
    """The same user's account."""
    account: Json = await api.data("{ me { userId email } }")
    return account


@pytest_asyncio.fixture(loop_scope="module")
async def person(tab: Tab, link: StallingLink, listener: socket.socket) -> AsyncIterator[Person]:
    """A person without a session and without anything that the page has stored."""
    await tab.command("Network.clearBrowserCookies")
    await tab.command("Storage.clearDataForOrigin", origin=url_of(listener), storageTypes="all")
    yield Person(tab, url_of(listener))
    await tab.show("about:blank")


async def test_without_a_network_changes_are_dimmed_and_say_why(person: Person, user: Json, api: Api) -> None:
    await new_folder(api, "Journeys")
    await signed_in(person, user)
    await person.sees("link", "Journeys")
    async with offline(person.tab):
        await person.reads(OFFLINE)
        await person.until(IS_DIMMED)
        await person.click("button", "New folder")
        await person.reads(NOT_OFFLINE)
        await person.click("button", "Dismiss")
        await person.click("checkbox", "Select “Journeys”")
        await person.press("Delete")
        await person.reads(NOT_OFFLINE)
        await person.sees("link", "Journeys")
    await person.no_longer_reads(OFFLINE)
    await person.click("button", "New folder")
    await person.sees("textbox", "Name of the folder")
    await only_the_socket_failed(person.tab)


async def test_a_server_that_is_away_is_told_in_all_tabs_until_it_is_back(
    person: Person, user: Json, api: Api, link: StallingLink
) -> None:
    await signed_in(person, user)
    async with another_tab(person.tab) as second:
        other = Person(second, person.origin)
        await other.open("/")
        await other.sees("button", "Upload")
        await link.refuse()
        for each in (person, other):
            await each.reads(AWAY)
        await new_folder(api, "Made meanwhile")
        await link.revive()
        for each in (person, other):
            await each.no_longer_reads(AWAY)
            await each.reads("Made meanwhile")
            await only_the_socket_failed(each.tab)


async def only_the_socket_failed(tab: Tab) -> None:
    """The browser tells of each WebSocket that it cannot open; scripts cannot prevent that."""
    assert [error for error in await tab.errors() if not error.startswith("WebSocket connection to")] == []


async def test_a_file_without_room_says_how_full_the_storage_is(person: Person, user: Json, tmp_path: Path) -> None:
    film = tmp_path / "film.bin"
    film.write_bytes(bytes(2 * int(QUOTA)))
    await signed_in(person, user)
    await person.sees("button", "Upload")
    await drop_files(person, film)
    await person.reads("Your storage has no room for it.")
    await person.until("document.querySelector('li.failed meter').max === 10000")
    await person.click("link", "See your storage")
    await person.arrives("/account")


async def test_an_address_without_https_is_told_on_the_security_page(person: Person, user: Json) -> None:
    await signed_in(person, user, "/account/security")
    await person.sees("button", "Change the password")
    await person.no_longer_reads("This address has no HTTPS")
    async with scripted(person.tab, "Object.defineProperty(window, 'isSecureContext', { value: false })"):
        await person.reload()
        await person.reads("This address has no HTTPS")


async def test_where_the_browser_stores_nothing_the_page_works(person: Person, user: Json, api: Api) -> None:
    await new_folder(api, "Journeys")
    async with scripted(person.tab, NO_STORAGE):
        await signed_in(person, user)
        await person.sees("link", "Journeys")
        await person.click("button", "List")
        await person.sees("columnheader", "Name")


async def test_the_name_is_painted_before_the_script_has_come(person: Person, tab: Tab) -> None:
    await tab.command("Network.enable")
    await tab.command("Network.setBlockedURLs", urls=["*/assets/*.js"])
    try:
        await person.open("/")
        await person.until("document.getElementById('start').innerText === 'CloudKeep'")
        await person.until("performance.getEntriesByName('first-contentful-paint').length === 1")
    finally:
        await tab.command("Network.setBlockedURLs", urls=[])
    await person.open("/")
    await person.sees("button", "Sign in")
    await person.until("document.getElementById('start') === null")


@asynccontextmanager
async def scripted(tab: Tab, script: str) -> AsyncIterator[None]:
    """Documents that are shown in the block run a script first."""
    await tab.command("Page.enable")
    added = await tab.command("Page.addScriptToEvaluateOnNewDocument", source=script)
    try:
        yield
    finally:
        await tab.command("Page.removeScriptToEvaluateOnNewDocument", **added)
