"""Chunks that are accepted, in every way in which they may be sent."""

import base64
import hashlib
from collections.abc import Callable

import httpx
import pytest
import pytest_asyncio

from tests.endpoints.wire import FORM_TYPE, field, form, in_pieces
from tests.support.server import Json, digest, part_of
from tests.support.shared_server import SharedServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONTENT = bytes(range(256)) * 600
CHUNK_SIZE = 65_536


@pytest_asyncio.fixture(loop_scope="module")
async def upload(shared: SharedServer) -> Json:
    return await shared.api.init(CONTENT, chunkSize=CHUNK_SIZE)


def slot_of(upload: Json, index: int = 0) -> Json:
    slot: Json = upload["slots"]["nodes"][index]
    return slot


def content_digest(chunk: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(chunk).digest()).decode()}:"


def assert_receipt(response: httpx.Response, index: int, received: int) -> None:
    chunk = CONTENT[index * CHUNK_SIZE :][:CHUNK_SIZE]
    assert response.status_code == 200, response.text
    assert response.headers["ETag"] == f'"{digest(chunk)}"'
    assert response.json() == {
        "index": index,
        "size": len(chunk),
        "sha256": digest(chunk),
        "receivedChunks": received,
        "chunkCount": 3,
        "complete": received == 3,
    }


async def test_raw_bytes_by_put_get_a_receipt(shared: SharedServer, upload: Json) -> None:
    assert_receipt(await shared.api.put(slot_of(upload), CONTENT), 0, 1)


async def test_a_form_by_post_gets_a_receipt(shared: SharedServer, upload: Json) -> None:
    assert_receipt(await shared.api.post(slot_of(upload), CONTENT), 0, 1)


async def test_slots_are_filled_in_any_order_and_the_last_one_says_so(shared: SharedServer, upload: Json) -> None:
    for received, index in enumerate([2, 0, 1], 1):
        assert_receipt(await shared.api.put(slot_of(upload, index), CONTENT), index, received)


async def test_a_chunk_needs_no_session(shared: SharedServer, upload: Json) -> None:
    slot = slot_of(upload)
    assert_receipt(await shared.http.put(slot["url"], content=part_of(slot, CONTENT)), 0, 1)


async def test_a_right_content_digest_is_accepted_among_others(shared: SharedServer, upload: Json) -> None:
    right = content_digest(CONTENT[:CHUNK_SIZE])
    sent = await shared.api.put(slot_of(upload), CONTENT, **{"Content-Digest": f"md5=:AAAA:, {right}"})
    assert_receipt(sent, 0, 1)


async def test_a_content_digest_of_another_algorithm_alone_is_ignored(shared: SharedServer, upload: Json) -> None:
    assert_receipt(await shared.api.put(slot_of(upload), CONTENT, **{"Content-Digest": "sha-512=:AAAA:"}), 0, 1)


@pytest.mark.parametrize("written", [str.lower, str.upper], ids=["lower", "upper"])
@pytest.mark.parametrize("first", ["sha256", "chunk"])
async def test_a_right_digest_stands_before_or_after_the_file(
    shared: SharedServer, upload: Json, first: str, written: Callable[[str], str]
) -> None:
    chunk = CONTENT[:CHUNK_SIZE]
    parts = [field("sha256", written(digest(chunk)).encode()), field("chunk", chunk, "blob")]
    body = form(*(parts if first == "sha256" else reversed(parts)))
    sent = await shared.http.post(slot_of(upload)["url"], content=body, headers={"Content-Type": FORM_TYPE})
    assert_receipt(sent, 0, 1)


async def test_other_fields_around_the_file_are_ignored(shared: SharedServer, upload: Json) -> None:
    body = form(field("a", b"1"), field("chunk", CONTENT[:CHUNK_SIZE], "blob"), field("b", b""), field("b", b"2"))
    sent = await shared.http.post(slot_of(upload)["url"], content=body, headers={"Content-Type": FORM_TYPE})
    assert_receipt(sent, 0, 1)


async def test_raw_bytes_of_unannounced_length_get_a_receipt(shared: SharedServer, upload: Json) -> None:
    sent = await shared.http.put(slot_of(upload)["url"], content=in_pieces(CONTENT[:CHUNK_SIZE]))
    assert "content-length" not in sent.request.headers
    assert_receipt(sent, 0, 1)


async def test_a_form_of_unannounced_length_gets_a_receipt(shared: SharedServer, upload: Json) -> None:
    body = form(field("chunk", CONTENT[:CHUNK_SIZE], "blob"))
    headers = {"Content-Type": FORM_TYPE}
    sent = await shared.http.post(slot_of(upload)["url"], content=in_pieces(body, 7_000), headers=headers)
    assert_receipt(sent, 0, 1)


async def test_the_chunk_may_hold_the_forms_boundary(shared: SharedServer) -> None:
    content = form(field("chunk", b"inner", "blob"), field("sha256", b"0" * 64)) * 300
    upload = await shared.api.init(content)
    body = form(field("chunk", content, "blob"))
    sent = await shared.http.post(slot_of(upload)["url"], content=body, headers={"Content-Type": FORM_TYPE})
    assert sent.json()["sha256"] == digest(content)


async def test_a_chunk_larger_than_one_batch_arrives_whole(shared: SharedServer) -> None:
    content = bytes(range(251)) * 20_000
    upload = await shared.api.init(content)
    assert (await shared.api.put(slot_of(upload), content)).json()["sha256"] == digest(content)
