"""The page is there soon on a slow line."""

from pathlib import Path

import pytest

from tests.browser.page.support.accounts import signed_in
from tests.browser.page.support.person import Person
from tests.support.server import Json

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: Bytes of scripts and styles, compressed by gzip: 1.2 s at 100 kB a second.
MOST = 120_000
LOADED = "[...new Set(performance.getEntriesByType('resource').map(({ name }) => new URL(name).pathname))]"


async def test_the_first_page_needs_at_most_120_kb_of_scripts_and_styles(
    person: Person, user: Json, dist: Path
) -> None:
    await signed_in(person, user)
    await person.sees("button", "Upload")
    loaded = [dist / "page" / path[1:] for path in await person.tab.run(LOADED) if path.endswith((".js", ".css"))]
    assert loaded
    assert sum(size_of(file) for file in loaded) <= MOST


def size_of(file: Path) -> int:
    """The bytes of a file, compressed if the build has compressed it."""
    compressed = file.with_name(f"{file.name}.gz")
    return (compressed if compressed.exists() else file).stat().st_size
