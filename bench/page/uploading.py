"""The same file to the same server, in turn by the page and by ``cloudkeep upload``."""

import asyncio
import os
import sys
from collections.abc import Awaitable
from pathlib import Path
from statistics import median

from bench.clients.payload import MIB, make_payload
from bench.clients.user import User
from bench.harness.command import BenchmarkFailed, Result, markdown_table, report_progress
from bench.page.signing_in import sign_in
from tests.browser.page.support.gestures import drop_files
from tests.browser.page.support.person import Person

COLUMNS = {"by": False, "seconds (all)": True, "MiB/s": True, "of the command": True}

#: Waits in the page, which takes less of the processors than to ask it all the time.
DONE = """new Promise((resolve) => {
  const look = () => (document.body.innerText.includes('1 upload is done') ? resolve() : setTimeout(look, 50))
  look()
})"""


async def measure(person: Person, user: User, size: int, rounds: int, folder: Path) -> Result:
    """Seconds until the file is READY. The command's include its start, the page's that of a drop."""
    path = make_payload(folder / "payload.bin", size, 16 * MIB).path
    small = make_payload(folder / "small.bin", 8 * MIB, 8 * MIB).path
    await sign_in(person)
    await _by_page(person, small)
    page, command = [], []
    for _ in range(rounds):
        page.append(await _timed(f"page, {size // MIB} MiB", _by_page(person, path)))
        command.append(await _timed(f"command, {size // MIB} MiB", _by_command(user, path)))
    ratio = median(command) / median(page)
    rows = [("the page", *_figures(page, size), f"{ratio:.0%}"), ("the command", *_figures(command, size), "100%")]
    return Result(markdown_table(COLUMNS, rows), {"size": size, "page": page, "command": command, "ratio": ratio})


async def _by_page(person: Person, path: Path) -> None:
    # Else it is the same upload as in the round before, which the server has already.
    await asyncio.to_thread(path.touch)
    await drop_files(person, path)
    await person.tab.run(DONE)
    await person.click("button", "Clear the list")
    await person.no_longer_reads("1 upload is done")


async def _by_command(user: User, path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cloudkeep", "upload", "--url", f"http://127.0.0.1:{user.port}", path),
        env={**os.environ, "CLOUDKEEP_TOKEN": user.token},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise BenchmarkFailed(output.decode())


async def _timed(name: str, work: Awaitable[None]) -> float:
    loop = asyncio.get_running_loop()
    began = loop.time()
    await work
    report_progress(f"{name}: {loop.time() - began:.2f} s")
    return loop.time() - began


def _figures(seconds: list[float], size: int) -> tuple[str, str]:
    spread = f"{median(seconds):.2f} ({min(seconds):.2f}-{max(seconds):.2f})"
    return spread, f"{size / MIB / median(seconds):.0f}"
