"""Measure the page in Chromium: how soon it is there, how it scrolls and uploads. See docs/performance.md."""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from bench.clients.payload import MIB
from bench.clients.user import User
from bench.contenders.cloudkeep import CloudKeep
from bench.harness.command import BENCH, Result, create_parser, integer, parse, report_progress, require_free_space, run
from bench.harness.server import free_port, running
from bench.page import loading, scrolling, uploading
from page_build.build import build
from tests.browser import devtools
from tests.browser.browser import find_browser
from tests.browser.devtools import opened_tab
from tests.browser.page.support.person import Person
from tests.browser.page.support.screen import DESKTOP, resize

BROWSER = BENCH.parent / "tests" / "browser"
PARTS = ("loading", "scrolling", "uploading")
#: Points that nothing here can spend: the loading of ten thousand items in a minute is not what an account pays for.
PLENTY = "1000000/100000"
SETTINGS = {f"CLOUDKEEP_BUDGET_{layer}": PLENTY for layer in ("ANONYMOUS", "ADDRESS", "ACCOUNT", "API_TOKEN")}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit code."""
    parser = create_parser("bench.page", __doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--rounds", type=integer(1, 20), default=3, metavar="N")
    parser.add_argument("--size-mib", type=integer(1, 8192), default=1024, metavar="MIB", help="of the file to upload")
    parser.add_argument("--files", type=integer(100, 100_000), default=10_000, metavar="N", help="of the folder")
    return run(parse(parser, argv), lambda options, folder: asyncio.run(_measure(options, folder)))


async def _measure(options: argparse.Namespace, folder: Path) -> Result:
    require_free_space(folder, options.size_mib * MIB * (2 * options.rounds + 2))
    build()
    data = folder / "data"
    data.mkdir()
    results = []
    with running(CloudKeep(settings=SETTINGS).launch(data, port := free_port()), data, port) as server:
        user = User.sign_up(server)
        async with _person(folder, f"http://127.0.0.1:{port}") as person:
            for name in (name for name in PARTS if name in options.only):
                report_progress(f"{name} ...")
                results.append((name, await _part(name, person, user, options, folder)))
    text = "\n\n".join(result.text for _, result in results)
    return Result(text, {name: result.content for name, result in results})


async def _part(name: str, person: Person, user: User, options: argparse.Namespace, folder: Path) -> Result:
    if name == "loading":
        return await loading.measure(person, user, options.rounds)
    if name == "scrolling":
        return await scrolling.measure(person, user, options.files, options.rounds, folder / "data")
    return await uploading.measure(person, user, options.size_mib * MIB, options.rounds, folder)


@asynccontextmanager
async def _person(folder: Path, url: str) -> AsyncIterator[Person]:
    """Somebody in front of a new browser."""
    browser = find_browser(BROWSER / "chromium", BROWSER / ".cache")
    profile = folder / "profile"
    with browser.showing("about:blank", profile, *devtools.FLAGS):
        async with opened_tab(profile) as tab:
            await resize(tab, DESKTOP)
            yield Person(tab, url)


if __name__ == "__main__":
    sys.exit(main())
