"""The page and its files: which are sent, to whom, in which encoding, and for how long a browser keeps them."""

import httpx
import pytest

from endpoints.page.paths import PAGE_SEGMENTS
from tests.endpoints.page.conftest import BUILD

NAVIGATION = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
PATHS = ["/", "/f/folder_1", "/search?q=a", "/account/security", *(f"/{name}" for name in PAGE_SEGMENTS)]
YEAR = "public, max-age=31536000, immutable"


@pytest.mark.parametrize("path", PATHS)
async def test_every_path_of_the_page_is_the_page(page: httpx.AsyncClient, path: str) -> None:
    response = await page.get(path)
    assert (response.status_code, response.content) == (200, BUILD["page/index.html"])
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert response.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    ("path", "name", "media_type"),
    [
        ("/assets/index-abc.js", "page/assets/index-abc.js", "text/javascript; charset=utf-8"),
        ("/assets/index-abc.css", "page/assets/index-abc.css", "text/css; charset=utf-8"),
        ("/assets/font.woff2", "page/assets/font.woff2", "font/woff2"),
        ("/graphiql/assets/editor-abc.js", "graphiql/assets/editor-abc.js", "text/javascript; charset=utf-8"),
    ],
)
async def test_a_file_with_a_hash_in_its_name_is_kept(
    page: httpx.AsyncClient, path: str, name: str, media_type: str
) -> None:
    response = await page.get(path)
    assert (response.status_code, response.content) == (200, BUILD[name])
    assert (response.headers["Content-Type"], response.headers["Cache-Control"]) == (media_type, YEAR)


async def test_the_icon_is_asked_for_again(page: httpx.AsyncClient) -> None:
    response = await page.get("/icon.svg")
    assert (response.status_code, response.headers["Content-Type"]) == (200, "image/svg+xml")
    assert response.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("path", ["/", "/assets/index-abc.js", "/icon.svg"])
async def test_a_browser_that_has_the_bytes_gets_none(page: httpx.AsyncClient, path: str) -> None:
    first = await page.get(path)
    again = await page.get(path, headers={"If-None-Match": f'"other", {first.headers["ETag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    for name in ("ETag", "Cache-Control", "Vary", "Content-Security-Policy"):
        assert again.headers[name] == first.headers[name]


@pytest.mark.parametrize("accepted", ["br", "gzip", "identity"])
async def test_each_encoding_has_its_own_strong_tag(page: httpx.AsyncClient, accepted: str) -> None:
    response = await page.head("/", headers={"Accept-Encoding": accepted})
    other = await page.head("/", headers={"Accept-Encoding": "gzip" if accepted == "br" else "br"})
    assert response.headers.get("Content-Encoding", "identity") == accepted
    assert response.headers["Vary"] == "Accept-Encoding"
    assert response.headers["ETag"].startswith('"')
    assert response.headers["ETag"] != other.headers["ETag"]


async def test_a_file_without_a_compressed_one_is_sent_as_it_is(page: httpx.AsyncClient) -> None:
    response = await page.get("/assets/font.woff2", headers={"Accept-Encoding": "br, gzip"})
    assert response.content == BUILD["page/assets/font.woff2"]
    assert "Content-Encoding" not in response.headers
    assert response.headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize("path", ["/", "/search", "/assets/index-abc.js", "/icon.svg", "/nothing"])
@pytest.mark.parametrize("encoding", ["br", "identity"])
async def test_head_has_the_headers_of_get(page: httpx.AsyncClient, path: str, encoding: str) -> None:
    headers = {**NAVIGATION, "Accept-Encoding": encoding, "X-Request-ID": "same"}
    async with page.stream("GET", path, headers=headers) as whole:
        expected = whole.headers
        length = len(b"".join([part async for part in whole.aiter_raw()]))
    head = await page.head(path, headers=headers)
    assert head.headers == expected
    assert head.headers["Content-Length"] == str(length)


@pytest.mark.parametrize("path", ["/nothing", "/files", "/searching", "/F/x"])
async def test_an_unknown_path_is_the_page_with_status_404_in_a_browser(page: httpx.AsyncClient, path: str) -> None:
    response = await page.get(path, headers=NAVIGATION)
    assert (response.status_code, response.content) == (404, BUILD["page/index.html"])
    assert response.headers["Vary"] == "Accept-Encoding, Accept"


@pytest.mark.parametrize(
    "path", ["/nothing", "/assets/nothing.js", "/graphiql/assets/nothing.js", "/manifest.webmanifest"]
)
async def test_a_program_gets_a_problem_document_for_what_does_not_exist(page: httpx.AsyncClient, path: str) -> None:
    response = await page.get(path)
    assert (response.status_code, response.json()["code"]) == (404, "NOT_FOUND")
    assert "immutable" not in response.headers.get("Cache-Control", "")


async def test_a_missing_asset_is_never_the_page(page: httpx.AsyncClient) -> None:
    response = await page.get("/assets/nothing.js", headers=NAVIGATION)
    assert response.status_code == 404
    assert BUILD["page/index.html"] not in response.content


@pytest.mark.parametrize("path", ["/", "/assets/index-abc.js", "/search"])
async def test_the_page_is_only_read(page: httpx.AsyncClient, path: str) -> None:
    assert (await page.post(path)).status_code == 405
