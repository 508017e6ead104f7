"""Frames that wait for points of the budget."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from services.budgets.budgets import Limit
from tests.schema.budgets.test_frames import ABORT, HEAVY, HEAVY_FRAME, START, large_upload, left, send, watch
from tests.support.backends.databases import Databases
from tests.support.shared_server import SharedServer, shared_server
from tests.support.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> AsyncIterator[SharedServer]:
    """A server whose accounts have the points of one heavy frame, and get them back within a few seconds."""
    folder = tmp_path_factory.mktemp("stand")
    budget = Limit(START + HEAVY_FRAME + 100, 400)
    async with shared_server(folder, databases, budget_account=budget) as running:
        yield running


async def is_full(shared: SharedServer) -> bool:
    return await left(shared.api) >= START + HEAVY_FRAME


async def test_progress_is_late_but_never_wrong_and_the_last_frame_always_arrives(shared: SharedServer) -> None:
    upload = await large_upload(shared.api)
    await eventually(lambda: is_full(shared))
    async with watch(shared.api, HEAVY, id=upload["id"]) as watching:
        await watching.next()
        await send(shared.api, upload, 3)
        await shared.api.data(ABORT, id=upload["id"])
        frames = [answer["data"]["uploadProgress"] for answer in await watching.rest()]
    assert frames[-1]["stage"] == "ABORTED"
    done = [frame["bytesDone"] for frame in frames[:-1]]
    assert done == sorted(done)
