"""Every wait of the HTTP server for a client has a limit."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from cloudkeep.server import bounded_http
from cloudkeep.server.body_offload import OffloadingProtocol
from cloudkeep.server.bounded_http import TIMEOUTS, Phase
from tests.endpoints.wire import Wire, connect, head
from tests.support.backends.databases import Databases
from tests.support.server import Json, digest
from tests.support.shared_server import SharedServer, shared_server
from tests.support.waiting import eventually

MIB = 1024 * 1024
CONTENT = bytes(range(256)) * (MIB // 256)
#: A piece of a body in chunked transfer coding.
PIECE = b"100000\r\n" + CONTENT + b"\r\n"


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> AsyncIterator[SharedServer]:
    async with shared_server(tmp_path_factory.mktemp("stand"), databases) as running:
        yield running


@pytest.fixture
def server(shared: SharedServer) -> str:
    return shared.url


@pytest_asyncio.fixture(loop_scope="module")
async def slot(shared: SharedServer) -> Json:
    upload = await shared.api.init(CONTENT)
    first: Json = upload["slots"]["nodes"][0]
    return first


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every timeout short."""
    for phase in Phase:
        monkeypatch.setitem(TIMEOUTS, phase, 0.3)


async def drip(wire: Wire, data: bytes) -> None:
    """Send data without an end, a little at a time."""
    with contextlib.suppress(OSError):
        while True:
            await wire.send(data)
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def dripping(wire: Wire, data: bytes) -> AsyncIterator[None]:
    task = asyncio.create_task(drip(wire, data))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def taken(wire: Wire) -> int:
    """The number of bytes of an endless body that the server reads before it closes the connection."""
    sent = 0
    with contextlib.suppress(OSError):
        while sent < 64 * MIB:
            await wire.send(PIECE)
            sent += len(PIECE)
    return sent


@pytest.mark.usefixtures("soon")
async def test_a_connection_without_a_request_is_closed(server: str) -> None:
    async with connect(server) as wire:
        assert await wire.closed()


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("before", [b"", b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"], ids=["first", "second"])
async def test_a_request_head_without_an_end_is_closed(server: str, before: bytes) -> None:
    async with connect(server) as wire:
        if before:
            await wire.send(before)
            assert (await wire.answer()).status == 200
        await wire.send(b"GET /healthz HTTP/1.1\r\nX-Long: ")
        async with dripping(wire, b"x"):
            assert await wire.closed()


@pytest.mark.usefixtures("soon")
async def test_empty_lines_between_requests_do_not_keep_a_connection_open(server: str) -> None:
    async with connect(server) as wire:
        await wire.send(head("GET", f"{server}/healthz"))
        assert (await wire.answer()).status == 200
        async with dripping(wire, b"\r\n"):
            assert await wire.closed()


@pytest.mark.usefixtures("soon")
async def test_a_query_without_an_end_is_closed_without_a_log_line(
    server: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with connect(server) as wire:
        await wire.send(head("POST", f"{server}/graphql", Content_Type="application/json", Content_Length=10_000))
        async with dripping(wire, b" "):
            assert await wire.closed()
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_query_that_stops_in_the_middle_is_closed(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_http, "BODY_SILENCE", 0.3)
    async with connect(server) as wire:
        await wire.send(
            head("POST", f"{server}/graphql", Content_Type="application/json", Content_Length=10_000) + b"{"
        )
        assert await wire.closed()


async def test_a_query_may_arrive_slowly(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_http, "BODY_SILENCE", 1.0)
    query = b'{"query": "{ __typename }"}'
    async with connect(server) as wire:
        length = len(query) + 40 * 500
        await wire.send(head("POST", f"{server}/graphql", Content_Type="application/json", Content_Length=length))
        for _ in range(40):
            await wire.send(b" " * 500)
            await asyncio.sleep(0.05)
        await wire.send(query)
        assert (await wire.answer()).status == 200


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("framing", ["Content-Length", "Transfer-Encoding"])
async def test_the_rest_of_a_refused_body_is_read_for_a_limited_time(server: str, slot: Json, framing: str) -> None:
    announced = {"Content_Length": 2**40} if framing == "Content-Length" else {"Transfer_Encoding": "chunked"}
    async with connect(server) as wire:
        await wire.send(head("PUT", slot["url"] + "x", **announced))
        assert (await wire.answer()).json()["code"] in {"URL_INVALID", "CHUNK_SIZE_MISMATCH"}
        async with dripping(wire, b"1\r\nx\r\n"):
            assert await wire.closed()


@pytest.mark.usefixtures("soon")
async def test_the_connection_of_a_refused_sender_that_is_silent_is_closed(server: str, slot: Json) -> None:
    async with connect(server) as wire:
        await wire.send(head("PUT", slot["url"] + "x", Content_Length=MIB) + b"x")
        assert (await wire.answer()).status == 403
        await wire.send(b"x")
        assert await wire.closed()


@pytest.mark.parametrize("framing", ["Content-Length", "Transfer-Encoding"])
async def test_the_rest_of_a_refused_body_is_read_up_to_a_limit(
    server: str, slot: Json, framing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_http, "MAX_REFUSED_BYTES", 2 * MIB)
    announced = {"Content_Length": 2**40} if framing == "Content-Length" else {"Transfer_Encoding": "chunked"}
    async with connect(server) as wire:
        await wire.send(head("PUT", slot["url"] + "x", **announced))
        assert (await wire.answer()).status >= 400
        assert await taken(wire) < 64 * MIB


async def test_a_chunked_body_that_is_too_large_is_refused_and_read_up_to_a_limit(
    server: str, slot: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_http, "MAX_REFUSED_BYTES", 2 * MIB)
    async with connect(server) as wire:
        await wire.send(head("PUT", slot["url"], Transfer_Encoding="chunked") + PIECE * 2)
        assert (await wire.answer()).json()["code"] == "CHUNK_SIZE_MISMATCH"
        assert await taken(wire) < 64 * MIB


async def test_a_connection_can_be_used_after_a_refused_body_has_ended(server: str, slot: Json) -> None:
    async with connect(server) as wire:
        await wire.send(head("PUT", slot["url"] + "x", Content_Length=MIB) + CONTENT)
        assert (await wire.answer()).status == 403
        await wire.send(head("PUT", slot["url"], Content_Length=MIB) + CONTENT)
        assert (await wire.answer()).json()["sha256"] == digest(CONTENT)


@pytest.mark.usefixtures("soon")
async def test_the_limits_do_not_apply_to_a_chunk(server: str, slot: Json) -> None:
    async with connect(server) as wire:
        await wire.send(head("PUT", slot["url"], Content_Length=MIB))
        for start in range(0, MIB, MIB // 16):
            await wire.send(CONTENT[start : start + MIB // 16])
            await asyncio.sleep(0.03)
        assert (await wire.answer()).json()["sha256"] == digest(CONTENT)


@pytest.mark.usefixtures("soon")
async def test_the_limits_do_not_apply_to_a_subscription(shared: SharedServer) -> None:
    api = shared.api
    upload = await api.init(CONTENT)
    body = {"query": "subscription ($id: ID!) { uploadProgress(uploadId: $id) { stage } }"}
    sent = {**body, "variables": {"id": upload["id"]}}
    async with api.http.stream("POST", "/graphql", json=sent, headers={"Accept": "text/event-stream"}) as response:
        lines = response.aiter_lines()
        assert await anext(lines)
        await asyncio.sleep(0.5)
        await api.data(
            "mutation ($id: ID!) { abortUpload(input: {uploadId: $id}) { upload { status } } }", id=upload["id"]
        )
        assert any([True async for line in lines if "ABORTED" in line])


FRAMINGS = {
    "offloaded": lambda url: [head("PUT", url, Content_Length=MIB), CONTENT],
    "with its headers": lambda url: [head("PUT", url, Content_Length=MIB) + CONTENT],
    "transfer coding": lambda url: [
        head("PUT", url, Transfer_Encoding="chunked") + b"100000\r\n" + CONTENT + b"\r\n0\r\n\r\n"
    ],
}


@pytest.mark.parametrize("framing", FRAMINGS.values(), ids=FRAMINGS.keys())
async def test_a_sender_that_closes_its_sending_side_after_the_last_byte_gets_its_receipt(
    server: str, slot: Json, framing: object
) -> None:
    assert callable(framing)
    async with connect(server) as wire:
        for part in framing(slot["url"]):
            await wire.send(part)
        wire.end()
        assert (await wire.answer()).json()["sha256"] == digest(CONTENT)
        assert await wire.ended()


async def test_a_sender_that_closes_its_sending_side_too_early_gets_an_error(server: str, slot: Json) -> None:
    async with connect(server) as wire:
        await wire.send(head("PUT", slot["url"], Content_Length=MIB, Expect="100-continue"))
        assert (await wire.answer()).status == 100
        await wire.send(CONTENT[: MIB // 2])
        wire.end()
        assert (await wire.answer()).json()["code"] == "BODY_INCOMPLETE"
        assert await wire.ended()
    assert await eventually(_no_thread_is_busy)


async def _no_thread_is_busy() -> bool:
    return OffloadingProtocol.threads.busy == 0
