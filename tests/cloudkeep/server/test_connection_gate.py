"""How many connections a process holds: of one peer, and of all together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from starlette.types import Receive, Scope, Send

from cloudkeep.server.body_offload import offloading_protocol
from cloudkeep.server.connection_gate import MAX_CONNECTIONS, MAX_LINGERING, ConnectionGate, max_connections
from cloudkeep.server.refusals import RequestRefused
from services.budgets.request_memory import RequestMemory
from tests.endpoints.wire import Wire
from tests.support.server import listening_socket, serve_app
from tests.support.waiting import eventually

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
ONE, OTHER = "127.0.0.1", "127.0.0.2"


class Server:
    """A running server; connections are made from any address of the loopback network."""

    def __init__(self, port: int, stack: AsyncExitStack) -> None:
        self._port = port
        self._stack = stack
        #: Requests for ``/wait`` are answered from then on.
        self.go_on = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            while (await receive())["type"] != "websocket.disconnect":
                pass
        if scope["type"] == "http":
            if scope["path"] == "/wait":
                await self.go_on.wait()
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body"})

    async def connect(self, address: str = ONE) -> Wire:
        """A connection from this address."""
        reader, writer = await asyncio.open_connection(ONE, self._port, local_addr=(address, 0))
        wire = Wire(reader, writer)
        self._stack.callback(wire.close)
        return wire

    async def used(self, address: str = ONE) -> Wire:
        """A connection from this address that has answered a request, and is idle."""
        wire = await self.connect(address)
        assert await self.answers(wire)
        return wire

    async def answers(self, wire: Wire) -> bool:
        """Whether a connection answers a request."""
        await wire.send(GET)
        return (await wire.answer()).status == 200


@asynccontextmanager
async def serving(gate: ConnectionGate) -> AsyncIterator[Server]:
    async with AsyncExitStack() as stack:
        listener = stack.enter_context(listening_socket())
        server = Server(listener.getsockname()[1], stack)
        await stack.enter_async_context(serve_app(server, listener, offloading_protocol(1, gate)))
        yield server


async def test_a_peer_above_its_limit_is_refused_before_it_sends_anything() -> None:
    gate = ConnectionGate(per_peer=2)
    async with serving(gate) as server:
        kept = [await server.used() for _ in range(2)]
        refused = await server.connect()
        answer = await refused.answer()
        assert (answer.status, answer.json()["code"]) == (429, "TOO_MANY_CONNECTIONS")
        assert (answer.headers["connection"], answer.headers["retry-after"]) == ("close", "5")
        assert await refused.closed()
        for wire in kept:
            assert await server.answers(wire)
        await server.used(OTHER)
    assert gate.counters.refused == {"address": 1}


async def test_a_refused_client_that_has_sent_its_request_can_read_why() -> None:
    async with serving(ConnectionGate(per_peer=1)) as server:
        await server.used()
        for _ in range(20):
            wire = await server.connect()
            await wire.send(GET + b"a" * 500_000)
            assert (await wire.answer()).status == 429


async def test_a_closed_connection_makes_room_for_the_next() -> None:
    gate = ConnectionGate(per_peer=1)
    async with serving(gate) as server:
        for _ in range(5):
            (await server.used()).close()
            assert await eventually(lambda: _is(gate, 0))


async def test_a_websocket_counts_from_its_handshake_to_the_end_of_its_connection() -> None:
    gate = ConnectionGate(per_peer=1)
    async with serving(gate) as server:
        wire = await server.connect()
        await wire.send(HANDSHAKE)
        assert (await wire.answer()).status == 101
        assert gate.counters.open == 1
        assert (await (await server.connect()).answer()).status == 429
        wire.close()
        assert await eventually(lambda: _is(gate, 0))
        await server.used()


async def test_a_trusted_proxy_has_no_limit_of_its_own() -> None:
    async with serving(ConnectionGate(per_peer=1, is_proxy=ONE.__eq__)) as server:
        for _ in range(3):
            await server.used()
        await server.used(OTHER)
        assert (await (await server.connect(OTHER)).answer()).status == 429


async def test_a_full_process_closes_the_connection_that_has_been_idle_for_longest() -> None:
    gate = ConnectionGate(total=3)
    async with serving(gate) as server:
        first, second, third = [await server.used() for _ in range(3)]
        assert await server.answers(first)
        await server.used(OTHER)
        assert await second.closed()
        for wire in (third, first):
            assert await server.answers(wire)
    assert gate.counters.refused == {"idle": 1}


@pytest.mark.parametrize("start", [b"", b"GET / HTTP/1.1\r\nHost:"], ids=["nothing", "half a head"])
async def test_connections_that_never_send_a_request_cannot_lock_out_others(start: bytes) -> None:
    async with serving(ConnectionGate(total=5)) as server:
        for number in range(20):
            wire = await server.connect(f"127.0.0.{number + 3}")
            await wire.send(start)
            await server.used()


async def test_a_full_process_refuses_if_every_connection_is_in_use() -> None:
    async with serving(ConnectionGate(total=2)) as server:
        busy = [await server.connect() for _ in range(2)]
        for wire in busy:
            await wire.send(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.sleep(0.1)
        answer = await (await server.connect(OTHER)).answer()
        assert (answer.status, answer.json()["code"]) == (503, "TOO_MANY_CONNECTIONS")
        server.go_on.set()
        for wire in busy:
            assert (await wire.answer()).status == 200
        await server.used(OTHER)


async def test_heads_that_are_not_complete_share_the_memory_of_their_peer() -> None:
    gate = ConnectionGate(memory=RequestMemory(100_000, 1_000_000))
    half = b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 40_000
    async with serving(gate) as server:
        held = [await server.connect() for _ in range(2)]
        for wire in held:
            await wire.send(half)
        assert await eventually(lambda: _holds(gate, 2 * len(half)))
        refused = await server.connect()
        await refused.send(half)
        answer = await refused.answer()
        assert (answer.status, answer.json()["code"]) == (429, "TOO_MANY_CONNECTIONS")
        await server.used()
        other = await server.connect(OTHER)
        await other.send(half + b"\r\n\r\n")
        assert (await other.answer()).status == 200
        await held[0].send(b"\r\n\r\n")
        assert (await held[0].answer()).status == 200
        held[1].close()
        assert await eventually(lambda: _holds(gate, 0))


async def test_requests_that_wait_share_the_memory_of_their_peer() -> None:
    gate = ConnectionGate(memory=RequestMemory(100_000, 1_000_000))
    large = b"POST / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 20_000 + b"\r\nContent-Length: 30000\r\n\r\n" + b"a" * 30_000
    async with serving(gate) as server:
        first, second = [await server.connect() for _ in range(2)]
        for wire, number in ((first, 1), (second, 2)):
            await wire.send(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n" + large * number)
        assert await eventually(lambda: _refused(gate, 1, "memory"))
        server.go_on.set()
        for _ in range(2):
            assert (await first.answer()).status == 200
        assert await eventually(lambda: _holds(gate, 0))


async def test_most_refused_connections_are_closed_without_a_response() -> None:
    gate = ConnectionGate(per_peer=1)
    async with serving(gate) as server:
        await server.used()
        wires = [await server.connect() for _ in range(MAX_LINGERING + 20)]
        assert await eventually(lambda: _refused(gate, MAX_LINGERING + 20))
        for wire in wires[-10:]:
            assert await wire.closed()


def test_a_network_of_ipv6_is_one_peer() -> None:
    gate = ConnectionGate(per_peer=1)
    gate.admit("2001:db8:0:1::1")
    with pytest.raises(RequestRefused):
        gate.admit("2001:db8:0:1:ffff::2")
    gate.admit("2001:db8:0:2::1")


def test_nothing_is_kept_of_closed_connections() -> None:
    gate = ConnectionGate()
    for number in range(100):
        gate.admit(f"192.0.2.{number}")()
    assert (gate.counters.open, gate._peers.open, len(gate._idle)) == (0, 0, 0)


@pytest.mark.parametrize(("descriptors", "connections"), [(0, 1), (1024, 192), (4096, 960), (65_536, MAX_CONNECTIONS)])
def test_descriptors_are_left_for_everything_else(descriptors: int, connections: int) -> None:
    assert max_connections(descriptors) == connections


async def _is(gate: ConnectionGate, number: int) -> bool:
    return gate.counters.open == number


async def _refused(gate: ConnectionGate, number: int, reason: str = "address") -> bool:
    return gate.counters.refused[reason] == number


async def _holds(gate: ConnectionGate, size: int) -> bool:
    return gate.memory.used == size


UNUSUAL = {
    "path": HANDSHAKE.replace(b"GET / ", b"GET /\xff?\xff "),
    "escaped path": HANDSHAKE.replace(b"GET / ", b"GET /%ff "),
    "protocol": HANDSHAKE.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Protocol: \xff, a\r\n\r\n"),
    "extensions": HANDSHAKE.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Extensions: \xff; =\r\n\r\n"),
    "key": HANDSHAKE.replace(b"AAAA", b"\xff"),
    "two keys": HANDSHAKE.replace(b"\r\n\r\n", b"\r\nSec-WebSocket-Key: a\r\n\r\n"),
    "origin": HANDSHAKE.replace(b"\r\n\r\n", b"\r\nOrigin: \xff\r\nOrigin: b\r\n\r\n"),
}


@pytest.mark.parametrize("handshake", UNUSUAL.values(), ids=UNUSUAL.keys())
async def test_an_unusual_handshake_gives_its_place_back(handshake: bytes, caplog: pytest.LogCaptureFixture) -> None:
    gate = ConnectionGate()
    async with serving(gate) as server:
        wire = await server.connect()
        await wire.send(handshake)
        assert (await wire.answer()).status
        wire.close()

        async def is_empty() -> bool:
            return gate.counters.open == 0

        await eventually(is_empty)
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []
