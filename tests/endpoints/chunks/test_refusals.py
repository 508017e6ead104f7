"""Chunks that are refused: each with its status and code, and without any change."""

import base64
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from services.access.signed_urls import SignedUrls, SlotAuthorization
from services.core.ids import Prefix, encode
from tests.endpoints.wire import FORM_TYPE, field, form, in_pieces
from tests.support.server import Json, digest, key_of
from tests.support.shared_server import KEYS, SharedServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

SIZE = 70_000
CONTENT = bytes(range(250)) * (SIZE // 250) * 2
WRONG = "0" * 64

Send = Callable[[httpx.AsyncClient, Json], Awaitable[httpx.Response]]


@pytest_asyncio.fixture(loop_scope="module")
async def upload(shared: SharedServer) -> Json:
    return await shared.api.init(CONTENT, chunkSize=SIZE)


def raw(body: bytes, *, announced: bool = True, digest_field: str | None = None) -> Send:
    headers = {} if digest_field is None else {"Content-Digest": digest_field}
    return lambda http, slot: http.put(slot["url"], content=body if announced else in_pieces(body), headers=headers)


def posted(body: bytes, announced: bool = True, content_type: str = FORM_TYPE) -> Send:
    headers = {"Content-Type": content_type}
    return lambda http, slot: http.post(slot["url"], content=body if announced else in_pieces(body), headers=headers)


def chunk_form(body: bytes) -> bytes:
    return form(field("chunk", body, "blob"))


def with_digest(value: str) -> Send:
    return raw(CONTENT[:SIZE], digest_field=value)


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


RIGHT = CONTENT[:SIZE]
FILE = field("chunk", RIGHT, "blob")
SIZES = {
    "raw, short": raw(RIGHT[:-1]),
    "raw, long": raw(RIGHT + b"x"),
    "raw, empty": raw(b""),
    "raw, short, unannounced": raw(RIGHT[:-1], announced=False),
    "raw, long, unannounced": raw(RIGHT + b"x", announced=False),
    "raw, endless, unannounced": raw(RIGHT * 60, announced=False),
    "form, short": posted(chunk_form(RIGHT[:-1])),
    "form, shorter": posted(chunk_form(RIGHT[:-100])),
    "form, long": posted(chunk_form(RIGHT + b"x")),
    "form, longer": posted(chunk_form(RIGHT * 2)),
    "form, empty": posted(chunk_form(b"")),
    "form, short, unannounced": posted(chunk_form(RIGHT[:-1]), announced=False),
    "form, long, unannounced": posted(chunk_form(RIGHT + b"x"), announced=False),
    "form, endless, unannounced": posted(chunk_form(RIGHT * 60), announced=False),
    "form, cut behind the file": posted(FILE[:-2], announced=False),
    "form, a long tail": posted(FILE + field("note", b"x" * 20_000), announced=False),
}
WRONG_DIGESTS = {
    "header": with_digest(f"sha-256=:{encoded(bytes(32))}:"),
    "field before": posted(form(field("sha256", WRONG.encode()), FILE)),
    "field after": posted(form(FILE, field("sha256", WRONG.encode()))),
}
MALFORMED = {
    "digest without colons": with_digest(f"sha-256={encoded(bytes(32))}"),
    "digest too short": with_digest("sha-256=:AAAA:"),
    "digest no base64": with_digest("sha-256=:!!!!:"),
    "digest empty": with_digest("sha-256="),
    "post of JSON": posted(RIGHT, content_type="application/json"),
    "post of nothing said": posted(RIGHT, content_type=""),
    "no boundary": posted(chunk_form(RIGHT), content_type="multipart/form-data"),
    "other boundary": posted(chunk_form(RIGHT), content_type="multipart/form-data; boundary=other"),
    "boundary too long": posted(chunk_form(RIGHT), content_type=f"multipart/form-data; boundary={'b' * 71}"),
    "boundary numbered beyond reason": posted(
        chunk_form(RIGHT), content_type=f"multipart/form-data; boundary*{'9' * 5_000}=b"
    ),
    "file part named otherwise": posted(form(field("file", RIGHT, "blob"))),
    "no part at all": posted(form() + b" " * SIZE),
    "two files": posted(form(FILE, field("chunk", b"more", "blob"))),
    "two digests": posted(form(field("sha256", digest(RIGHT).encode()), FILE, field("sha256", WRONG.encode()))),
    "cut in the tail": posted(FILE + field("sha256", WRONG.encode())[:-70]),
    "a long head": posted(form(field("note", b"x" * 20_000), FILE)),
    "a head without end": posted(field("note", b"x" * SIZE)),
    "a preamble": posted(b"preamble\r\n" + chunk_form(RIGHT)),
    "broken disposition": posted(chunk_form(RIGHT).replace(b'name="chunk"', b"name*" + b"9" * 5_000 + b"=chunk")),
}
INVALID = {
    "field no digest": posted(form(FILE, field("sha256", b"xyz"))),
    "field empty": posted(form(FILE, field("sha256", b""))),
    "field not text": posted(form(field("sha256", b"\xff" * 64), FILE)),
}
TABLE = [
    pytest.param(send, status, code, id=name)
    for cases, status, code in [
        (SIZES, 400, "CHUNK_SIZE_MISMATCH"),
        (WRONG_DIGESTS, 422, "CHECKSUM_MISMATCH"),
        (MALFORMED, 400, "MALFORMED_REQUEST"),
        (INVALID, 400, "INVALID_INPUT"),
    ]
    for name, send in cases.items()
]


def assert_problem(response: httpx.Response, status: int, code: str) -> None:
    assert (response.status_code, response.json()["code"]) == (status, code), response.text
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["status"] == status
    assert response.json()["detail"]


async def assert_untouched(shared: SharedServer, upload: Json) -> None:
    """No slot is filled, and a correct chunk is still accepted."""
    now = await shared.api.look(upload["id"])
    assert (now["status"], now["receivedChunks"], now["receivedBytes"]) == ("RECEIVING", 0, 0)
    assert [slot["index"] for slot in now["slots"]["nodes"]] == [0, 1]
    assert (await shared.api.put(upload["slots"]["nodes"][0], CONTENT)).json()["sha256"] == digest(RIGHT)


@pytest.mark.parametrize(("send", "status", "code"), TABLE)
async def test_a_wrong_body_changes_nothing(
    shared: SharedServer, upload: Json, send: Send, status: int, code: str
) -> None:
    assert_problem(await send(shared.http, upload["slots"]["nodes"][0]), status, code)
    await assert_untouched(shared, upload)


Alter = Callable[[httpx.URL], httpx.URL]


def parameter(name: str, value: str) -> Alter:
    return lambda url: url.copy_set_param(name, value)


def path(old: str, new: str) -> Alter:
    return lambda url: url.copy_with(path=url.path.replace(old, new))


FORGERIES: dict[str, Alter] = {
    "another size": parameter("size", str(SIZE - 1)),
    "another index": path("/chunks/0", "/chunks/1"),
    "an index out of range": path("/chunks/0", "/chunks/2"),
    "a negative index": path("/chunks/0", "/chunks/-1"),
    "an index that is no number": path("/chunks/0", "/chunks/x"),
    "an index in other digits": path("/chunks/0", "/chunks/\u0660"),
    "a huge index": path("/chunks/0", f"/chunks/{'9' * 5_000}"),
    "a later expiry": parameter("expires", "9999999999"),
    "an expiry that is no number": parameter("expires", "never"),
    "no expiry": lambda url: url.copy_remove_param("expires"),
    "no size": lambda url: url.copy_remove_param("size"),
    "no signature": lambda url: url.copy_remove_param("signature"),
    "a signature by nobody": parameter("signature", "nobody.AAAA"),
    "a signature of nothing": parameter("signature", "test."),
    "a signature beyond ASCII": parameter("signature", "test.ä"),
    "another upload": lambda url: url.copy_with(path=f"/uploads/{encode(Prefix.UPLOAD, uuid4())}/chunks/0"),
}


@pytest.mark.parametrize("alter", FORGERIES.values(), ids=FORGERIES.keys())
async def test_a_forged_url_changes_nothing(shared: SharedServer, upload: Json, alter: Alter) -> None:
    url = alter(httpx.URL(upload["slots"]["nodes"][0]["url"]))
    assert_problem(await shared.http.put(url, content=RIGHT), 403, "URL_INVALID")
    await assert_untouched(shared, upload)


def signed(shared: SharedServer, right: SlotAuthorization, lifetime: timedelta = timedelta(hours=1)) -> str:
    return SignedUrls(KEYS, lifetime).slot(right, shared.url)


async def test_a_url_past_its_time_changes_nothing(shared: SharedServer, upload: Json) -> None:
    url = signed(shared, SlotAuthorization(key_of(upload["id"]), 0, SIZE), timedelta(hours=-2))
    assert_problem(await shared.http.put(url, content=RIGHT), 403, "URL_EXPIRED")
    await assert_untouched(shared, upload)


OTHER_SLOTS: dict[str, Callable[[SlotAuthorization], SlotAuthorization]] = {
    "an index out of range": lambda right: replace(right, index=2),
    "another size": lambda right: replace(right, size=SIZE - 1),
    "an unknown upload": lambda right: replace(right, upload_id=uuid4()),
}


@pytest.mark.parametrize("other", OTHER_SLOTS.values(), ids=OTHER_SLOTS.keys())
async def test_a_signed_url_of_no_slot_is_not_found(
    shared: SharedServer, upload: Json, other: Callable[[SlotAuthorization], SlotAuthorization]
) -> None:
    right = other(SlotAuthorization(key_of(upload["id"]), 0, SIZE))
    assert_problem(await shared.http.put(signed(shared, right), content=RIGHT[: right.size]), 404, "NOT_FOUND")
    await assert_untouched(shared, upload)


async def test_an_upload_that_is_no_id_is_not_found(shared: SharedServer) -> None:
    assert_problem(await shared.http.put("/uploads/x/chunks/0?size=1", content=b"x"), 404, "NOT_FOUND")


async def test_a_download_url_opens_no_slot(shared: SharedServer, upload: Json) -> None:
    links = SignedUrls(KEYS, timedelta(hours=1))
    borrowed = httpx.URL(links.version(key_of(upload["id"]), shared.url)).params
    url = httpx.URL(upload["slots"]["nodes"][0]["url"]).copy_merge_params(dict(borrowed))
    assert_problem(await shared.http.put(url, content=RIGHT), 403, "URL_INVALID")
    await assert_untouched(shared, upload)


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_are_not_allowed(shared: SharedServer, upload: Json, method: str) -> None:
    response = await shared.http.request(method, upload["slots"]["nodes"][0]["url"])
    assert response.status_code == 405
    assert set(response.headers["Allow"].split(", ")) == {"POST", "PUT"}
