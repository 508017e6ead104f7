"""graphql-transport-ws: the messages that a connection accepts, its limits, and its end."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from datetime import timedelta

import pytest
import pytest_asyncio
from websockets.exceptions import ConnectionClosed, InvalidStatus

from cloudkeep.graphql import websocket
from cloudkeep.graphql.endpoint import GraphQLEndpoint
from tests.cloudkeep.telemetry.test_metrics import look
from tests.support.backends.databases import Databases
from tests.support.graphql_ws import PROTOCOL, Socket, codes_of, connected
from tests.support.server import PROGRESS, Json
from tests.support.shared_server import SharedServer, shared_server
from tests.support.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")


#: The number of WebSockets that an address may have in these tests.
CAP = 8


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> AsyncIterator[SharedServer]:
    """A server that trusts a proxy on this machine."""
    folder = tmp_path_factory.mktemp("stand")
    async with shared_server(folder, databases, trusted_proxies=("127.0.0.1",), websockets=CAP) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def upload(shared: SharedServer) -> Json:
    return await shared.api.init(b"watched")


@pytest_asyncio.fixture(loop_scope="module")
async def socket(shared: SharedServer) -> AsyncIterator[Socket]:
    """A connection of the signed-in user."""
    async with connected(shared.url) as opened:
        await opened.init(Authorization=shared.api.http.headers["Authorization"])
        yield opened


@pytest.mark.parametrize("protocols", [["graphql-ws"], [], ["x"]], ids=["legacy", "none", "unknown"])
async def test_other_protocols_are_refused(shared: SharedServer, protocols: list[str]) -> None:
    async with connected(shared.url, protocols) as socket:
        assert await socket.closing() == 4406


async def test_the_supported_protocol_is_chosen_among_others(shared: SharedServer) -> None:
    async with connected(shared.url, ["graphql-ws", PROTOCOL]) as socket:
        assert await socket.init() == {"type": "connection_ack"}


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://127.0.0.1.evil.example"]
)
async def test_a_page_of_another_origin_cannot_open_a_websocket(shared: SharedServer, origin: str) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        async with connected(shared.url, headers={"Origin": origin}):
            pass


async def test_a_page_of_the_same_origin_can_open_a_websocket(shared: SharedServer) -> None:
    async with connected(shared.url, headers={"Origin": shared.url}) as socket:
        assert await socket.init() == {"type": "connection_ack"}


NONSENSE: list[str | bytes] = [
    *("5", "null", '"x"', "[]", "{}", "{", "[" * 5_000, b"{}", b"\xff", "x" * 300_000),
    *('{"type": 5}', '{"type": []}', '{"type": "nothing"}', '{"type": "start", "id": "1"}'),
    '{"type": "\\ud800"}',  # half of a surrogate pair, which no encoding of Unicode can express
    *('{"type": "complete"}', '{"type": "complete", "id": 5}', '{"type": "complete", "id": []}'),
    *('{"type": "subscribe"}', '{"type": "subscribe", "id": "1"}', '{"type": "subscribe", "id": "1", "payload": 5}'),
    *('{"type": "subscribe", "id": "1", "payload": {"query": %s}}' % query for query in ("5", "null", "[]")),  # noqa: UP031
    '{"type": "subscribe", "id": 5, "payload": {"query": "{ me { id } }"}}',
    '{"type": "subscribe", "id": [], "payload": {"query": "{ me { id } }"}}',
    '{"type": "subscribe", "id": "1", "payload": {"query": "{ me { id } }", "variables": 5}}',
    '{"type": "subscribe", "id": "1", "payload": {"query": "{ me { id } }", "operationName": 5}}',
]


@pytest.mark.parametrize("nonsense", NONSENSE, ids=lambda text: str(text[:80]))
async def test_an_invalid_message_closes_the_websocket_without_a_traceback(
    socket: Socket, nonsense: str | bytes, caplog: pytest.LogCaptureFixture
) -> None:
    await socket.send(nonsense)
    assert await socket.closing() == 4400
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("payload", [5, [], "x"])
async def test_malformed_parameters_close_the_websocket(shared: SharedServer, payload: object) -> None:
    async with connected(shared.url) as socket:
        await socket.send({"type": "connection_init", "payload": payload})
        assert await socket.closing() == 4400


async def test_connection_init_is_the_first_message_and_is_sent_once(shared: SharedServer, socket: Socket) -> None:
    await socket.send({"type": "connection_init"})
    assert await socket.closing() == 4429
    async with connected(shared.url) as early:
        await early.subscribe("{ me { id } }")
        assert await early.closing() == 4401


async def test_an_operation_id_can_be_used_once_at_a_time(socket: Socket, upload: Json) -> None:
    for _ in range(2):
        await socket.subscribe(PROGRESS, id=upload["id"])
    assert await socket.closing() == 4409


INVALID = ["{", "", "é" * 300, "x" * 300, "{ nothing }", "query a { me { id } } query b { me { id } }"]


@pytest.mark.parametrize("document", INVALID, ids=lambda text: text[:20])
async def test_an_invalid_document_ends_only_its_own_operation(socket: Socket, upload: Json, document: str) -> None:
    await socket.subscribe(PROGRESS, name="fine", id=upload["id"])
    await socket.receive()
    await socket.subscribe(document, name="broken")
    error = await socket.receive()
    assert (error["type"], error["id"], codes_of([error])) == ("error", "broken", ["GRAPHQL_INVALID"])
    await socket.send({"type": "ping"})
    assert (await socket.receive())["type"] == "pong"


async def test_the_id_of_a_refused_operation_can_be_used_again(socket: Socket) -> None:
    await socket.subscribe("{")
    assert (await socket.receive())["type"] == "error"
    await socket.subscribe("{ me { id } }")
    assert [message["type"] for message in await socket.until_complete()] == ["next"]


async def test_a_websocket_without_connection_init_is_closed(
    shared: SharedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for endpoint in [instance for instance in gc.get_objects() if type(instance) is GraphQLEndpoint]:
        monkeypatch.setattr(endpoint, "connection_init_wait_timeout", timedelta(seconds=0.05))
    async with connected(shared.url) as silent:
        assert await silent.closing() == 4408


async def test_half_a_message_does_not_extend_the_time_for_connection_init(
    shared: SharedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for endpoint in [instance for instance in gc.get_objects() if type(instance) is GraphQLEndpoint]:
        monkeypatch.setattr(endpoint, "connection_init_wait_timeout", timedelta(seconds=0.3))
    async with connected(shared.url) as trickling:
        closing = asyncio.create_task(trickling.closing())
        with suppress(ConnectionClosed):
            await trickling.send_slowly("{" for _ in range(200))
        assert await closing == 4408


async def test_only_a_websocket_without_an_operation_is_closed_when_idle(
    shared: SharedServer, socket: Socket, upload: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    await socket.subscribe(PROGRESS, id=upload["id"])
    await socket.receive()
    monkeypatch.setattr(websocket, "IDLE_SECONDS", 0.05)
    assert await end_of(shared, "192.0.2.3", '{"type": "connection_init"}') == 1000
    await socket.send({"type": "ping"})
    assert await socket.receive() == {"type": "pong"}
    await socket.send({"type": "complete", "id": "1"})
    assert await socket.closing() == 1000


async def test_a_websocket_is_closed_some_time_after_its_last_operation(
    socket: Socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket, "IDLE_SECONDS", 0.05)
    await socket.subscribe("{ me { id } }")
    assert [message["type"] for message in await socket.until_complete()] == ["next"]
    assert await socket.closing() == 1000


# The limit for each address


NO_MESSAGE = "{"


def from_address(address: str) -> dict[str, str]:
    return {"X-Forwarded-For": address}


async def end_of(shared: SharedServer, address: str, first: str) -> int:
    """The close code of a connection from an address whose first message is this text."""
    async with connected(shared.url, headers=from_address(address)) as socket:
        with suppress(ConnectionClosed):
            await socket.send(first)
        return await socket.closing()


async def test_only_an_address_at_its_limit_has_to_try_again_later(
    shared: SharedServer,
) -> None:
    async with AsyncExitStack() as stack:
        for number in range(CAP):
            await stack.enter_async_context(connected(shared.url, headers=from_address(f"2001:db8::{number}")))
        assert await end_of(shared, "2001:db8::ffff", NO_MESSAGE) == 1013
        assert await end_of(shared, "2001:db8:0:1::1", NO_MESSAGE) == 4400


@pytest.mark.parametrize("protocol", [PROTOCOL, "x"])
async def test_a_closed_websocket_no_longer_counts_for_its_address(shared: SharedServer, protocol: str) -> None:
    address = "192.0.2.2"
    for _ in range(CAP + 1):
        async with connected(shared.url, [protocol], headers=from_address(address)):
            pass

    async def is_let_in() -> bool:
        return await end_of(shared, address, NO_MESSAGE) == 4400

    await eventually(is_let_in)


async def test_open_and_refused_websockets_are_counted(shared: SharedServer) -> None:
    before = (await look(shared.http))["cloudkeep_websocket_refusals_total"]
    async with AsyncExitStack() as stack:
        for _ in range(CAP):
            await stack.enter_async_context(connected(shared.url, headers=from_address("192.0.2.1")))
        assert await end_of(shared, "192.0.2.1", NO_MESSAGE) == 1013
        samples = await look(shared.http)
    assert samples["cloudkeep_websocket_refusals_total"] == before + 1
    assert samples["cloudkeep_websockets_open"] >= CAP
