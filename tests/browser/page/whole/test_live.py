"""What happens elsewhere is seen without a reload, whichever tab is closed and whatever happens to the line."""

import asyncio
import os
import re
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from tests.browser.devtools import Tab
from tests.browser.page.support.drive import new_folder, signed_in
from tests.browser.page.support.gestures import drop_files
from tests.browser.page.support.person import Person
from tests.browser.page.support.tabs import another_tab
from tests.browser.site import url_of
from tests.support.faults.stalling_link import StallingLink
from tests.support.process import ServeProcess
from tests.support.server import Api
from tests.support.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

OPEN = re.compile(r"^cloudkeep_websockets_open(?:{[^}]*})? (\d+)", re.MULTILINE)


@pytest_asyncio.fixture(loop_scope="module")
async def person(tab: Tab, link: StallingLink, listener: socket.socket, api: Api) -> AsyncIterator[Person]:
    """The same user, signed in on the page."""
    person = Person(tab, url_of(listener))
    await tab.command("Network.clearBrowserCookies")
    await tab.command("Storage.clearDataForOrigin", origin=person.origin, storageTypes="all")
    await signed_in(person, api)
    await person.sees("button", "Upload")
    yield person
    await tab.show("about:blank")


async def in_another_tab(stack: AsyncExitStack, person: Person) -> Person:
    """The same person in one more tab."""
    other = Person(await stack.enter_async_context(another_tab(person.tab)), person.origin)
    await other.open("/")
    await other.sees("button", "Upload")
    return other


async def has_one_websocket(api: Api) -> bool:
    """Whether the server has exactly one."""
    found = OPEN.search((await api.http.get("/metrics")).text)
    return found is not None and int(found[1]) == 1


async def upload_by_the_command(api: Api, server: ServeProcess, path: Path) -> None:
    """Upload a file by ``cloudkeep upload``."""
    token = api.http.headers["Authorization"].removeprefix("Bearer ")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cloudkeep", "upload", "--url", server.url, path),
        env={**os.environ, "CLOUDKEEP_TOKEN": token},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()


async def test_three_tabs_share_one_line_and_another_goes_on_when_its_tab_is_closed(
    person: Person, api: Api, server: ServeProcess, tmp_path: Path
) -> None:
    """The tab that came first has the line; it is the one that is left."""
    await eventually(lambda: has_one_websocket(api))
    report, note = tmp_path / "report.txt", tmp_path / "note.txt"
    report.write_text("by the command")
    note.write_text("by another tab")
    async with AsyncExitStack() as stack:
        second = await in_another_tab(stack, person)
        third = await in_another_tab(stack, person)
        await upload_by_the_command(api, server, report)
        for each in (person, second, third):
            await each.sees("link", report.name)
        assert await has_one_websocket(api)
        await person.tab.show("about:blank")
        await drop_files(second, note)
        await third.sees("link", note.name)
        await new_folder(api, "After the first tab")
        for each in (second, third):
            await each.sees("link", "After the first tab")
        await eventually(lambda: has_one_websocket(api))


async def test_what_changed_while_the_line_was_cut_is_there_afterwards(
    person: Person, api: Api, link: StallingLink
) -> None:
    await new_folder(api, "Before the cut")
    await person.sees("link", "Before the cut")
    await link.refuse()
    await new_folder(api, "During the cut")
    await link.revive()
    await person.sees("link", "During the cut")


async def test_what_changes_around_a_restart_of_the_server_is_there_afterwards(
    person: Person, api: Api, server: ServeProcess
) -> None:
    await new_folder(api, "Before the restart")
    await person.sees("link", "Before the restart")
    server.child("api").kill()
    await eventually(lambda: answers_again(api))
    await new_folder(api, "After the restart")
    await person.sees("link", "After the restart")


async def answers_again(api: Api) -> bool:
    """Whether another process has taken the place of the one that was killed."""
    try:
        return (await api.http.get("/readyz")).status_code == 200
    except httpx.TransportError:
        return False
