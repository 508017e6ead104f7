"""How soon the page is there on a slow line, in a browser that has nothing of it yet."""

from statistics import median

from bench.clients.user import User
from bench.harness.command import Result, markdown_table, report_progress
from bench.page.signing_in import sign_in
from tests.browser.page.support.person import Person
from tests.browser.page.support.screen import slow

BYTES_PER_SECOND, LATENCY_MS = 400_000, 150
COLUMNS = {"page": False, "first paint, ms": True, "largest paint, ms": True, "content, ms": True}
CREATE = """mutation ($name: String!, $parentId: ID!) {
  createFolder(input: {name: $name, parentId: $parentId}) { folder { id } userErrors { message } } }"""
FOLDERS = 20
#: Once everything that is there has been painted.
PAINTED = (
    "new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now()))))"
)
FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
LARGEST_PAINT = """new Promise((resolve) => new PerformanceObserver((list) =>
  resolve(list.getEntries().at(-1).startTime)).observe({ type: 'largest-contentful-paint', buffered: true }))"""

Paints = tuple[float, ...]
"""Milliseconds from the beginning of the navigation until the first paint, the largest, and that of what was wanted."""


async def measure(person: Person, user: User, rounds: int) -> Result:
    """Open the page that asks for a sign-in, and a folder with a few items as somebody who is signed in."""
    root = user.execute("{ root { id } }")["id"]
    for number in range(FOLDERS):
        user.execute(CREATE, name=f"Folder {number}", parentId=root)
    samples = {
        "sign-in": [await _paints(person, "/sign-in", ("button", "Sign in")) for _ in range(rounds)],
    }
    await sign_in(person)
    samples["a folder"] = [await _paints(person, "/", ("link", "Folder 3")) for _ in range(rounds)]
    table = markdown_table(COLUMNS, [(page, *_figures(paints)) for page, paints in samples.items()])
    return Result(table, {"samples": samples})


async def _paints(person: Person, path: str, sign: tuple[str, str]) -> Paints:
    await person.tab.show("about:blank")
    await person.tab.command("Network.clearBrowserCache")
    async with slow(person.tab, BYTES_PER_SECOND, LATENCY_MS):
        await person.open(path)
        await person.sees(*sign)
        content = float(await person.tab.run(PAINTED))
        await person.until(FIRST_PAINT)
        paints = float(await person.tab.run(FIRST_PAINT)), float(await person.tab.run(LARGEST_PAINT))
    report_progress(
        f"{path}: first paint after {paints[0]:.0f} ms, largest {paints[1]:.0f} ms, content {content:.0f} ms"
    )
    return *paints, content


def _figures(paints: list[Paints]) -> list[str]:
    return [f"{median(of):.0f} ({min(of):.0f}-{max(of):.0f})" for of in zip(*paints, strict=True)]
