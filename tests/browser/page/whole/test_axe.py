"""axe finds nothing on any page, at any size, in light and dark; and nothing needs to be scrolled sideways."""

import json
from contextlib import aclosing

import pytest

from bench.harness import npm
from tests.browser.conftest import CACHE, HERE
from tests.browser.devtools import Tab
from tests.browser.page.support.screen import DESKTOP, PHONE, TABLET, prefer, resize
from tests.browser.page.whole.scenes import WALKS
from tests.browser.page.whole.walks.visit import Visit, Walk

pytestmark = pytest.mark.asyncio(loop_scope="module")

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
#: Each rule that something breaks, with where. axe would load styles once more without ``preload``.
FIND = """new Promise(requestAnimationFrame)
  .then(() => axe.run(document, { preload: false, resultTypes: ['violations'], runOnly: %s }))
  .then(({ violations }) => violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.target} ${node.failureSummary}`)))"""
EVERYTHING = FIND % json.dumps({"type": "tag", "values": RULES})
#: Nothing else depends on the colour scheme.
COLOURS = FIND % json.dumps({"type": "rule", "values": ["color-contrast"]})
#: The narrowest window in which nothing may need to be scrolled sideways (WCAG 1.4.10).
NARROWEST = 320
#: What reaches over the right edge of a part of the page, so that somebody would have to scroll sideways to see it.
CUT = """new Promise(requestAnimationFrame).then(() => {
  const isWide = (box) => box.scrollWidth > box.clientWidth && box.clientWidth > 0
  const boxes = [document.scrollingElement, ...document.querySelectorAll('main, dialog, section, [role=toolbar]')]
  return boxes.filter(isWide).map((box) => {
    const edge = box.getBoundingClientRect().left + box.clientWidth
    const over = [...box.querySelectorAll('*')].find((part) => part.getBoundingClientRect().right > edge + 0.5)
    return `${over?.outerHTML.slice(0, 200)} reaches over the edge of ${box.localName}`
  })
})"""


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe."""
    return (npm.install(HERE / "chromium", CACHE) / "node_modules" / "axe-core" / "axe.min.js").read_text()


@pytest.mark.parametrize("walk", WALKS, ids=lambda walk: walk.__name__)
async def test_nothing_keeps_anybody_from_using_the_page(visit: Visit, walk: Walk, axe: str) -> None:
    found: list[str] = []
    async with aclosing(walk(visit)) as scenes:
        async for scene in scenes:
            found += [f"{scene}, {problem}" for problem in await problems(visit.person.tab, axe)]
    assert not found, "\n".join(found)


async def problems(tab: Tab, axe: str) -> list[str]:
    """What is wrong with the page as it is now, with the width of the window and the colours."""
    await tab.run(f"{axe};0")
    found: list[str] = []
    for scheme, script in (("light", EVERYTHING), ("dark", COLOURS)):
        # A colour that is just changing has no contrast that counts.
        await prefer(tab, prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
        for width in (PHONE, TABLET, DESKTOP):
            await resize(tab, width)
            found += [f"{width} px, {scheme}: {problem}" for problem in await tab.run(script)]
    await resize(tab, NARROWEST, 640)
    found += [f"{NARROWEST} px: {problem}" for problem in await tab.run(CUT)]
    await resize(tab, DESKTOP)
    await prefer(tab)
    return found
