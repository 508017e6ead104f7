"""A server that the tests of one module share."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from cloudkeep.server.body_offload import OffloadingProtocol
from cloudkeep.server.bounded_http import BoundedProtocol
from tests.support.backends.databases import Databases
from tests.support.shared_server import SharedServer, shared_server

#: Bodies are read from the socket on a thread, or by ASGI alone. The contract is the same.
PROTOCOLS = {"offloaded": OffloadingProtocol, "asgi": BoundedProtocol}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests of chunks with every transport of bodies."""
    if "shared" in metafunc.fixturenames and "chunk" in metafunc.module.__name__:
        metafunc.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS.keys(), scope="module")


@pytest.fixture(scope="module")
def protocol() -> type[asyncio.Protocol]:
    """The HTTP protocol of ``cloudkeep serve``."""
    return OffloadingProtocol


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(
    tmp_path_factory: pytest.TempPathFactory, databases: Databases, protocol: type[asyncio.Protocol]
) -> AsyncIterator[SharedServer]:
    """One server for the module. Its tests run in its event loop and do not affect each other."""
    async with shared_server(tmp_path_factory.mktemp("stand"), databases, protocol) as running:
        yield running
