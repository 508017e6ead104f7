"""A server that the tests of one module share."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.backends.databases import Databases
from tests.support.shared_server import SharedServer, shared_server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> AsyncIterator[SharedServer]:
    """A server for all tests of a module. They run in one event loop and do not see each other's data."""
    async with shared_server(tmp_path_factory.mktemp("stand"), databases) as running:
        yield running
