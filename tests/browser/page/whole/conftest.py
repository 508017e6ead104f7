"""A person who walks through the whole page."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.browser.page.support.contents import Contents, fill
from tests.browser.page.support.person import Person
from tests.browser.page.support.screen import DESKTOP, prefer, resize
from tests.browser.page.whole.walks.visit import Visit
from tests.support.shared_server import SharedServer, another_user


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def contents(shared: SharedServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Contents]:
    """A user with a full drive."""
    async with another_user(shared) as api:
        yield await fill(api, tmp_path_factory.mktemp("media"))


@pytest_asyncio.fixture(loop_scope="module")
async def visit(person: Person, shared: SharedServer, contents: Contents, tmp_path: Path) -> AsyncIterator[Visit]:
    """A person at a desktop, before a walk."""
    await resize(person.tab, DESKTOP)
    yield Visit(person, shared, contents, tmp_path)
    await person.tab.command("Emulation.clearDeviceMetricsOverride")
    await prefer(person.tab)
