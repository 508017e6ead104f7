"""Uploads of a person, and what becomes of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.browser.devtools import Tab
from tests.browser.page.support.gestures import drop_files
from tests.browser.page.support.person import Person
from tests.support.faults.stalling_link import StallingLink
from tests.support.server import PASSWORD, Api, digest
from tests.support.waiting import eventually

CHUNK = 16 * 1024 * 1024
#: Two chunks are sent at the same time: the line is cut when they are there, and the third one is on its way.
TWO_CHUNKS_AND_MORE = 2 * CHUNK + 2_000_000
FILES = "{ files(first: 50) { nodes { name size sha256 } } }"
ME = "{ me { userId } }"
#: Whether the page asks before it is left.
ASKS = "!dispatchEvent(new Event('beforeunload', { cancelable: true }))"


@asynccontextmanager
async def in_front_of(tab: Tab, url: str, api: Api) -> AsyncIterator[Person]:
    """The user of the API, signed in on the page."""
    await tab.command("Network.clearBrowserCookies")
    await tab.command("Storage.clearDataForOrigin", origin=url, storageTypes="all")
    person = Person(tab, url)
    await person.open("/")
    await person.fill("User ID or e-mail address", (await api.data(ME))["userId"])
    await person.fill("Password", PASSWORD)
    await person.click("button", "Sign in")
    await person.sees("button", "Upload")
    yield person
    await tab.command("Network.clearBrowserCookies")
    await tab.command("Storage.clearDataForOrigin", origin=url, storageTypes="all")
    await tab.show("about:blank")


async def arrives_whole(api: Api, path: Path) -> None:
    """Wait until the server has the file, with its bytes."""
    expected = {"name": path.name, "size": str(path.stat().st_size), "sha256": digest(path.read_bytes())}

    async def is_there() -> bool:
        nodes = (await api.data(FILES))["nodes"]
        return expected in [{**node, "size": str(node["size"])} for node in nodes]

    await eventually(is_there, 60)


async def cut_in_the_middle(person: Person, link: StallingLink, film: Path) -> None:
    """Drop a file, and cut the line after two of its chunks."""
    link.die_after(TWO_CHUNKS_AND_MORE)
    await drop_files(person, film)
    await is_cut(link)


async def is_cut(link: StallingLink) -> None:
    """Wait until nothing passes any more."""

    async def is_dead() -> bool:
        return link.is_dead

    await eventually(is_dead, 60)
