"""A slot whose sender is silent: the next sender takes it over, and bytes are never mixed."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from cloudkeep.server.body_offload import OffloadingProtocol
from services.uploads import active_senders
from tests.endpoints.wire import FORM_TYPE, Wire, connect, field, form, head
from tests.support.backends.databases import Databases
from tests.support.server import Json, digest
from tests.support.shared_server import SharedServer, shared_server
from tests.support.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

SIZE = 2**21
OLD = hashlib.shake_256(b"old").digest(SIZE + 1000)
NEW = hashlib.shake_256(b"new").digest(SIZE)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(
    tmp_path_factory: pytest.TempPathFactory, databases: Databases, protocol: type[asyncio.Protocol]
) -> AsyncIterator[SharedServer]:
    """A server that would wait for a silent sender much longer than any test here."""
    async with shared_server(
        tmp_path_factory.mktemp("stand"), databases, protocol, body_stall_timeout=600.0
    ) as running:
        yield running


@pytest.fixture(autouse=True)
def _silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(active_senders, "SILENCE_SECONDS", 0.3)


@pytest_asyncio.fixture(loop_scope="module")
async def upload(shared: SharedServer) -> Json:
    return await shared.api.init(OLD, chunkSize=SIZE)


def first(upload: Json) -> Json:
    slot: Json = upload["slots"]["nodes"][0]
    return slot


async def begin(wire: Wire, slot: Json) -> None:
    """Send half of the slot's chunk once the server, which has then opened the slot, calls for it."""
    await wire.send(head("PUT", slot["url"], Content_Length=slot["size"], Expect="100-continue"))
    assert (await wire.answer()).status == 100
    await wire.send(OLD[: SIZE // 2])


async def taken_over(shared: SharedServer, slot: Json, body: bytes) -> httpx.Response:
    """The answer to a sender that retries until the slot is free, as every client does."""

    async def send() -> httpx.Response | None:
        answer = await shared.http.put(slot["url"], content=body)
        busy = answer.status_code == 409 and answer.json()["code"] == "SLOT_BUSY"
        return None if busy else answer

    return await eventually(send)


async def assert_evicted(wire: Wire) -> None:
    answer = await wire.answer()
    assert (answer.status, answer.json()["code"]) == (409, "SLOT_TAKEN_OVER")
    assert answer.headers["retry-after"] == "1"
    assert answer.headers["connection"] == "close"
    assert await wire.ended()


async def assert_file_is(shared: SharedServer, upload: Json, content: bytes) -> None:
    for slot in (await shared.api.look(upload["id"]))["slots"]["nodes"]:
        assert (await shared.api.put(slot, content)).status_code == 200
    await shared.api.frames(upload["id"])
    file = (await shared.api.look(upload["id"]))["file"]
    assert (await shared.http.get(file["downloadUrl"])).content == content
    assert await eventually(no_thread_is_busy)


async def no_thread_is_busy() -> bool:
    return OffloadingProtocol.threads.busy == 0


async def test_a_silent_holder_gives_way_to_a_newcomer(shared: SharedServer, upload: Json) -> None:
    async with connect(shared.url) as silent:
        await begin(silent, first(upload))
        answer = await taken_over(shared, first(upload), OLD[:SIZE])
        assert answer.json()["sha256"] == digest(OLD[:SIZE])
        await assert_evicted(silent)
    await assert_file_is(shared, upload, OLD)


async def test_a_holder_that_never_sent_a_byte_gives_way(shared: SharedServer, upload: Json) -> None:
    async with connect(shared.url) as silent:
        await silent.send(head("POST", first(upload)["url"], Content_Length=SIZE + 200, Content_Type=FORM_TYPE))
        assert (await taken_over(shared, first(upload), OLD[:SIZE])).status_code == 200
    await assert_file_is(shared, upload, OLD)


async def test_a_form_takes_over_as_well(shared: SharedServer, upload: Json) -> None:
    body = form(field("chunk", OLD[:SIZE], "blob"))
    url = first(upload)["url"]

    async def send() -> bool:
        answer = await shared.http.post(url, content=body, headers={"Content-Type": FORM_TYPE})
        return answer.status_code == 200

    async with connect(shared.url) as silent:
        await begin(silent, first(upload))
        assert await eventually(send)
        await assert_evicted(silent)
    await assert_file_is(shared, upload, OLD)


async def test_a_newcomer_with_other_bytes_fills_the_slot_with_nothing_but_its_own(
    shared: SharedServer, upload: Json
) -> None:
    async with connect(shared.url) as silent:
        await begin(silent, first(upload))
        assert (await taken_over(shared, first(upload), NEW)).json()["sha256"] == digest(NEW)
        # The old sender wakes up and continues: its bytes are discarded.
        with contextlib.suppress(OSError):
            await silent.send(OLD[SIZE // 2 : SIZE])
    await assert_file_is(shared, upload, NEW + OLD[SIZE:])


@pytest.mark.parametrize("hang_up", [Wire.close, Wire.reset], ids=["close", "reset"])
async def test_a_newcomer_that_is_cut_off_leaves_the_slot_open(
    shared: SharedServer, upload: Json, hang_up: object
) -> None:
    assert callable(hang_up)
    async with connect(shared.url) as silent:
        await begin(silent, first(upload))
        await eventually(lambda: cut_off_newcomer(shared, first(upload), hang_up))
        await assert_evicted(silent)
    assert (await shared.api.look(upload["id"]))["receivedChunks"] == 0
    assert (await taken_over(shared, first(upload), OLD[:SIZE])).status_code == 200
    await assert_file_is(shared, upload, OLD)


async def cut_off_newcomer(shared: SharedServer, slot: Json, hang_up: object) -> bool:
    """Whether the slot was taken over by a sender that disconnects halfway."""
    assert callable(hang_up)
    async with connect(shared.url) as newcomer:
        await newcomer.send(head("PUT", slot["url"], Content_Length=SIZE, Expect="100-continue"))
        taken = (await newcomer.answer()).status == 100
        await newcomer.send(NEW[: SIZE // 3])
        hang_up(newcomer)
    return taken


async def test_a_holder_that_sends_keeps_its_slot_however_slowly(
    shared: SharedServer, upload: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(active_senders, "SILENCE_SECONDS", 1.0)
    async with connect(shared.url) as slow:
        await begin(slow, first(upload))
        clock, sent = asyncio.get_running_loop().time, SIZE // 2
        end = clock() + 1.5
        while clock() < end:
            await slow.send(OLD[sent : sent + 1])
            sent += 1
            answer = await shared.http.put(first(upload)["url"], content=NEW)
            assert (answer.status_code, answer.json()["code"]) == (409, "SLOT_BUSY")
            assert answer.headers["Retry-After"] == "1"
        await slow.send(OLD[sent:SIZE])
        assert (await slow.answer()).json()["sha256"] == digest(OLD[:SIZE])
    await assert_file_is(shared, upload, OLD)


async def test_a_newcomer_without_a_right_takes_nothing_over(shared: SharedServer, upload: Json) -> None:
    async with connect(shared.url) as silent:
        await begin(silent, first(upload))
        await asyncio.sleep(2 * active_senders.SILENCE_SECONDS)
        assert (await shared.http.put(first(upload)["url"] + "x", content=NEW)).status_code == 403
        await silent.send(OLD[SIZE // 2 : SIZE])
        assert (await silent.answer()).status == 200


async def test_a_file_arrives_whole_while_silent_senders_hold_every_slot(shared: SharedServer) -> None:
    upload = await shared.api.init(OLD[: 2**19], chunkSize=2**16)
    slots = upload["slots"]["nodes"]
    async with contextlib.AsyncExitStack() as stack:
        for slot in slots:
            silent = await stack.enter_async_context(connect(shared.url))
            await silent.send(head("PUT", slot["url"], Content_Length=slot["size"]) + b"x")
        parts = [OLD[slot["offset"] : slot["offset"] + slot["size"]] for slot in slots]
        sent = (taken_over(shared, slot, part) for slot, part in zip(slots, parts, strict=True))
        assert {answer.status_code for answer in await asyncio.gather(*sent)} == {200}
    await assert_file_is(shared, upload, OLD[: 2**19])
