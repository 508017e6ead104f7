"""Downloads by signed URLs: whole, in part, by name, and refused."""

import asyncio
import hashlib
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from email.message import Message
from pathlib import Path
from urllib.parse import unquote
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio

from services.access.signed_urls import SignedUrls
from storage.drive.models import Blob, FileVersion, Rendition, RenditionKind
from tests.endpoints.wire import connect, head
from tests.support.server import Json, digest, key_of
from tests.support.shared_server import KEYS, SharedServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONTENT = hashlib.shake_256(b"file").digest(3_000_000)
NAME = "clip.mp4"


async def sent(shared: SharedServer, content: bytes, **more: object) -> Json:
    """A file of an upload."""
    upload = await shared.api.upload(content, **more)
    await shared.api.frames(upload["id"])
    file: Json = (await shared.api.look(upload["id"]))["file"]
    return file


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def file(shared: SharedServer) -> Json:
    return await sent(shared, CONTENT, fileName=NAME)


def links(lifetime: timedelta = timedelta(hours=1)) -> SignedUrls:
    return SignedUrls(KEYS, lifetime)


async def test_a_download_is_the_whole_file_with_its_description(shared: SharedServer, file: Json) -> None:
    response = await shared.http.get(file["downloadUrl"])
    assert (response.status_code, response.content) == (200, CONTENT)
    assert response.headers["Content-Type"] == "video/mp4"
    assert response.headers["Content-Length"] == str(len(CONTENT))
    assert response.headers["ETag"] == f'"{digest(CONTENT)}"'
    assert response.headers["Accept-Ranges"] == "bytes"


async def test_what_was_uploaded_is_never_run_as_a_page_of_ours(shared: SharedServer) -> None:
    page = await sent(shared, b"<script>alert(1)</script>", fileName="page.html", mimeType="text/html")
    headers = (await shared.http.get(page["downloadUrl"])).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert headers["Content-Disposition"].startswith("attachment;")
    assert headers["Cross-Origin-Resource-Policy"] == "same-site"
    assert "private" in headers["Cache-Control"]


async def test_head_is_get_without_the_body(shared: SharedServer, file: Json) -> None:
    whole, bare = await shared.http.get(file["downloadUrl"]), await shared.http.head(file["downloadUrl"])
    assert (bare.status_code, bare.content) == (200, b"")
    its_own = {"date": "", "x-request-id": ""}
    assert {**bare.headers, **its_own} == {**whole.headers, **its_own}


async def test_head_knows_no_ranges(shared: SharedServer, file: Json) -> None:
    bare = await shared.http.head(file["downloadUrl"], headers={"Range": "bytes=0-9"})
    assert (bare.status_code, bare.headers["Content-Length"]) == (200, str(len(CONTENT)))


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=1048570-1048590", 1_048_570, 1_048_591),
        ("bytes=2999990-", 2_999_990, 3_000_000),
        ("bytes=-10", 2_999_990, 3_000_000),
    ],
)
async def test_a_range_is_that_part_of_the_file(
    shared: SharedServer, file: Json, header: str, start: int, end: int
) -> None:
    part = await shared.http.get(file["downloadUrl"], headers={"Range": header})
    assert (part.status_code, part.content) == (206, CONTENT[start:end])
    assert part.headers["Content-Range"] == f"bytes {start}-{end - 1}/{len(CONTENT)}"
    assert part.headers["ETag"] == f'"{digest(CONTENT)}"'


@pytest.mark.parametrize("header", ["bytes=0-1,5-6", "bytes=9-0", "items=0-1"])
async def test_a_range_that_is_not_understood_gets_the_whole(shared: SharedServer, file: Json, header: str) -> None:
    response = await shared.http.get(file["downloadUrl"], headers={"Range": header})
    assert (response.status_code, len(response.content)) == (200, len(CONTENT))
    assert "Content-Range" not in response.headers


async def test_a_range_behind_the_end_says_where_the_end_is(shared: SharedServer, file: Json) -> None:
    response = await shared.http.get(file["downloadUrl"], headers={"Range": "bytes=3000000-"})
    assert (response.status_code, response.json()["code"]) == (416, "RANGE_NOT_SATISFIABLE")
    assert response.headers["Content-Range"] == f"bytes */{len(CONTENT)}"


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        (f'"{digest(CONTENT)}"', 206),
        (f'W/"{digest(CONTENT)}"', 200),
        ('"another"', 200),
        ("Sat, 01 Jan 2000 00:00:00 GMT", 200),
    ],
)
async def test_a_range_of_other_bytes_gets_the_whole(
    shared: SharedServer, file: Json, condition: str, status: int
) -> None:
    headers = {"Range": "bytes=0-9", "If-Range": condition}
    assert (await shared.http.get(file["downloadUrl"], headers=headers)).status_code == status


async def test_a_range_may_depend_on_the_date_that_the_server_sent(shared: SharedServer, file: Json) -> None:
    date = (await shared.http.head(file["downloadUrl"])).headers["Last-Modified"]
    for condition, status in ((date, 206), ("Sun, 06 Nov 1994 08:49:37 GMT", 200)):
        headers = {"Range": "BYTES=0-9", "If-Range": condition}
        assert (await shared.http.get(file["downloadUrl"], headers=headers)).status_code == status


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_bytes_that_the_client_has_are_not_sent_again(shared: SharedServer, file: Json, method: str) -> None:
    known = {"If-None-Match": f'"another", W/"{digest(CONTENT)}"'}
    response = await shared.http.request(method, file["downloadUrl"], headers=known)
    assert (response.status_code, response.content) == (304, b"")
    assert response.headers["ETag"] == f'"{digest(CONTENT)}"'


@pytest.mark.parametrize(
    "name",
    [
        'a "quoted" name.mp4',
        "semi;colon, comma.mp4",
        "percent%22%0d%0a.mp4",
        "Grüße 日本語 📼.mp4",
        "\u05e9\u05dc\u05d5\u05dd.mp4",
        "..hidden..mp4",
        "C: drive.mp4",
        "' or 1=1.mp4",
        "no extension",
        "a" * 255,
        "é" * 127,
    ],
)
async def test_a_download_carries_the_files_name_whatever_it_is(shared: SharedServer, name: str) -> None:
    found = await sent(shared, b"x", fileName=name)
    header = (await shared.http.get(found["downloadUrl"])).headers["Content-Disposition"]
    parsed = Message()
    parsed["Content-Disposition"] = header
    assert header.isascii()
    assert parsed.get_content_disposition() == "attachment"
    assert unquote(header.partition("filename*=UTF-8''")[2]) == name
    assert '"' not in header.removeprefix('attachment; filename="').partition('"; filename*=')[0]


FORGERIES: dict[str, Callable[[httpx.URL], httpx.URL]] = {
    "no signature": lambda url: url.copy_remove_param("signature"),
    "another signature": lambda url: url.copy_set_param("signature", "test.AAAA"),
    "a later expiry": lambda url: url.copy_set_param("expires", "9999999999"),
    "no expiry": lambda url: url.copy_remove_param("expires"),
    "nothing at all": lambda url: url.copy_with(query=None),
    "another file": lambda url: url.copy_with(path=f"/versions/{uuid4()}/content"),
    "a rendition": lambda url: url.copy_with(path=url.path.replace("versions", "renditions")),
    "an ID in capitals": lambda url: url.copy_with(path=url.path.upper().replace("VERSIONS", "versions")),
}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("alter", FORGERIES.values(), ids=FORGERIES.keys())
async def test_a_forged_url_opens_nothing(
    shared: SharedServer, file: Json, alter: Callable[[httpx.URL], httpx.URL], method: str
) -> None:
    response = await shared.http.request(method, alter(httpx.URL(file["downloadUrl"])))
    assert response.status_code in {403, 404}
    assert CONTENT[:10] not in response.content


async def test_a_url_past_its_time_opens_nothing(shared: SharedServer, file: Json) -> None:
    url = links(timedelta(hours=-2)).version(key_of(file["version"]["id"]), shared.url)
    response = await shared.http.get(url)
    assert (response.status_code, response.json()["code"]) == (403, "URL_EXPIRED")


@pytest.mark.parametrize("kind", [SignedUrls.version, SignedUrls.rendition], ids=["version", "rendition"])
async def test_an_unknown_id_is_not_found(shared: SharedServer, kind: Callable[[SignedUrls, UUID, str], str]) -> None:
    response = await shared.http.get(kind(links(), uuid4(), shared.url))
    assert (response.status_code, response.json()["code"]) == (404, "NOT_FOUND")


async def test_a_url_needs_no_session_and_survives_it(shared: SharedServer, file: Json) -> None:
    assert "Authorization" not in shared.http.headers
    assert (await shared.http.get(file["downloadUrl"])).status_code == 200


async def test_a_rendition_is_downloaded_under_a_name_of_its_own(shared: SharedServer, file: Json) -> None:
    source = await FileVersion.get(id=key_of(file["version"]["id"])).select_related("blob")
    blob = await Blob.create(key=f"alias-{uuid4()}", size=3, sha256=digest(b"abc"))
    rendition = await Rendition.create(
        version=source, kind=RenditionKind.COMPRESSED_VIDEO, mime_type="video/mp4", blob=blob
    )
    path = blob_path(shared, blob.key)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"abc")
    response = await shared.http.get(links().rendition(rendition.id, shared.url))
    assert (response.status_code, response.content) == (200, b"abc")
    assert 'filename="clip.compressed.mp4"' in response.headers["Content-Disposition"]
    await rendition.delete()


async def test_bytes_that_the_server_lost_are_not_found(shared: SharedServer) -> None:
    lost = await sent(shared, b"soon gone")
    version = await FileVersion.get(id=key_of(lost["version"]["id"])).select_related("blob")
    blob_path(shared, version.blob.key).unlink()
    response = await shared.http.get(lost["downloadUrl"])
    assert (response.status_code, response.json()["code"]) == (404, "NOT_FOUND")


async def test_a_download_that_is_given_up_frees_its_file(shared: SharedServer) -> None:
    large = await sent(shared, bytes(20_000_000))
    async with connect(shared.url) as wire:
        await wire.send(head("GET", large["downloadUrl"]))
        await until(lambda: open_blobs(shared) == 1)
        wire.reset()
    await until(lambda: open_blobs(shared) == 0)


def blob_path(shared: SharedServer, key: str) -> Path:
    return shared.settings.data_dir / "blobs" / "blobs" / key[-2:] / key[-4:-2] / key


def open_blobs(shared: SharedServer) -> int:
    """How many descriptors of this process, which is the server's, lead to blobs."""
    folder = f"{shared.settings.data_dir}/blobs/blobs/"
    return sum(target.startswith(folder) for target in map(descriptor_target, os.listdir("/proc/self/fd")))


def descriptor_target(descriptor: str) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")
    except FileNotFoundError:
        return ""


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


DOWNLOAD = "query ($id: ID!) { file(id: $id) { downloadUrl download { url expiresAt } } }"


async def test_a_download_says_when_its_url_expires(shared: SharedServer, file: Json) -> None:
    found = await shared.api.data(DOWNLOAD, id=file["id"])
    assert found["download"]["url"] == found["downloadUrl"]
    expires = int(httpx.URL(found["downloadUrl"]).params["expires"])
    assert datetime.fromisoformat(found["download"]["expiresAt"]).timestamp() == expires
