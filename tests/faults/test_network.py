"""Network faults with every transport: a slot is filled or open, the file arrives intact, and nothing is left."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from storage.drive.models import Blob, FileVersion
from storage.jobs.models import Job, JobKind
from storage.uploads.models import Chunk, Upload
from tests.endpoints.conftest import PROTOCOLS
from tests.endpoints.wire import FORM_TYPE, Answer, connect, field, form, head
from tests.support.backends.databases import Databases
from tests.support.faults.proxied_connection import Act, Fault, Way
from tests.support.faults.proxy import Proxy, proxy
from tests.support.leaks import find_leaks
from tests.support.server import INIT, Json, digest, http_client, key_of, part_of
from tests.support.shared_server import SharedServer, shared_server
from tests.support.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

SIZE = 300_000
#: Longer than any head here, and shorter than a body.
MIDDLE = SIZE // 2
COMPLETE = """mutation ($id: ID!) {
  completeUpload(input: {uploadId: $id}) { upload { id status } userErrors { code } } }"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, databases: Databases
) -> AsyncIterator[SharedServer]:
    """A server that offloads bodies to threads, or a plain ASGI server."""
    protocol = PROTOCOLS[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    async with shared_server(folder, databases, protocol, body_stall_timeout=0.5) as running:
        yield running


def port_of(shared: SharedServer) -> int:
    return urlsplit(shared.url).port or 0


@pytest_asyncio.fixture(loop_scope="module")
async def between(shared: SharedServer) -> AsyncIterator[Proxy]:
    """A proxy before the server, which has released everything soon after the proxy has ended."""
    async with proxy(port_of(shared)) as running:
        yield running

    async def clean() -> bool:
        return not find_leaks(port_of(shared), running.ports)

    try:
        await eventually(clean, patience=20)
    except TimeoutError:
        raise AssertionError(find_leaks(port_of(shared), running.ports)) from None


def put(slot: Json, content: bytes) -> bytes:
    body = part_of(slot, content)
    return head("PUT", slot["url"], Content_Length=len(body)) + body


def post(slot: Json, content: bytes) -> bytes:
    body = form(field("chunk", part_of(slot, content), "blob"))
    return head("POST", slot["url"], Content_Length=len(body), Content_Type=FORM_TYPE) + body


def in_transfer_coding(slot: Json, content: bytes) -> bytes:
    body = part_of(slot, content)
    pieces = [body[start : start + 50_000] for start in range(0, len(body), 50_000)]
    coded = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return head("PUT", slot["url"], Transfer_Encoding="chunked") + coded + b"0\r\n\r\n"


async def send(between: Proxy, request: bytes) -> Answer | None:
    """The answer to a request; None if it does not get through."""
    try:
        async with connect(between.url) as wire:
            await wire.send(request)
            return await wire.answer()
    except (OSError, EOFError):
        return None


async def received(shared: SharedServer, upload: Json) -> int:
    return int((await shared.api.look(upload["id"]))["receivedChunks"])


async def filled(shared: SharedServer, slot: Json, content: bytes) -> Json:
    """The receipt that an ordinary client gets in the end."""

    async def try_again() -> Json | None:
        answer = await shared.api.put(slot, content)
        if answer.status_code != 200:
            assert answer.json()["code"] == "SLOT_BUSY"
            return None
        receipt: Json = answer.json()
        return receipt

    return await eventually(try_again)


async def assert_arrives_whole(shared: SharedServer, upload: Json, content: bytes) -> None:
    for slot in upload["slots"]["nodes"]:
        assert (await filled(shared, slot, content))["sha256"] == digest(part_of(slot, content))
    await assert_one_file(shared, upload, content)


async def assert_one_file(shared: SharedServer, upload: Json, content: bytes) -> None:
    await shared.api.frames(upload["id"])
    file = (await shared.api.look(upload["id"]))["file"]
    assert (await shared.http.get(file["downloadUrl"])).content == content
    assert upload["id"] not in shared.staged
    # The server runs in this process, so that its database can be asked.
    key = key_of(upload["id"])
    assert [(job.kind, job.attempts) for job in await Job.filter(subject_id=key)] == [(JobKind.REASSEMBLE, 1)]
    assert await Chunk.filter(upload_id=key).count() == upload["chunkCount"]
    assert await FileVersion.filter(item__name=upload["fileName"]).count() == 1
    assert await Blob.filter(key=str(key)).count() == 1


#: These faults leave something out: a whole request is longer than the body.
CUT_OFF = [
    Fault(Act.CUT, 40),
    Fault(Act.CUT, MIDDLE),
    Fault(Act.RESET, 40),
    Fault(Act.RESET, MIDDLE),
    Fault(Act.HALF_CLOSE, 40),
    Fault(Act.HALF_CLOSE, MIDDLE),
    Fault(Act.SWALLOW_HEAD),
]
STALLED = [Fault(Act.STALL, 40), Fault(Act.STALL, MIDDLE), Fault(Act.STALL, SIZE)]
#: The whole request arrives, and its answer is lost.
ANSWER_LOST = [
    Fault(Act.CUT, 0, Way.ANSWER),
    Fault(Act.CUT, 50, Way.ANSWER),
    Fault(Act.RESET, 50, Way.ANSWER),
    Fault(Act.HALF_CLOSE, 50, Way.ANSWER),
]
HARMLESS = [Fault(Act.TRICKLE, 0, piece=8192), Fault(Act.TRICKLE, 0, Way.ANSWER, piece=1)]
ENDS_AFTER_THE_LAST_BYTE = [Act.CUT, Act.RESET, Act.HALF_CLOSE]

Build = Callable[[Json, bytes], bytes]

by_every_way = pytest.mark.parametrize(
    ("shared", "build"),
    [
        pytest.param("offloaded", put, id="offloaded-put"),
        pytest.param("asgi", put, id="asgi-put"),
        pytest.param("offloaded", post, id="offloaded-form"),
        # By ASGI, in a server that offloads what it can.
        pytest.param("offloaded", in_transfer_coding, id="offloaded-transfer coding"),
    ],
    indirect=["shared"],
    scope="module",
)
by_both_servers = pytest.mark.parametrize("shared", ["offloaded", "asgi"], indirect=True, scope="module")


async def begin(shared: SharedServer, chunks: int) -> tuple[Json, bytes]:
    """An upload with ``slots`` slots, and its content."""
    content = hashlib.shake_256(str(chunks).encode()).digest(chunks * SIZE)
    return await shared.api.init(content, chunkSize=SIZE, fileName=f"{uuid4()}.bin"), content


@by_every_way
async def test_a_request_that_is_cut_off_leaves_its_slot_open(
    shared: SharedServer, between: Proxy, build: Build
) -> None:
    upload, content = await begin(shared, len(CUT_OFF))
    for slot, fault in zip(upload["slots"]["nodes"], CUT_OFF, strict=True):
        between.plan(fault)
        answer = await send(between, build(slot, content))
        assert answer is None or answer.status == 400, fault
        assert await received(shared, upload) == 0, fault
    await assert_arrives_whole(shared, upload, content)


@by_every_way
async def test_a_request_that_stalls_leaves_its_slot_open_while_its_connection_still_hangs(
    shared: SharedServer, between: Proxy, build: Build
) -> None:
    upload, content = await begin(shared, len(STALLED))
    between.plan(*STALLED)
    async with AsyncExitStack() as stack:
        for slot in upload["slots"]["nodes"]:
            wire = await stack.enter_async_context(connect(between.url))
            await wire.send(build(slot, content))
        await assert_arrives_whole(shared, upload, content)


@by_every_way
async def test_an_answer_that_is_lost_is_given_again(shared: SharedServer, between: Proxy, build: Build) -> None:
    upload, content = await begin(shared, len(ANSWER_LOST))
    for count, (slot, fault) in enumerate(zip(upload["slots"]["nodes"], ANSWER_LOST, strict=True), 1):
        between.plan(fault)
        assert await send(between, build(slot, content)) is None, fault
        assert await received(shared, upload) == count, fault
        assert (await filled(shared, slot, content))["receivedChunks"] == count, fault
    await assert_one_file(shared, upload, content)


@by_every_way
async def test_a_stalled_answer_delays_no_other_request(shared: SharedServer, between: Proxy, build: Build) -> None:
    upload, content = await begin(shared, 1)
    between.plan(Fault(Act.STALL, 20, Way.ANSWER))
    async with connect(between.url) as wire:
        await wire.send(build(upload["slots"]["nodes"][0], content))
        await assert_arrives_whole(shared, upload, content)


@by_every_way
async def test_a_slow_line_gets_its_receipt(shared: SharedServer, between: Proxy, build: Build) -> None:
    upload, content = await begin(shared, len(HARMLESS))
    for slot, fault in zip(upload["slots"]["nodes"], HARMLESS, strict=True):
        between.plan(fault)
        answer = await send(between, build(slot, content))
        assert answer, fault
        assert answer.json()["sha256"] == digest(part_of(slot, content)), fault
    await assert_one_file(shared, upload, content)


@by_every_way
async def test_a_line_that_fails_after_the_last_byte_fills_the_slot_or_leaves_it_open(
    shared: SharedServer, between: Proxy, build: Build
) -> None:
    upload, content = await begin(shared, len(ENDS_AFTER_THE_LAST_BYTE))
    for count, (slot, act) in enumerate(zip(upload["slots"]["nodes"], ENDS_AFTER_THE_LAST_BYTE, strict=True)):
        request = build(slot, content)
        between.plan(Fault(act, len(request)))
        answer = await send(between, request)
        if answer:
            assert await received(shared, upload) == count + 1, act
        assert (await filled(shared, slot, content))["receivedChunks"] == count + 1, act
    await assert_one_file(shared, upload, content)


@dataclass(frozen=True)
class Echo:
    """The server's answer to what a client has sent once."""

    status: int
    body: Json


async def echo_of(between: Proxy) -> Echo:
    async def complete() -> Echo | None:
        if not between.echoes:
            return None
        start, _, body = bytes(between.echoes[0]).partition(b"\r\n\r\n")
        try:
            return Echo(int(start.split()[1]), json.loads(body))
        except (ValueError, IndexError):
            return None

    return await eventually(complete, patience=20)


@by_every_way
async def test_a_chunk_that_arrives_twice_has_one_receipt(shared: SharedServer, between: Proxy, build: Build) -> None:
    upload, content = await begin(shared, 2)
    for count, (slot, act) in enumerate(zip(upload["slots"]["nodes"], [Act.DUPLICATE, Act.REPEAT], strict=True)):
        between.echoes.clear()
        between.plan(Fault(act))
        answer = await send(between, build(slot, content))
        assert answer
        echo = await echo_of(between)
        got = {(answer.status, answer.json().get("code")), (echo.status, echo.body.get("code"))}
        assert (200, None) in got
        assert got <= {(200, None), (409, "SLOT_BUSY")}
        assert await received(shared, upload) == count + 1
    await assert_one_file(shared, upload, content)


@by_both_servers
async def test_senders_of_one_slot_fast_slow_whole_and_cut_off_never_mix_their_bytes(
    shared: SharedServer, between: Proxy
) -> None:
    upload, content = await begin(shared, 2)
    other = hashlib.shake_256(b"other").digest(len(content))
    slot, slow = upload["slots"]["nodes"][0], Fault(Act.TRICKLE, 0, piece=8192)
    between.plan(slow, Fault(Act.CUT, MIDDLE), slow, Fault(Act.RESET, MIDDLE), Fault(Act.DUPLICATE), slow)
    senders = [(put, content), (put, other), (post, other), (put, content), (in_transfer_coding, other), (post, other)]
    answers = await asyncio.gather(*(send(between, build(slot, given)) for build, given in senders))
    accepted = {answer.json()["sha256"] for answer in answers if answer and answer.status == 200}
    assert len(accepted) <= 1
    # What was sent twice may have got its receipt on the other connection.
    known = await Chunk.get_or_none(upload_id=key_of(upload["id"]), index=0)
    await assert_arrives_whole(shared, upload, other if known and known.sha256 == digest(other[:SIZE]) else content)


def query(shared: SharedServer, document: str, **variables: object) -> bytes:
    body = json.dumps({"query": document, "variables": variables}).encode()
    token = shared.api.http.headers["Authorization"]
    url = f"{shared.url}/graphql"
    return head("POST", url, Authorization=token, Content_Type="application/json", Content_Length=len(body)) + body


@by_both_servers
@pytest.mark.parametrize("act", [Act.DUPLICATE, Act.REPEAT], ids=["at once", "later"])
async def test_an_upload_that_is_begun_twice_by_the_network_is_one(
    shared: SharedServer, between: Proxy, act: Act
) -> None:
    key, content = str(uuid4()), bytes(2 * SIZE)
    between.plan(Fault(act))
    wanted = {"fileName": f"{key}.bin", "size": len(content), "chunkSize": SIZE, "idempotencyKey": key}
    answer = await send(between, query(shared, INIT, input=wanted))
    assert answer
    echo = await echo_of(between)
    uploads = [one["data"]["initUpload"]["upload"] for one in (answer.json(), echo.body)]
    assert uploads[0]["id"] == uploads[1]["id"]
    assert await Upload.filter(idempotency_key=key).count() == 1
    await assert_arrives_whole(shared, uploads[0], content)


@by_both_servers
@pytest.mark.parametrize("turn", range(3))
async def test_the_last_chunk_its_retry_and_two_completions_at_the_same_moment_make_one_file(
    shared: SharedServer, between: Proxy, turn: int
) -> None:
    upload, content = await begin(shared, 2)
    first, last = upload["slots"]["nodes"]
    await filled(shared, first, content)
    between.plan(*[Fault(Act.DUPLICATE)] * 3)
    requests = [put(last, content), post(last, content), query(shared, COMPLETE, id=upload["id"])]
    answers = await asyncio.gather(*(send(between, request) for request in requests[turn:] + requests[:turn]))
    assert all(answer and answer.status in {200, 409} for answer in answers)
    assert (await filled(shared, last, content))["complete"]
    assert (await shared.api.data(COMPLETE, id=upload["id"]))["userErrors"] == []
    await assert_one_file(shared, upload, content)


@by_both_servers
async def test_tricklers_on_every_thread_exclude_no_other_sender(shared: SharedServer, between: Proxy) -> None:
    held, held_content = await begin(shared, 20)
    upload, content = await begin(shared, 3)
    slots = held["slots"]["nodes"]
    between.plan(*[Fault(Act.TRICKLE, 600, piece=1)] * len(slots))
    tricklers = [asyncio.create_task(send(between, put(slot, held_content))) for slot in slots]
    try:
        await assert_arrives_whole(shared, upload, content)
        answers = await asyncio.gather(*tricklers)
    finally:
        for task in tricklers:
            task.cancel()
        await asyncio.gather(*tricklers, return_exceptions=True)
    assert {answer.json()["code"] for answer in answers if answer} == {"BODY_STALLED"}


@by_both_servers
async def test_a_query_that_is_cut_off_is_no_fault_of_the_server(
    shared: SharedServer, between: Proxy, caplog: pytest.LogCaptureFixture
) -> None:
    request = query(shared, COMPLETE, id="0")
    for act in ENDS_AFTER_THE_LAST_BYTE:
        between.plan(Fault(act, len(request) - 5))
        assert await send(between, request) is None
    assert (await shared.http.get("/healthz")).status_code == 200
    assert [record.getMessage() for record in caplog.records if record.name == "uvicorn.error"] == []


@by_both_servers
async def test_a_download_that_is_cut_off_can_be_taken_up_again(shared: SharedServer, between: Proxy) -> None:
    upload, content = await begin(shared, 3)
    await assert_arrives_whole(shared, upload, content)
    url = (await shared.api.look(upload["id"]))["file"]["downloadUrl"].replace(shared.url, between.url)
    between.plan(Fault(Act.CUT, MIDDLE, Way.ANSWER), Fault(Act.RESET, MIDDLE, Way.ANSWER))
    got = b""
    while len(got) < len(content):
        with suppress(httpx.TransportError):
            async with http_client() as http, http.stream("GET", url, headers=ranged(len(got))) as answer:
                async for block in answer.aiter_raw():
                    got += block
    assert got == content


def ranged(start: int) -> dict[str, str]:
    return {"Range": f"bytes={start}-"}
