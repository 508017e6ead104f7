"""In Chromium, pictures, videos and texts are shown by their INLINE URLs, and nothing that was uploaded ever runs."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
import pytest_asyncio

from tests.browser import devtools
from tests.browser.browser import Browser
from tests.browser.devtools import Tab, opened_tab
from tests.support.backends.databases import Databases
from tests.support.server import Json
from tests.support.shared_server import SharedServer, shared_server
from tests.support.waiting import eventually
from workers.media.tools import find_tools

pytestmark = pytest.mark.asyncio(loop_scope="module")

DOWNLOADS = """query ($id: ID!) { upload(id: $id) { file { mimeType
  shown: download(disposition: INLINE) { url } stored: download { url } } } }"""
#: What an attacker wants to run. It tells every page above it.
SCRIPT = "parent.postMessage('ran', '*'); top.postMessage('ran', '*')"
HTML = f"<!doctype html><title>ran</title><script>{SCRIPT}</script><h1>ran</h1>"
SVG = f'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>{SCRIPT}</script></svg>'
XHTML = f'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><script>{SCRIPT}</script></html>'
#: Files that must not run: by name, what they contain, and what their sender says they are.
HOSTILE: Mapping[str, tuple[str, str]] = {
    "page.html": (HTML, "text/html"),
    "page.txt": (HTML, "text/plain"),
    "page.mp4": (HTML, "video/mp4"),
    "page.png": (HTML, "image/png"),
    "page.pdf": (HTML, "application/pdf"),
    "picture.svg": (SVG, "image/svg+xml"),
    "picture.png": (SVG, "image/png"),
    "page.xhtml": (XHTML, "application/xhtml+xml"),
    "code.js": (SCRIPT, "text/javascript"),
    "fragment.md": (f"a <b>text</b> with a <script>{SCRIPT}</script>", "text/html"),
}
#: Counts the messages of the script above.
LISTEN = "window.heard = 0; window.addEventListener('message', () => { window.heard += 1 }); 'listening'"
FRAMES = """(async urls => {
  const kinds = ['iframe', 'object', 'embed', 'img']
  await Promise.all(urls.flatMap(url => kinds.map(kind => new Promise(done => {
    const element = Object.assign(document.createElement(kind), { onload: done, onerror: done })
    element[kind === 'object' ? 'data' : 'src'] = url
    document.body.append(element)
    setTimeout(done, 1000)
  }))))
  return window.heard
})"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> AsyncIterator[SharedServer]:
    """A server with a worker."""
    async with shared_server(tmp_path_factory.mktemp("stand"), databases) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tab(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Tab]:
    """A tab that stores no downloads."""
    profile = tmp_path_factory.mktemp("browser") / "profile"
    flags = (*devtools.FLAGS, "--autoplay-policy=no-user-gesture-required")
    with browser.showing("about:blank", profile, *flags):
        async with opened_tab(profile) as opened:
            await opened.command("Browser.setDownloadBehavior", behavior="deny")
            yield opened


async def sent(shared: SharedServer, name: str, content: bytes, mime_type: str | None = None) -> Json:
    """The type and the URLs of a file."""
    upload = await shared.api.upload(content, fileName=name, mimeType=mime_type)
    await shared.api.frames(upload["id"])
    file: Json = (await shared.api.data(DOWNLOADS, id=upload["id"]))["file"]
    return file


async def made(folder: Path, name: str, *arguments: str) -> bytes:
    """A file that ffmpeg makes of a test picture."""
    source = ("-v", "error", "-f", "lavfi", "-i", "testsrc=size=64x48:rate=10:duration=2")
    command = [find_tools().ffmpeg, *source, *arguments, str(folder / name)]
    await asyncio.to_thread(subprocess.run, command, check=True, timeout=60)
    return (folder / name).read_bytes()


async def test_a_picture_is_shown(shared: SharedServer, tab: Tab, tmp_path: Path) -> None:
    """Also on pages of others."""
    file = await sent(shared, "a.png", await made(tmp_path, "a.png", "-frames:v", "1"))
    await tab.show(file["shown"]["url"])
    assert await tab.run("[document.images[0].naturalWidth, document.contentType]") == [64, "image/png"]


async def test_a_video_is_shown_and_can_be_sought(shared: SharedServer, tab: Tab, tmp_path: Path) -> None:
    """The browser asks for ranges of it."""
    film = await made(tmp_path, "a.webm", "-c:v", "libvpx", "-g", "5")
    file = await sent(shared, "renamed.html", film)
    assert file["mimeType"] == "video/webm"
    await tab.show(file["shown"]["url"])
    # Handlers of events do not run in a sandbox.
    video = "document.querySelector('video')"
    await eventually(lambda: tab.run(f"{video}.readyState >= 2"))
    await tab.run(f"{video}.currentTime = 1.5")
    await eventually(lambda: tab.run(f"!{video}.seeking && {video}.readyState >= 2"))
    assert await tab.run(f"[{video}.videoWidth, {video}.currentTime >= 1.5]") == [64, True]


async def test_a_text_is_shown_as_text(shared: SharedServer, tab: Tab) -> None:
    """Markup in it is shown, and not followed."""
    file = await sent(shared, "a.md", "Grüße, <b>bold</b>".encode(), "text/html")
    await tab.show(file["shown"]["url"])
    shown = "[document.body.innerText, document.contentType, document.characterSet, document.querySelector('b')]"
    assert await tab.run(shown) == ["Grüße, <b>bold</b>", "text/plain", "UTF-8", None]


async def test_nothing_that_was_uploaded_runs(shared: SharedServer, tab: Tab) -> None:
    """Neither as a page, nor in a frame of one, whatever its name and declared type are, and by both kinds of URLs."""
    files = [await sent(shared, name, content.encode(), declared) for name, (content, declared) in HOSTILE.items()]
    urls = [file[kind]["url"] for file in files for kind in ("shown", "stored")]
    await tab.show("about:blank")
    await tab.run(LISTEN)
    await tab.run(
        f"document.body.append(Object.assign(document.createElement('iframe'), {{srcdoc: {json.dumps(HTML)}}}))"
    )
    # The script does run where nothing prevents it.
    await eventually(lambda: tab.run("window.heard > 0"))
    await tab.run("window.heard = 0")
    assert await tab.run(f"{FRAMES}({json.dumps(urls)})") == 0


async def test_what_might_run_is_downloaded_instead_of_shown(shared: SharedServer, tab: Tab) -> None:
    """The browser stays on its page."""
    await tab.show("about:blank")
    for name in ("page.html", "picture.svg", "page.xhtml", "code.js"):
        content, declared = HOSTILE[name]
        file = await sent(shared, f"again-{name}", content.encode(), declared)
        answer = await tab.command("Page.navigate", url=file["shown"]["url"])
        assert answer.get("errorText") == "net::ERR_ABORTED", name
        assert await tab.run("location.href") == "about:blank"
