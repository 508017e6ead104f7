"""Takes the pictures of the documentation: `make screenshots`.

With a folder in the variable ``SCREENSHOTS``, takes all scenes instead, in three sizes, light and dark.
"""

import base64
import os
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.browser.devtools import Tab
from tests.browser.page.support.screen import DESKTOP, PHONE, TABLET, prefer, resize
from tests.browser.page.whole.scenes import WALKS
from tests.browser.page.whole.walks.visit import Visit, Walk

pytestmark = pytest.mark.asyncio(loop_scope="module")

IMAGES = Path(__file__).parents[4] / "docs" / "images"
FOLDER = os.environ.get("SCREENSHOTS")


@dataclass(frozen=True)
class Picture:
    """How a scene is shown."""

    name: str
    width: int
    scheme: str


#: Chromium shows a turning ring over a film until it is played.
SHOW_A_FRAME = """(async () => {
  const film = document.querySelector('video')
  if (!film) return
  film.muted = true
  await film.play()
  film.pause()
})()"""
#: By the scene.
CHOSEN = {
    "files-grid": Picture("files", DESKTOP, "light"),
    "file-video": Picture("film", DESKTOP, "dark"),
    "tray-sending": Picture("phone", PHONE, "light"),
}


@pytest.mark.parametrize("walk", WALKS, ids=lambda walk: walk.__name__)
async def test_take(visit: Visit, walk: Walk) -> None:
    folder = Path(FOLDER) if FOLDER else IMAGES
    folder.mkdir(parents=True, exist_ok=True)
    async with aclosing(walk(visit)) as scenes:
        async for scene in scenes:
            for picture in pictures_of(scene):
                content = await taken(visit.person.tab, picture)
                (folder / f"{picture.name}.webp").write_bytes(content)
            await resize(visit.person.tab, DESKTOP)
            await prefer(visit.person.tab)


def pictures_of(scene: str) -> list[Picture]:
    """The pictures to take of a scene."""
    if not FOLDER:
        return [CHOSEN[scene]] if scene in CHOSEN else []
    return [
        Picture(f"{scene}-{width}-{scheme}", width, scheme)
        for width in (PHONE, TABLET, DESKTOP)
        for scheme in ("light", "dark")
    ]


async def taken(tab: Tab, picture: Picture) -> bytes:
    """What the window shows, as WebP."""
    await prefer(tab, prefers_color_scheme=picture.scheme, prefers_reduced_motion="reduce")
    await resize(tab, picture.width)
    await tab.run(SHOW_A_FRAME)
    await tab.run("document.fonts.ready.then(() => new Promise(requestAnimationFrame)).then(() => 0)")
    answer = await tab.command("Page.captureScreenshot", format="webp", quality=85)
    return base64.b64decode(answer["data"])
