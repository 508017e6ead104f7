"""Two senders of one slot, senders that disconnect, and chunks for uploads that accept none."""

import asyncio
import hashlib
from collections.abc import Callable
from contextlib import suppress

import pytest
import pytest_asyncio

from tests.endpoints.wire import FORM_TYPE, Answer, Wire, connect, field, form, head
from tests.support.server import Api, Json, digest
from tests.support.shared_server import SharedServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

SIZE = 100_000
CONTENT = hashlib.shake_256(b"content").digest(2 * SIZE)
OTHER = hashlib.shake_256(b"other").digest(2 * SIZE)
ABORT = "mutation ($id: ID!) { abortUpload(input: {uploadId: $id}) { upload { status } userErrors { code } } }"


@pytest_asyncio.fixture(loop_scope="module")
async def upload(shared: SharedServer) -> Json:
    return await shared.api.init(CONTENT, chunkSize=SIZE)


def first(upload: Json) -> Json:
    slot: Json = upload["slots"]["nodes"][0]
    return slot


async def begin(wire: Wire, slot: Json) -> None:
    """Send the first half of the slot's chunk once the server, which has then opened the slot, calls for it."""
    await wire.send(head("PUT", slot["url"], Content_Length=slot["size"], Expect="100-continue"))
    assert (await wire.answer()).status == 100
    await wire.send(CONTENT[: slot["size"] // 2])


async def finish(wire: Wire, slot: Json) -> None:
    """Send the other half."""
    await wire.send(CONTENT[slot["size"] // 2 : slot["size"]])


async def become_free(api: Api, slot: Json) -> None:
    async with asyncio.timeout(10):
        while (await probe(api, slot)) == (409, "SLOT_BUSY"):
            await asyncio.sleep(0.01)


async def probe(api: Api, slot: Json) -> tuple[int, str]:
    """The answer to a chunk with a wrong checksum."""
    response = await api.post(slot, CONTENT, sha256="0" * 64)
    return response.status_code, response.json()["code"]


async def assert_open(shared: SharedServer, upload: Json) -> None:
    """The slot is open, and accepts the correct chunk."""
    await become_free(shared.api, first(upload))
    assert (await shared.api.look(upload["id"]))["receivedChunks"] == 0
    assert (await shared.api.put(first(upload), CONTENT)).json()["sha256"] == digest(CONTENT[:SIZE])


async def test_the_same_chunk_twice_gets_the_same_receipt(shared: SharedServer, upload: Json) -> None:
    receipts = [(await shared.api.put(first(upload), CONTENT)).json() for _ in range(2)]
    assert receipts[0] == receipts[1]
    assert receipts[1]["receivedChunks"] == 1


async def test_other_bytes_for_a_filled_slot_are_refused_and_the_first_ones_stay(
    shared: SharedServer, upload: Json
) -> None:
    await shared.api.put(first(upload), CONTENT)
    refused = await shared.api.put(first(upload), OTHER)
    assert (refused.status_code, refused.json()["code"]) == (409, "SLOT_CONFLICT")
    for slot in upload["slots"]["nodes"][1:]:
        await shared.api.put(slot, CONTENT)
    await shared.api.frames(upload["id"])
    file = (await shared.api.look(upload["id"]))["file"]
    assert (await shared.http.get(file["downloadUrl"])).content == CONTENT


@pytest.mark.parametrize("body", [b"", CONTENT[: SIZE - 1], CONTENT[: SIZE + 1], CONTENT * 20], ids=len)
async def test_a_repeated_chunk_of_another_size_is_refused(shared: SharedServer, upload: Json, body: bytes) -> None:
    await shared.api.put(first(upload), CONTENT)
    sent = form(field("chunk", body, "blob"))
    refused = await shared.http.post(first(upload)["url"], content=sent, headers={"Content-Type": FORM_TYPE})
    assert (refused.status_code, refused.json()["code"]) == (400, "CHUNK_SIZE_MISMATCH")


async def test_a_repeated_chunk_with_a_wrong_digest_is_refused(shared: SharedServer, upload: Json) -> None:
    await shared.api.put(first(upload), CONTENT)
    assert await probe(shared.api, first(upload)) == (422, "CHECKSUM_MISMATCH")


async def test_a_slot_that_is_being_filled_is_busy_for_other_senders(shared: SharedServer, upload: Json) -> None:
    async with connect(shared.url) as slow:
        await begin(slow, first(upload))
        refused = await shared.api.put(first(upload), OTHER)
        assert (refused.status_code, refused.json()["code"]) == (409, "SLOT_BUSY")
        assert refused.headers["Retry-After"] == "1"
        await finish(slow, first(upload))
        assert (await slow.answer()).json()["sha256"] == digest(CONTENT[:SIZE])


async def test_a_busy_slot_leaves_its_neighbour_free(shared: SharedServer, upload: Json) -> None:
    async with connect(shared.url) as slow:
        await begin(slow, first(upload))
        assert (await shared.api.put(upload["slots"]["nodes"][1], CONTENT)).status_code == 200


@pytest.mark.parametrize("hang_up", [Wire.close, Wire.reset], ids=["close", "reset"])
async def test_a_sender_who_hangs_up_leaves_the_slot_open(
    shared: SharedServer, upload: Json, hang_up: Callable[[Wire], None]
) -> None:
    async with connect(shared.url) as slow:
        await begin(slow, first(upload))
        hang_up(slow)
    await assert_open(shared, upload)


async def test_a_sender_who_falls_silent_is_given_up_and_leaves_the_slot_open(
    shared: SharedServer, upload: Json
) -> None:
    async with connect(shared.url) as slow:
        await begin(slow, first(upload))
        answer = await slow.answer()
        assert (answer.status, answer.json()["code"]) == (408, "BODY_STALLED")
        assert await slow.ended()
    await assert_open(shared, upload)


async def test_a_sender_who_trickles_is_given_up_and_leaves_the_slot_open(shared: SharedServer, upload: Json) -> None:
    # A byte that crosses the response has the server's system reset the connection, and may cost the sender the
    # response (RFC 9112, section 9.6). Such an attempt says nothing.
    for _ in range(10):
        with suppress(ConnectionResetError):
            answer = await trickled(shared, upload)
            break
    assert (answer.status, answer.json()["code"]) == (408, "BODY_STALLED")
    assert "1024 bytes a second" in answer.json()["detail"]
    await assert_open(shared, upload)


async def trickled(shared: SharedServer, upload: Json) -> Answer:
    async with connect(shared.url) as slow:
        await begin(slow, first(upload))
        trickle = asyncio.create_task(in_drops(slow, CONTENT, size=1))
        try:
            return await slow.answer()
        finally:
            trickle.cancel()


async def test_a_slow_line_is_waited_for_longer_than_a_silence(shared: SharedServer) -> None:
    body = CONTENT[:4096]
    upload = await shared.api.init(body)
    async with connect(shared.url) as slow:
        await slow.send(head("PUT", first(upload)["url"], Content_Length=len(body)))
        # About two kibibytes a second: two seconds in all, where a silence may last one.
        await in_drops(slow, body, size=103)
        assert (await slow.answer()).json()["sha256"] == digest(body)


async def in_drops(wire: Wire, body: bytes, size: int) -> None:
    for start in range(0, len(body), size):
        await wire.send(body[start : start + size])
        await asyncio.sleep(0.05)


async def test_a_sender_who_never_begins_is_given_up(shared: SharedServer, upload: Json) -> None:
    async with connect(shared.url) as slow:
        await slow.send(head("POST", first(upload)["url"], Content_Length=SIZE + 200, Content_Type=FORM_TYPE))
        assert (await slow.answer()).status == 408
    await assert_open(shared, upload)


async def test_two_senders_at_once_make_one_receipt_of_unmixed_bytes(shared: SharedServer, upload: Json) -> None:
    bodies = [CONTENT, OTHER] * 3
    answers = await asyncio.gather(*(shared.api.put(first(upload), body) for body in bodies))
    accepted = {answer.json()["sha256"] for answer in answers if answer.status_code == 200}
    assert len(accepted) == 1
    refused = {answer.json()["code"] for answer in answers if answer.status_code != 200}
    assert refused <= {"SLOT_BUSY", "SLOT_CONFLICT"}
    assert (await shared.api.look(upload["id"]))["receivedChunks"] == 1


async def test_a_lost_reply_is_given_again_after_the_upload_is_ready(shared: SharedServer) -> None:
    upload = await shared.api.upload(CONTENT, chunkSize=SIZE)
    await shared.api.frames(upload["id"])
    again = await shared.api.put(first(upload), CONTENT)
    assert (again.status_code, again.json()["complete"]) == (200, True)


async def test_an_abort_in_the_middle_of_a_chunk_ends_it(shared: SharedServer, upload: Json) -> None:
    async with connect(shared.url) as slow:
        await begin(slow, first(upload))
        assert (await shared.api.data(ABORT, id=upload["id"]))["upload"]["status"] == "ABORTED"
        await finish(slow, first(upload))
        answer = await slow.answer()
        assert (answer.status, answer.json()["code"]) == (409, "UPLOAD_CLOSED")
    assert upload["id"] not in shared.staged


@pytest.mark.parametrize("index", [0, 1], ids=["filled", "open"])
async def test_an_aborted_upload_takes_no_chunk_and_confirms_none(
    shared: SharedServer, upload: Json, index: int
) -> None:
    await shared.api.put(first(upload), CONTENT)
    await shared.api.data(ABORT, id=upload["id"])
    refused = await shared.api.put(upload["slots"]["nodes"][index], CONTENT)
    assert (refused.status_code, refused.json()["code"]) == (409, "UPLOAD_CLOSED")
