"""Bodies that are read on threads: with limits, a timeout, and a connection that can be used afterwards."""

import asyncio
import threading
from collections.abc import Iterator

import httpx
import pytest

from cloudkeep.server.body_offload import BodyThreads, OffloadingProtocol, offloading_protocol
from cloudkeep.server.body_reader import SocketBody
from cloudkeep.settings.settings import Settings
from endpoints.chunks.chunk_body import Consumer
from tests.endpoints.wire import connect, head
from tests.support.backends.smtp_sink import SmtpSink
from tests.support.server import Api, Json, digest, http_client, listening_socket, serve, sign_up
from tests.support.waiting import eventually

MIB = 1024 * 1024
CONTENT = bytes(range(256)) * (3 * MIB // 256)


class WatchedThreads(BodyThreads):
    """The real thread pool, which counts the bodies that it reads."""

    def __init__(self, size: int = 16) -> None:
        super().__init__(size)
        self.bodies = 0

    def read(self, body: SocketBody, consumer: Consumer) -> asyncio.Future[None]:
        """Count the body and read it."""
        self.bodies += 1
        return super().read(body, consumer)


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[WatchedThreads]:
    """A thread pool for this test only."""
    watched = WatchedThreads()
    monkeypatch.setattr(OffloadingProtocol, "threads", watched)
    yield watched
    watched.close()


async def slots_of(api: Api, content: bytes = CONTENT) -> list[Json]:
    slots: list[Json] = (await api.init(content, chunkSize=MIB))["slots"]["nodes"]
    return slots


async def test_a_body_that_arrives_after_its_headers_is_read_on_a_thread(threads: WatchedThreads, api: Api) -> None:
    for slot in await slots_of(api):
        assert (await api.put(slot, CONTENT)).json()["sha256"] == digest(CONTENT[:MIB])
    assert threads.bodies == 3


async def test_a_form_is_read_on_a_thread(threads: WatchedThreads, api: Api) -> None:
    for slot in await slots_of(api):
        assert (await api.post(slot, CONTENT, sha256=digest(CONTENT[:MIB]))).status_code == 200
    assert threads.bodies == 3


async def test_a_body_from_a_page_of_another_origin_is_read_on_a_thread(
    threads: WatchedThreads, settings: Settings, sink: SmtpSink
) -> None:
    with listening_socket() as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        settings = settings.model_copy(update={"public_url": address, "cors_origins": ("https://a.b",)})
        async with serve(settings, listener) as url, http_client(url) as http:
            api = await sign_up(http, sink)
            answer = await api.put((await slots_of(api))[0], CONTENT, Origin="https://a.b")
    assert answer.headers["Access-Control-Allow-Origin"] == "https://a.b"
    assert threads.bodies == 1


async def test_a_chunked_body_is_read_through_asgi(threads: WatchedThreads, api: Api) -> None:
    async def pieces() -> object:
        yield CONTENT[:MIB]

    slot = (await slots_of(api))[0]
    assert (await api.http.put(slot["url"], content=pieces())).status_code == 200  # type: ignore[arg-type]
    assert threads.bodies == 0


def test_a_process_without_threads_for_bodies_offloads_nothing() -> None:
    assert not issubclass(offloading_protocol(0), OffloadingProtocol)
    protocol = offloading_protocol(2)
    assert issubclass(protocol, OffloadingProtocol)
    with protocol.threads.reserve() as first, protocol.threads.reserve() as second, protocol.threads.reserve() as third:
        assert (first, second, third) == (True, True, False)


async def test_a_body_is_read_through_asgi_if_no_thread_is_free(
    monkeypatch: pytest.MonkeyPatch, server: str, api: Api
) -> None:
    only = WatchedThreads(1)
    monkeypatch.setattr(OffloadingProtocol, "threads", only)
    slow, *others = await slots_of(api)
    async with connect(server) as wire:
        await wire.send(head("PUT", slow["url"], Content_Length=MIB) + b"x")
        await eventually(lambda: _true(only.bodies == 1))
        for slot in others:
            assert (await api.put(slot, CONTENT)).status_code == 200
    assert only.bodies == 1


async def test_a_connection_can_alternate_between_offloaded_bodies_and_other_requests(
    threads: WatchedThreads, server: str, api: Api
) -> None:
    async with connect(server) as wire:
        for slot in await slots_of(api):
            await wire.send(head("PUT", slot["url"], Content_Length=MIB))
            await wire.send(CONTENT[:MIB] + head("GET", f"{server}/healthz"))
            assert (await wire.answer()).json()["index"] == slot["index"]
            assert (await wire.answer()).json() == {"status": "ok"}
    assert threads.bodies == 3


async def test_a_refusal_in_the_middle_of_a_body_reaches_the_sender_and_keeps_the_connection(
    threads: WatchedThreads, server: str, api: Api
) -> None:
    slot = (await slots_of(api))[0]
    body = b"no form at all" * (MIB // 14 + 10)
    async with connect(server) as wire:
        form = head("POST", slot["url"], Content_Type="multipart/form-data; boundary=b", Content_Length=len(body))
        await wire.send(form)
        await wire.send(body)
        assert (await wire.answer()).json()["code"] == "MALFORMED_REQUEST"
        await wire.send(head("PUT", slot["url"], Content_Length=MIB))
        await wire.send(CONTENT[:MIB])
        assert (await wire.answer()).status == 200
    assert threads.bodies == 2


async def test_the_request_of_a_silent_sender_ends_and_frees_its_thread(
    monkeypatch: pytest.MonkeyPatch, server: str, api: Api
) -> None:
    only = WatchedThreads(1)
    monkeypatch.setattr(OffloadingProtocol, "threads", only)
    silent, other, _ = await slots_of(api)
    async with connect(server) as wire:
        await wire.send(head("PUT", silent["url"], Content_Length=MIB) + b"x")
        answer = await wire.answer()
        assert (answer.status, answer.json()["code"]) == (408, "BODY_STALLED")
        assert await wire.ended()
    assert (await api.put(other, CONTENT)).status_code == 200
    assert only.bodies == 2


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_a_closed_connection_leaves_the_slot_open_and_frees_the_thread(
    threads: WatchedThreads, server: str, api: Api, how: str
) -> None:
    slot = (await slots_of(api))[0]
    async with connect(server) as wire:
        await wire.send(head("PUT", slot["url"], Content_Length=MIB) + CONTENT[: MIB // 2])
        await eventually(lambda: _true(threads.bodies == 1))
        getattr(wire, how)()
    again = await eventually(lambda: _taken(api, slot))
    assert again.json()["receivedChunks"] == 1


async def test_a_server_that_stops_does_not_wait_for_a_slow_sender(settings: Settings, sink: SmtpSink) -> None:
    settings = settings.model_copy(update={"body_stall_timeout": 300.0})
    with listening_socket() as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with serve(settings.model_copy(update={"public_url": address}), listener, OffloadingProtocol) as url:
            async with http_client(url) as http:
                slot = (await slots_of(await sign_up(http, sink)))[0]
            slow = await asyncio.open_connection(*listener.getsockname())
            slow[1].write(head("PUT", slot["url"], Content_Length=MIB) + b"x")
            await eventually(lambda: _true(_is_reading()))
    await eventually(lambda: _true(not _is_reading()))
    slow[1].close()


async def _true(fact: bool) -> bool:
    return fact


async def _taken(api: Api, slot: Json) -> httpx.Response | None:
    answer = await api.put(slot, CONTENT)
    return answer if answer.status_code == 200 else None


def _is_reading() -> bool:
    """Whether a thread of the pool is reading a body."""
    return OffloadingProtocol.threads.busy > 0 and any(
        one.name.startswith("offloaded-body") for one in threading.enumerate()
    )
