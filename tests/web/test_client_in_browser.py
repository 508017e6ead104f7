"""The TypeScript client in Chromium, which sends chunks in another way than Node."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.browser import devtools
from tests.browser.browser import find_browser
from tests.browser.conftest import CACHE
from tests.browser.conftest import HERE as BROWSER
from tests.browser.devtools import Tab, opened_tab
from tests.support.waiting import eventually
from tests.web.conftest import Sources
from tests.web.stand import standing

SCRIPT = Path(__file__).with_name("browser.js").read_text()
MIB = 1024 * 1024
OFFLINE = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}


@pytest_asyncio.fixture
async def tab(web: Sources, tmp_path: Path) -> AsyncIterator[Tab]:
    """A page of the server's own origin, with the client."""
    browser = find_browser(BROWSER / "chromium", CACHE)
    data, profile = tmp_path / "data", tmp_path / "profile"
    data.mkdir()
    with standing(data) as environment, browser.showing("about:blank", profile, *devtools.FLAGS):
        async with opened_tab(profile) as tab:
            # A page of this server that has no scripts of its own may not connect to anything.
            await tab.command("Page.setBypassCSP", enabled=True)
            await tab.show(environment["CLOUDKEEP_URL"] + "/healthz")
            await tab.run(f"{web.bundle()}; window.client = client; null")
            await tab.run(f"({SCRIPT})('{environment['CLOUDKEEP_TOKEN']}')")
            await tab.command("Network.enable")
            yield tab


async def line_is(tab: Tab, *, offline: bool, upload: int = -1) -> None:
    await tab.command("Network.emulateNetworkConditions", **OFFLINE | {"offline": offline, "uploadThroughput": upload})


async def test_it_tells_how_much_of_a_chunk_has_left(tab: Tab) -> None:
    await line_is(tab, offline=False, upload=2 * MIB)
    await tab.run(f"begin({4 * MIB})")
    assert await tab.run("ended") is True
    assert await tab.run("partsOfChunks().length") > 0
    assert (await tab.run("progress.at(-1)"))["stage"] == "READY"


async def test_an_upload_goes_on_when_the_browser_is_online_again(tab: Tab) -> None:
    await line_is(tab, offline=False, upload=4 * MIB)
    await tab.run(f"begin({8 * MIB})")
    await eventually(lambda: tab.run("partsOfChunks().length > 0"))
    await line_is(tab, offline=True)
    await eventually(lambda: tab.run("told('NETWORK')"))
    await line_is(tab, offline=False)
    assert await tab.run("ended") is True


async def test_an_upload_can_be_paused_and_aborted(tab: Tab) -> None:
    await line_is(tab, offline=False, upload=2 * MIB)
    await tab.run(f"begin({8 * MIB})")
    await eventually(lambda: tab.run("partsOfChunks().length > 0"))
    await tab.run("upload.pause()")
    await eventually(lambda: tab.run("told('PAUSED')"))
    await tab.run("upload.resume()")
    await eventually(lambda: tab.run("progress.at(-1).waitsFor === null"))
    await tab.run("upload.abort()")
    assert await tab.run("ended") == "ABORTED"
