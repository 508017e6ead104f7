"""A new person does what CloudKeep is for, from the sign-up to a film that plays and is downloaded again."""

import asyncio
import secrets
import subprocess
from pathlib import Path

import pytest

from tests.browser.page.support.accounts import code_for, fill_in_registration
from tests.browser.page.support.gestures import drop_files
from tests.browser.page.support.person import Person
from tests.support.shared_server import SharedServer
from tests.support.waiting import eventually
from workers.media.tools import find_tools

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: Eight seconds that every Chromium plays, with one key frame a second, so that it can be sought.
SOURCES = ("-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25:duration=8", "-f", "lavfi", "-i", "sine=duration=8")
CODECS = ("-c:v", "libvpx", "-deadline", "realtime", "-b:v", "2M", "-g", "25", "-c:a", "libopus")
#: Keeps each text of the line of stages, however short it is shown.
WATCH = """window.stages = new Set()
new MutationObserver(() => {
  for (const line of document.querySelectorAll('[role=progressbar]')) {
    window.stages.add(line.getAttribute('aria-label') + ': ' + line.getAttribute('aria-valuetext').split(',')[0])
  }
}).observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: ['aria-valuetext'] })"""
VIDEO = "document.querySelector('video')"
CHOOSE_THE_COPY = """(select => {
  select.value = [...select.options].find(({ text }) => text.startsWith('Smaller copy')).value
  select.dispatchEvent(new Event('change', { bubbles: true }))
})(document.querySelector('label select'))"""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film with sound."""
    path = tmp_path_factory.mktemp("clips") / "Harbour at dawn.webm"
    command = [find_tools().ffmpeg, "-v", "error", "-nostdin", *SOURCES, *CODECS, str(path)]
    subprocess.run(command, check=True, timeout=120)
    return path


async def test_a_new_person_stores_a_film_watches_it_and_takes_it_away(
    person: Person, shared: SharedServer, clip: Path, tmp_path: Path
) -> None:
    await sign_up(person, shared)
    await upload_with_a_smaller_copy(person, clip, tmp_path)
    await person.click("link", clip.name)
    await watch(person)
    await watch_the_copy(person)
    await download(person, clip, tmp_path)


async def sign_up(person: Person, shared: SharedServer) -> None:
    name = f"ada-{secrets.token_hex(4)}"
    await person.open("/")
    await person.click("link", "Create an account")
    await fill_in_registration(person, name)
    await person.fill("Code from the e-mail", await code_for(shared, f"{name}@example.org"))
    await person.click("button", "Create the account")
    await person.sees("button", "Upload")


async def upload_with_a_smaller_copy(person: Person, clip: Path, folder: Path) -> None:
    """The choice is in the tray, which comes with the first upload."""
    note = folder / "note.txt"
    note.write_text("a note")
    await drop_files(person, note)
    await person.reads("1 upload is done")
    await person.click("button", "Options")
    await person.click("checkbox", "Make a smaller copy of videos")
    await person.tab.run(WATCH)
    await drop_files(person, clip)
    await person.reads("2 uploads are done")
    stages = set(await person.tab.run("[...window.stages]"))
    assert stages >= {f"{clip.name}: {stage}" for stage in ("Uploading", "Making a smaller copy")}
    await person.click("button", "Hide the uploads")


async def watch(person: Person) -> None:
    """Play it, jump to its middle by a key, and let it play on from there."""
    await person.until(f"{VIDEO}?.readyState >= 1")
    await person.press("k")
    await person.until(f"{VIDEO}.currentTime > 0.3 && {VIDEO}.videoWidth === 640")
    await person.press("5")
    await person.until(f"{VIDEO}.currentTime > 4.2 && !{VIDEO}.paused")


async def watch_the_copy(person: Person) -> None:
    """The other source goes on where the first one was; the page says if the browser cannot play it."""
    await person.press("k")
    original = await person.tab.run(f"{VIDEO}.currentSrc")
    at = await person.tab.run(f"{VIDEO}.currentTime")
    await person.tab.run(CHOOSE_THE_COPY)
    await person.until(f"{VIDEO}.currentSrc !== '{original}'")
    if await person.tab.run("document.createElement('video').canPlayType('video/mp4; codecs=\"avc1.64001f\"')"):
        await person.until(f"{VIDEO}.readyState >= 2 && Math.abs({VIDEO}.currentTime - {at}) < 0.5")
    else:
        await person.reads("This browser cannot play the file.")


async def download(person: Person, clip: Path, folder: Path) -> None:
    """The same bytes come back under the same name."""
    target = folder / "downloads"
    await person.tab.command("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(target))
    await person.click("button", "Download")

    async def is_there() -> bool:
        path = target / clip.name
        return path.exists() and await asyncio.to_thread(path.read_bytes) == clip.read_bytes()

    await eventually(is_there)
