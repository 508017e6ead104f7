"""Downloads by INLINE URLs: what is safe is shown, and everything else is stored as a file."""

import httpx
import pytest

from tests.services.media.content_types.samples import CERTAIN
from tests.support.server import Json, digest
from tests.support.shared_server import SharedServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

URLS = """query ($id: ID!) { upload(id: $id) { file { mimeType kind
  shown: download(disposition: INLINE) { url } stored: download(disposition: ATTACHMENT) { url }
  version { download(disposition: INLINE) { url } } } } }"""
SANDBOX = "sandbox; default-src 'none'"
PNG, TEXT = CERTAIN["image/png"][0], b"Just a text.\n"


async def sent(shared: SharedServer, name: str, content: bytes, mime_type: str | None = None) -> Json:
    """The type and the URLs of a file."""
    upload = await shared.api.upload(content, fileName=name, mimeType=mime_type)
    await shared.api.frames(upload["id"])
    file: Json = (await shared.api.data(URLS, id=upload["id"]))["file"]
    return file


@pytest.mark.parametrize(
    ("name", "content", "content_type", "policy"),
    [
        ("a.png", PNG, "image/png", SANDBOX),
        ("a.webm", CERTAIN["video/webm"][0], "video/webm", "sandbox allow-same-origin; default-src 'none'"),
        ("a.ogg", CERTAIN["audio/ogg"][0], "audio/ogg", "sandbox allow-same-origin; default-src 'none'"),
        ("a.md", TEXT, "text/plain; charset=utf-8", SANDBOX),
        ("a.pdf", CERTAIN["application/pdf"][0], "application/pdf", "default-src 'none'; object-src 'self'"),
    ],
)
async def test_what_is_safe_is_shown(
    shared: SharedServer, name: str, content: bytes, content_type: str, policy: str
) -> None:
    """Under a pinned type, and a policy that forbids scripts."""
    file = await sent(shared, name, content)
    response = await shared.http.get(file["shown"]["url"])
    assert (response.status_code, response.content) == (200, content)
    assert response.headers["Content-Type"] == content_type
    assert response.headers["Content-Disposition"].startswith(f'inline; filename="{name}"')
    assert response.headers["Content-Security-Policy"].startswith(policy)
    assert "allow-scripts" not in response.headers["Content-Security-Policy"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("name", "content", "declared"),
    [
        ("a.html", b"<!doctype html><script>1</script>", "text/html"),
        ("a.png", b"<!doctype html><script>1</script>", "image/png"),
        ("a.svg", b"<svg><script>1</script></svg>", None),
        ("a.xml", b"<?xml version='1.0'?><a/>", "text/plain"),
        ("a.js", b"alert(1)", None),
        ("a.bin", b"\0\1\2\3", "text/html"),
    ],
)
async def test_everything_else_is_stored_as_a_file(
    shared: SharedServer, name: str, content: bytes, declared: str | None
) -> None:
    """Whatever its sender called it."""
    file = await sent(shared, name, content, declared)
    for url in (file["shown"]["url"], file["stored"]["url"], file["version"]["download"]["url"]):
        headers = (await shared.http.get(url)).headers
        assert headers["Content-Disposition"].startswith("attachment;")
        assert headers["Content-Security-Policy"] == SANDBOX
        assert headers["X-Content-Type-Options"] == "nosniff"


async def test_a_url_for_storing_stores_also_what_could_be_shown(shared: SharedServer) -> None:
    """And neither URL can be made the other one."""
    file = await sent(shared, "b.png", PNG)
    stored, shown = httpx.URL(file["stored"]["url"]), httpx.URL(file["shown"]["url"])
    assert (await shared.http.get(stored)).headers["Content-Disposition"].startswith("attachment;")
    for forged in (stored.copy_set_param("disposition", "INLINE"), shown.copy_remove_param("disposition")):
        response = await shared.http.get(forged)
        assert (response.status_code, response.json()["code"]) == (403, "URL_INVALID")


async def test_ranges_and_conditions_work_for_what_is_shown(shared: SharedServer) -> None:
    """As a player and a cache need it."""
    url = (await sent(shared, "c.png", PNG))["shown"]["url"]
    part = await shared.http.get(url, headers={"Range": "bytes=1-3"})
    assert (part.status_code, part.content, part.headers["Content-Type"]) == (206, b"PNG", "image/png")
    assert part.headers["Content-Disposition"].startswith("inline;")
    assert (await shared.http.head(url)).headers["Content-Disposition"].startswith("inline;")
    assert (await shared.http.get(url, headers={"If-None-Match": f'"{digest(PNG)}"'})).status_code == 304


async def test_the_kind_of_a_file_is_that_of_its_content(shared: SharedServer) -> None:
    """Clients filter by it."""
    file = await sent(shared, "clip.mp4", PNG + b"2", "video/mp4")
    assert (file["mimeType"], file["kind"]) == ("image/png", "IMAGE")
