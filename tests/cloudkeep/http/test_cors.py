"""Pages of other origins may use the API if the setting names their origin, and can read every response."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.routing import Route
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from websockets.exceptions import InvalidStatus

from cloudkeep.http.cors import with_cors
from cloudkeep.server.body_offload import OffloadingProtocol
from endpoints.health import alive
from tests.support.backends.databases import Databases
from tests.support.faults.disk import files_end_at
from tests.support.graphql_ws import connected
from tests.support.server import PROGRESS, Json, digest, sse_events
from tests.support.shared_server import SharedServer, shared_server

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGE = "https://app.example.org"
STRANGER = "https://evil.example.org"
CONTENT = bytes(range(256)) * 8000


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=[OffloadingProtocol, HttpToolsProtocol])
async def shared(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, databases: Databases
) -> AsyncIterator[SharedServer]:
    """A server that allows one origin, once with threads for bodies and once without."""
    protocol: type[asyncio.Protocol] = request.param
    folder = tmp_path_factory.mktemp("stand")
    async with shared_server(folder, databases, protocol, cors_origins=(PAGE,)) as running:
        running.api.http.headers["Origin"] = PAGE
        yield running


async def preflight(http: httpx.AsyncClient, url: str, method: str, headers: str, origin: str = PAGE) -> httpx.Response:
    request_headers = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}
    return await http.options(url, headers={"Origin": origin, **request_headers})


def listed(response: httpx.Response, header: str) -> set[str]:
    return {name.strip().lower() for name in response.headers.get(header, "").split(",")}


def assert_readable(response: httpx.Response) -> None:
    """The page may read the response, and the headers that it needs to continue."""
    assert response.headers["Access-Control-Allow-Origin"] == PAGE
    assert {"etag", "retry-after", "location", "content-range"} <= listed(response, "Access-Control-Expose-Headers")
    assert "origin" in listed(response, "Vary")
    assert "Access-Control-Allow-Credentials" not in response.headers


@pytest.mark.parametrize(
    ("path", "method", "headers"),
    [
        ("/graphql", "POST", "authorization,content-type"),
        ("/uploads/x/chunks/0", "PUT", "content-digest,content-type"),
        ("/uploads/x/chunks/0", "POST", "content-type"),
        ("/versions/x/content", "GET", "range,if-range,if-none-match"),
    ],
)
async def test_a_preflight_is_allowed_and_cached(shared: SharedServer, path: str, method: str, headers: str) -> None:
    answer = await preflight(shared.http, path, method, headers)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE
    assert method.lower() in listed(answer, "Access-Control-Allow-Methods")
    assert set(headers.split(",")) <= listed(answer, "Access-Control-Allow-Headers")
    assert int(answer.headers["Access-Control-Max-Age"]) > 600
    assert "Access-Control-Allow-Credentials" not in answer.headers


async def test_a_page_of_another_origin_is_refused_and_cannot_read_responses(shared: SharedServer) -> None:
    refused = await preflight(shared.http, "/graphql", "POST", "authorization", STRANGER)
    answer = await shared.http.get("/healthz", headers={"Origin": STRANGER})
    assert (refused.status_code, answer.status_code) == (400, 200)
    assert "Access-Control-Allow-Origin" not in {**refused.headers, **answer.headers}


async def test_every_response_varies_by_origin(shared: SharedServer) -> None:
    """A cache must not serve a page with the response to a request without an origin."""
    assert "origin" in listed(await shared.http.get("/healthz"), "Vary")


async def test_a_page_sends_a_chunk_and_reads_its_etag_and_the_file_later(shared: SharedServer) -> None:
    upload = await shared.api.init(CONTENT)
    sent = await shared.api.put(upload["slots"]["nodes"][0], CONTENT)
    assert sent.headers["ETag"] == f'"{digest(CONTENT)}"'
    assert_readable(sent)
    assert (await shared.api.frames(upload["id"]))[-1]["stage"] == "READY"
    url = (await shared.api.look(upload["id"]))["file"]["downloadUrl"]
    part = await shared.api.http.get(url, headers={"Range": "bytes=1-2"})
    assert (part.status_code, part.content) == (206, CONTENT[1:3])
    assert_readable(part)


async def test_a_page_can_read_why_its_chunk_is_refused(shared: SharedServer) -> None:
    upload = await shared.api.init(CONTENT)
    await shared.api.data(
        "mutation ($id: ID!) { abortUpload(input: {uploadId: $id}) { upload { id } } }", id=upload["id"]
    )
    refused = await shared.api.put(upload["slots"]["nodes"][0], CONTENT)
    assert (refused.status_code, refused.json()["code"]) == (409, "UPLOAD_CLOSED")
    assert_readable(refused)
    assert {"ratelimit", "ratelimit-policy", "retry-after"} <= set(listed(refused, "Access-Control-Expose-Headers"))


async def test_a_page_can_read_a_404_and_a_401(shared: SharedServer) -> None:
    lost = await shared.http.get("/nothing", headers={"Origin": PAGE})
    expired = {"Origin": PAGE, "Authorization": "Bearer x"}
    unknown = await shared.http.post("/graphql", json={"query": "{ me { id } }"}, headers=expired)
    assert (lost.status_code, unknown.status_code) == (404, 401)
    assert "www-authenticate" in listed(unknown, "Access-Control-Expose-Headers")
    assert_readable(lost)
    assert_readable(unknown)


async def test_a_page_can_read_why_its_request_with_a_session_cookie_is_refused(shared: SharedServer) -> None:
    headers = {"Origin": PAGE, "Cookie": f"__Host-ck={'A' * 43}", "Sec-Fetch-Site": "same-site"}
    response = await shared.http.post("/graphql", json={"query": "{ me { id } }"}, headers=headers)
    assert response.status_code == 403
    assert_readable(response)


async def test_a_page_can_read_an_event_stream(shared: SharedServer) -> None:
    upload = await shared.api.init(CONTENT)
    request = {"query": PROGRESS, "variables": {"id": upload["id"]}}
    accept = {"Accept": "text/event-stream"}
    async with shared.api.http.stream("POST", "/graphql", json=request, headers=accept) as response:
        assert_readable(response)
        events = sse_events(response)
        assert (await anext(events))["data"]["uploadProgress"]["stage"] == "RECEIVING"
        await shared.api.put(upload["slots"]["nodes"][0], CONTENT)
        assert [event["data"]["uploadProgress"]["stage"] async for event in events][-1] == "READY"


@pytest.mark.parametrize("origin", [PAGE, "http://127.0.0.1:{port}", None], ids=["a page", "our own", "no page"])
async def test_a_page_of_an_allowed_origin_can_open_a_websocket(shared: SharedServer, origin: str | None) -> None:
    headers = {"Origin": origin.format(port=urlsplit(shared.url).port)} if origin else None
    async with connected(shared.url, headers=headers) as socket:
        assert (await socket.init())["type"] == "connection_ack"


async def test_a_page_of_a_refused_origin_cannot_open_a_websocket(shared: SharedServer) -> None:
    with pytest.raises(InvalidStatus):
        async with connected(shared.url, headers={"Origin": STRANGER}):
            pass


async def test_a_page_can_read_that_the_disk_is_full(shared: SharedServer) -> None:
    upload = await shared.api.init(CONTENT)
    # Above the size of the database and its log, so that the chunk alone does not fit.
    with files_end_at(1_900_000):
        answer = await shared.api.put(upload["slots"]["nodes"][0], CONTENT)
    assert (answer.status_code, answer.json()["code"]) == (507, "STORAGE_FULL")
    assert_readable(answer)


@pytest_asyncio.fixture(loop_scope="module")
async def broken(shared: SharedServer) -> AsyncIterator[Json]:
    """An upload, while the database has no table of chunks."""
    upload = await shared.api.init(b"abc")
    with sqlite3.connect(shared.settings.data_dir / "cloudkeep.sqlite3") as database:
        database.execute("ALTER TABLE chunk RENAME TO gone")
    yield upload
    with sqlite3.connect(shared.settings.data_dir / "cloudkeep.sqlite3") as database:
        database.execute("ALTER TABLE gone RENAME TO chunk")


@pytest.mark.sqlite
async def test_a_page_can_read_an_internal_error(shared: SharedServer, broken: Json) -> None:
    answer = await shared.api.put(broken["slots"]["nodes"][0], b"abc")
    assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL")
    assert_readable(answer)


def client(*origins: str) -> httpx.AsyncClient:
    """A client of a tiny app that these origins may use."""
    app = with_cors(origins, Starlette(routes=[Route("/healthz", alive)]))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://drive")


async def test_a_star_allows_every_origin_without_credentials() -> None:
    async with client("*") as http:
        answer = await http.get("/healthz", headers={"Origin": STRANGER, "Cookie": "session=1"})
        answer = await preflight(http, "/graphql", "POST", "authorization", STRANGER)
    for response in (answer, answer):
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in response.headers
    assert "authorization" in listed(answer, "Access-Control-Allow-Headers")


async def test_a_refused_origin_is_logged_with_the_name_of_the_setting(
    shared: SharedServer, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        await preflight(shared.http, "/graphql", "POST", "authorization", "https://one.example.org")
    with pytest.raises(InvalidStatus, match="403"):
        async with connected(shared.url, headers={"Origin": "https://two.example.org"}):
            pass
    await shared.http.get("/healthz", headers={"Origin": PAGE})
    await shared.http.get("/healthz", headers={"Origin": shared.url})
    await shared.http.get("/healthz", headers={"Origin": "https://public.example.org", "Sec-Fetch-Site": "same-origin"})
    assert [record.getMessage() for record in caplog.records if record.name == "cloudkeep.http"] == [
        f"The origin 'https://{name}.example.org' is not in CLOUDKEEP_CORS_ORIGINS" for name in ("one", "two")
    ]


async def test_without_the_setting_no_other_origin_is_allowed() -> None:
    async with client() as http:
        refused = await preflight(http, "/healthz", "GET", "authorization")
        answer = await http.get("/healthz", headers={"Origin": PAGE})
    assert (refused.status_code, answer.status_code) == (405, 200)
    assert "Access-Control-Allow-Origin" not in {**refused.headers, **answer.headers}
