"""How long the page is busy at one time while somebody scrolls through a large folder."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

from bench.clients.user import User
from bench.drive.databases import SqliteDatabase
from bench.drive.fill import NewItem, add_content, add_items, file, root
from bench.harness.command import Result, markdown_table, report_progress
from bench.page.signing_in import sign_in
from services.core.ids import Prefix, decode
from storage.drive.models import ItemKind
from tests.browser.page.support.gestures import wheel
from tests.browser.page.support.person import Person

CREATE = """mutation ($id: ID!) { createFolder(input: {name: "Large", parentId: $id}) {
  folder { id } userErrors { message } } }"""
COLUMNS = {"layout": False, "seconds": True, "long tasks": True, "longest, ms": True}
LAYOUTS = ("Grid", "List")
#: As long as a fast turn of a wheel.
TURN = 1200
OBSERVE = """window.longTasks = []
new PerformanceObserver((list) => window.longTasks.push(...list.getEntries().map(({ duration }) => duration)))
  .observe({ type: 'longtask' })"""
IS_AT_THE_END = "scrollY + innerHeight >= document.documentElement.scrollHeight - 2"


async def measure(person: Person, user: User, count: int, rounds: int, data: Path) -> Result:
    """Scroll through a folder of ``count`` files to its end, in both layouts; the best of the rounds counts."""
    drive = user.execute("{ root { id } }")["id"]
    folder = str(user.execute(CREATE, id=drive)["folder"]["id"])
    await _fill(data, drive, folder, count)
    await sign_in(person)
    samples = {layout: [await _scroll(person, folder, layout, count) for _ in range(rounds)] for layout in LAYOUTS}
    rows = [(layout, *_figures(min(tasks, key=_longest))) for layout, tasks in samples.items()]
    return Result(markdown_table(COLUMNS, rows), {"samples": samples})


async def _fill(data: Path, drive_id: str, folder_id: str, count: int) -> None:
    account, key = decode(Prefix.FOLDER, drive_id), decode(Prefix.FOLDER, folder_id)
    assert account
    assert key
    parent = NewItem(key, account, root(account).id, ItemKind.FOLDER, "Large")
    files = [file(parent, f"film {number:06}.mp4") for number in range(1, count + 1)]
    database = SqliteDatabase(data / "cloudkeep.sqlite3")
    await add_items(database, files, searchable=False)
    await add_content(database, files)


async def _scroll(person: Person, folder: str, layout: str, count: int) -> list[float]:
    """Seconds, and the milliseconds of each long task."""
    await person.open(f"/f/{folder}")
    await person.click("button", layout)
    await person.sees("link", "film 000001.mp4")
    await person.tab.run(OBSERVE)
    began = asyncio.get_running_loop().time()
    last = f"film {count:06}.mp4"
    while not await person.tab.run(f"{IS_AT_THE_END} && document.body.innerText.includes('{last}')"):
        await wheel(person, TURN)
    seconds = asyncio.get_running_loop().time() - began
    tasks = [float(task) for task in await person.tab.run("window.longTasks")]
    report_progress(f"{layout}: {seconds:.1f} s, {len(tasks)} long tasks, longest {max(tasks, default=0):.0f} ms")
    return [seconds, *tasks]


def _longest(sample: Iterable[float]) -> float:
    _, *tasks = sample
    return max(tasks, default=0)


def _figures(sample: list[float]) -> tuple[str, str, str]:
    seconds, *tasks = sample
    return f"{seconds:.1f}", f"{len(tasks)}", f"{max(tasks, default=0):.0f}"
