"""The memory for requests that are not complete is limited by the client's address, also behind a trusted proxy."""

import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as connect_websocket
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

from cloudkeep.graphql.request import MAX_BODY
from services.budgets.request_memory import CLIENT_BYTES
from tests.cloudkeep.telemetry.test_metrics import look
from tests.endpoints.wire import Wire, connect, head
from tests.support.backends.databases import Databases
from tests.support.graphql_ws import PROTOCOL
from tests.support.server import Json
from tests.support.shared_server import SharedServer, shared_server
from tests.support.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

ONE, OTHER = "192.0.2.1", "192.0.2.2"
#: Requests of the largest size that fill the memory of an address, but for less than one request that is counted.
FILLING = CLIENT_BYTES // MAX_BODY
HALF = b" " * (MAX_BODY - 1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> AsyncIterator[SharedServer]:
    """A server that trusts a proxy on this machine."""
    async with shared_server(tmp_path_factory.mktemp("stand"), databases, trusted_proxies=("127.0.0.1",)) as running:
        yield running


async def used(shared: SharedServer) -> float:
    return (await look(shared.http))["cloudkeep_incomplete_request_bytes"]


def post(shared: SharedServer, client: str, size: int) -> bytes:
    fields = {"Content_Type": "application/json", "Content_Length": size, "X_Forwarded_For": client}
    return head("POST", f"{shared.url}/graphql", **fields)


async def test_half_bodies_of_one_address_leave_memory_to_the_others(shared: SharedServer) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(FILLING):
            wire: Wire = await stack.enter_async_context(connect(shared.url))
            await wire.send(post(shared, ONE, MAX_BODY) + HALF)
        assert await eventually(lambda: _uses(shared, FILLING * len(HALF)))
        refused = await stack.enter_async_context(connect(shared.url))
        await refused.send(post(shared, ONE, MAX_BODY) + HALF)
        answer = await refused.answer()
        assert (answer.status, answer.headers["retry-after"]) == (429, "5")
        assert answer.json()["errors"][0]["extensions"]["code"] == "TOO_MANY_CONNECTIONS"
        query = b'{"query": "{ me { id } }"}'
        for client, content in ((ONE, query), (OTHER, query + b" " * (MAX_BODY - len(query)))):
            wire = await stack.enter_async_context(connect(shared.url))
            await wire.send(post(shared, client, len(content)) + content)
            assert (await wire.answer()).json()["data"] == {"me": None}
    assert await eventually(lambda: _uses(shared, 0))


async def test_half_messages_of_one_address_leave_memory_to_the_others(shared: SharedServer) -> None:
    fragment = Frame(Opcode.TEXT, HALF, fin=False)
    async with AsyncExitStack() as stack:
        for _ in range(FILLING):
            await send_raw(await websocket(shared, ONE, stack), fragment)
        assert await eventually(lambda: _uses(shared, FILLING * len(HALF)))
        refused = await websocket(shared, ONE, stack)
        await send_raw(refused, fragment)
        with pytest.raises(ConnectionClosed) as closed:
            await refused.recv()
        assert closed.value.rcvd
        assert closed.value.rcvd.code == 1013
        for client in (ONE, OTHER):
            honest = await websocket(shared, client, stack)
            await honest.send('{"type": "connection_init"}')
            assert await honest.recv() == '{"type":"connection_ack"}'
    assert await eventually(lambda: _uses(shared, 0))


async def test_a_message_that_was_completed_takes_no_memory(shared: SharedServer) -> None:
    async with AsyncExitStack() as stack:
        connection = await websocket(shared, ONE, stack)
        await send_raw(connection, Frame(Opcode.TEXT, b'{"type": "connection_init"}' + b" " * 100_000, fin=False))
        assert await eventually(lambda: _uses(shared, 100_027))
        await send_raw(connection, Frame(Opcode.CONT, b""))
        assert await connection.recv() == '{"type":"connection_ack"}'
        assert await eventually(lambda: _uses(shared, 0))


async def websocket(shared: SharedServer, client: str, stack: AsyncExitStack) -> ClientConnection:
    url = f"ws{shared.url.removeprefix('http')}/graphql"
    headers: Json = {"X-Forwarded-For": client}
    opening = connect_websocket(url, subprotocols=[PROTOCOL], additional_headers=headers, close_timeout=0.1)  # type: ignore[list-item]
    return await stack.enter_async_context(opening)


async def send_raw(connection: ClientConnection, frame: Frame) -> None:
    with contextlib.suppress(OSError):
        connection.transport.write(frame.serialize(mask=True))


async def _uses(shared: SharedServer, size: int) -> bool:
    return await used(shared) == size
