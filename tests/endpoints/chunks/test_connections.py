"""The state of the connection after a chunk: keep-alive, pipelining, and Expect: 100-continue."""

import httpx
import pytest
import pytest_asyncio

from tests.endpoints.wire import FORM_TYPE, connect, field, form, head
from tests.support.server import digest
from tests.support.shared_server import SharedServer
from tests.support.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

SIZE = 65_536
CONTENT = bytes(range(256)) * 512
FIRST, SECOND = CONTENT[:SIZE], CONTENT[SIZE:]


@pytest_asyncio.fixture(loop_scope="module")
async def urls(shared: SharedServer) -> list[str]:
    upload = await shared.api.init(FIRST + SECOND, chunkSize=SIZE)
    return [slot["url"] for slot in upload["slots"]["nodes"]]


def put(url: str, body: bytes, **headers: object) -> bytes:
    return head("PUT", url, Content_Length=len(body), **headers) + body


async def test_the_connection_continues_after_a_chunk(shared: SharedServer, urls: list[str]) -> None:
    async with connect(shared.url) as wire:
        for url, body in zip(urls, [FIRST, SECOND], strict=True):
            await wire.send(put(url, body))
            assert (await wire.answer()).json()["sha256"] == digest(body)


REFUSED = {
    "by its head": lambda url: put(f"{url}x", FIRST),
    "by its length": lambda url: put(url, FIRST * 4),
    "by its digest": lambda url: put(url, FIRST, Content_Digest=f"sha-256=:{'A' * 43}=:"),
    "by its form": lambda url: head("POST", url, Content_Length=SIZE, Content_Type=FORM_TYPE) + FIRST,
}


@pytest.mark.parametrize("refused", REFUSED.values(), ids=REFUSED.keys())
async def test_the_connection_continues_after_a_refusal(shared: SharedServer, urls: list[str], refused: object) -> None:
    assert callable(refused)
    async with connect(shared.url) as wire:
        await wire.send(refused(urls[0]))
        assert (await wire.answer()).status >= 400
        await wire.send(put(urls[0], FIRST))
        assert (await wire.answer()).json()["sha256"] == digest(FIRST)


async def test_pipelined_chunks_are_answered_in_order(shared: SharedServer, urls: list[str]) -> None:
    async with connect(shared.url) as wire:
        await wire.send(put(urls[1], SECOND) + put(urls[0], FIRST) + head("GET", f"{shared.url}/healthz"))
        assert (await wire.answer()).json()["index"] == 1
        assert (await wire.answer()).json()["index"] == 0
        assert (await wire.answer()).json() == {"status": "ok"}


async def test_a_pipelined_chunk_behind_a_refused_one_is_taken(shared: SharedServer, urls: list[str]) -> None:
    async with connect(shared.url) as wire:
        await wire.send(put(urls[0], FIRST * 2) + put(urls[0], FIRST))
        assert (await wire.answer()).status == 400
        assert (await wire.answer()).status == 200


async def test_a_body_that_waits_is_called_for(shared: SharedServer, urls: list[str]) -> None:
    async with connect(shared.url) as wire:
        await wire.send(head("PUT", urls[0], Content_Length=SIZE, Expect="100-continue"))
        assert (await wire.answer()).status == 100
        await wire.send(FIRST)
        assert (await wire.answer()).json()["sha256"] == digest(FIRST)


async def test_a_body_that_waits_is_not_called_for_when_its_head_is_refused(
    shared: SharedServer, urls: list[str]
) -> None:
    async with connect(shared.url) as wire:
        await wire.send(head("PUT", urls[0] + "x", Content_Length=SIZE, Expect="100-continue"))
        assert (await wire.answer()).status == 403


async def test_a_form_that_comes_byte_by_byte_is_taken(shared: SharedServer) -> None:
    upload = await shared.api.init(b"abc")
    body = form(field("note", b""), field("chunk", b"abc", "blob"), field("sha256", digest(b"abc").encode()))
    async with connect(shared.url) as wire:
        url = upload["slots"]["nodes"][0]["url"]
        await wire.send(head("POST", url, Content_Length=len(body), Content_Type=FORM_TYPE))
        for byte in body:
            await wire.send(bytes([byte]))
        assert (await wire.answer()).json()["sha256"] == digest(b"abc")


async def test_a_head_of_another_method_closes_nothing(shared: SharedServer, urls: list[str]) -> None:
    async with connect(shared.url) as wire:
        await wire.send(head("DELETE", urls[0]))
        assert (await wire.answer()).status == 405
        await wire.send(put(urls[0], FIRST))
        assert (await wire.answer()).status == 200


async def test_a_body_in_broken_transfer_coding_changes_nothing(shared: SharedServer, urls: list[str]) -> None:
    async with connect(shared.url) as wire:
        await wire.send(head("PUT", urls[0], Transfer_Encoding="chunked") + b"10000\r\n" + FIRST + b"\r\nzz\r\n")
        assert (await wire.answer()).status == 400
    # The server answers before the slot's writer has stopped, so the slot is busy for a moment.
    assert (await eventually(lambda: unless_busy(shared, urls[0]))).status_code == 200


async def unless_busy(shared: SharedServer, url: str) -> httpx.Response | None:
    answer = await shared.http.put(url, content=FIRST)
    return None if answer.status_code == 409 else answer
