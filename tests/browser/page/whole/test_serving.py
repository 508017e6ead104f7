"""How the page is served, as a browser sees it: it takes the place of the small page, and obeys its policies."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.browser.page.support.person import Person
from tests.support.backends.databases import Databases
from tests.support.shared_server import SharedServer, shared_server

pytestmark = pytest.mark.asyncio(loop_scope="module")

COMPILE = "WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])).then(() => 'compiled', () => 'refused')"
LISTEN = """window.refused = []
addEventListener('securitypolicyviolation', ({ violatedDirective }) => refused.push(violatedDirective))"""
WORK = """new Promise((resolve) => {
  const policy = trustedTypes.createPolicy('cloudkeep-workers', { createScriptURL: (url) => url })
  new Worker(policy.createScriptURL('/assets/worker.js')).onmessage = ({ data }) => resolve(data)
})"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> AsyncIterator[SharedServer]:
    """A server whose page is not there yet."""
    async with shared_server(tmp_path_factory.mktemp("stand"), databases) as running:
        yield running


@pytest.fixture
def page(shared: SharedServer, dist: Path) -> Path:
    """A copy of the build that the server has, with a worker of the test."""
    folder = shared.settings.data_dir / "page"
    if not folder.exists():
        copy = shutil.copytree(dist, folder.with_name("page.new"))
        (copy / "page" / "assets" / "worker.js").write_text(f"{COMPILE}.then(postMessage)")
        copy.rename(folder)
    return folder


async def test_the_page_takes_the_place_of_the_small_page(
    person: Person, shared: SharedServer, request: pytest.FixtureRequest
) -> None:
    await person.open("/sign-in")
    await person.reads("The page is not here yet")
    request.getfixturevalue("page")
    await person.sees("button", "Sign in")


async def test_the_page_asks_for_nothing_that_its_policy_refuses(person: Person, page: Path) -> None:
    await person.tab.command("Page.enable")
    script = await person.tab.command("Page.addScriptToEvaluateOnNewDocument", source=LISTEN)
    try:
        for path in ("/sign-in", "/sign-up", "/reset", "/", "/nothing/here"):
            await person.open(path)
            await person.until("document.getElementById('app').childElementCount > 0")
            assert await person.tab.run("window.refused") == []
    finally:
        await person.tab.command("Page.removeScriptToEvaluateOnNewDocument", **script)


@pytest.mark.parametrize(
    "attempt",
    [
        "document.body.innerHTML = '<p>'",
        "document.createElement('script').src = '/assets/worker.js'",
        "new Worker('/assets/worker.js')",
        "trustedTypes.createPolicy('other', {})",
    ],
)
async def test_a_text_becomes_neither_markup_nor_a_script(person: Person, page: Path, attempt: str) -> None:
    await person.open("/sign-in")
    script = f"(() => {{ try {{ {attempt}; return 'done' }} catch (error) {{ return error.name }} }})()"
    assert await person.tab.run(script) == "TypeError"
    assert await was_blocked(person)


async def test_a_worker_may_use_webassembly_and_the_page_may_not(person: Person, page: Path) -> None:
    await person.open("/sign-in")
    assert await person.tab.run(COMPILE) == "refused"
    assert await person.tab.run(WORK) == "compiled"


async def test_no_other_page_can_show_it_in_a_frame(person: Person, page: Path) -> None:
    await person.open("/sign-in")
    await person.tab.run("document.body.append(Object.assign(document.createElement('iframe'), { src: '/sign-in' }))")
    await person.until("document.querySelector('iframe').contentDocument === null")
    assert await was_blocked(person)


async def was_blocked(person: Person) -> bool:
    """Whether the last thing that the page tried, and only that, was refused by its policy."""
    (error,) = await person.tab.errors()
    return "blocked" in error
