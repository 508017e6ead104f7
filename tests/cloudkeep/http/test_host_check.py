"""Requests for hosts that are not allowed are refused first, and links begin with the host of the request."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
import pytest_asyncio
from starlette.applications import Starlette
from websockets.asyncio.client import connect as connect_websocket
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin, Subprotocol

from cloudkeep.http.allowed_hosts import AllowedHosts
from cloudkeep.http.host_check import MAX_LOGGED, HostCheck
from endpoints.routes import ROUTES
from tests.cloudkeep.http.raw_requests import BEGIN, ask, base_of_slots
from tests.endpoints.wire import connect, head
from tests.support.backends.databases import Databases
from tests.support.graphql_ws import PROTOCOL
from tests.support.server import http_client, serve_app
from tests.support.shared_server import SharedServer, shared_server

pytestmark = pytest.mark.asyncio(loop_scope="module")

EVIL = "evil.example"
ALL = [route.path.replace("{", "").replace("}", "") for route in ROUTES]
PROBES = ["/healthz", "/readyz"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> AsyncIterator[SharedServer]:
    """A server with another host name, which trusts no proxy."""
    async with shared_server(tmp_path_factory.mktemp("direct"), databases, allowed_hosts=("nas.lan",)) as running:
        yield running


@pytest.mark.parametrize("path", [path for path in [*ALL, "/nothing"] if path not in PROBES])
@pytest.mark.parametrize("method", ["GET", "OPTIONS", "PUT", "POST"])
async def test_every_request_for_another_host_is_misdirected(shared: SharedServer, method: str, path: str) -> None:
    answer = await ask(shared, f"{method} {path} HTTP/1.1\nHost: {EVIL}:8000\n\n")
    assert (answer.status, answer.headers["content-type"]) == (421, "application/problem+json")
    problem = answer.json()
    assert (problem["code"], problem["title"]) == ("HOST_NOT_ALLOWED", "Misdirected Request")
    assert EVIL in problem["detail"]
    assert "CLOUDKEEP_ALLOWED_HOSTS" in problem["detail"]
    assert problem["requestId"] == answer.headers["x-request-id"]


async def test_another_host_is_refused_before_the_body_and_the_token_are_read(shared: SharedServer) -> None:
    lines = "Authorization: Bearer x\nContent-Type: application/json\nContent-Length: 1000\nExpect: 100-continue"
    answer = await ask(shared, f"POST /graphql HTTP/1.1\nHost: {EVIL}\n{lines}\n\n")
    assert answer.status == 421


async def test_a_chunk_for_another_host_is_neither_stored_nor_left_in_the_connection(shared: SharedServer) -> None:
    content = b"x" * 3_000_000
    upload = await shared.api.init(content)
    url = upload["slots"]["nodes"][0]["url"]
    async with connect(shared.url) as wire:
        for host, status in ((EVIL, 421), (urlsplit(url).netloc, 200)):
            target = urlsplit(url)._replace(netloc=host).geturl()
            await wire.send(head("PUT", target, Content_Length=len(content)) + content)
            assert (await wire.answer()).status == status
    assert (await shared.api.look(upload["id"]))["receivedChunks"] == 1


@pytest.mark.parametrize("path", PROBES)
@pytest.mark.parametrize("host", [EVIL, "10.1.2.3:8000", "api:8000"])
async def test_probes_answer_for_every_host(shared: SharedServer, path: str, host: str) -> None:
    assert (await ask(shared, f"GET {path} HTTP/1.1\nHost: {host}\n\n")).status == 200


@pytest.mark.parametrize(
    "host",
    ["", "\nHost: ", "\nHost: a b", "\nHost: localhost\nHost: localhost", "\nHost: localhost, nas.lan"],
    ids=ascii,
)
@pytest.mark.parametrize("path", ["/graphql", "/healthz"])
async def test_a_missing_repeated_or_malformed_host_is_a_bad_request(
    shared: SharedServer, path: str, host: str
) -> None:
    answer = await ask(shared, f"GET {path} HTTP/1.1{host}\n\n")
    assert (answer.status, answer.json()["code"]) == (400, "MALFORMED_REQUEST")


async def test_http_1_0_needs_no_host(shared: SharedServer) -> None:
    assert (await ask(shared, "GET /readyz HTTP/1.0\n\n")).status == 200
    assert (await ask(shared, "GET /metrics HTTP/1.0\n\n")).status == 200


async def test_the_host_of_a_target_in_absolute_form_counts(shared: SharedServer) -> None:
    own = urlsplit(shared.url).netloc
    assert (await ask(shared, f"GET http://{EVIL}/graphql HTTP/1.1\nHost: {own}\n\n")).status == 421
    assert (await ask(shared, f"GET http://user@{own}/metrics HTTP/1.1\nHost: {own}\n\n")).status == 400
    assert (await ask(shared, f"GET http://{own}/metrics HTTP/1.1\nHost: {EVIL}\n\n")).status == 200
    assert (await ask(shared, f"GET http://{own}?x=/ HTTP/1.1\nHost: {EVIL}\n\n")).status == 503
    assert await base_of_slots(shared, "Host: x", target="http://nas.lan:81/graphql") == "http://nas.lan:81"


@pytest.mark.parametrize("host", ["localhost:4711", "a.localhost", "127.0.0.1:80", "nas.lan:8000", "[::1]:8000"])
async def test_links_follow_the_host_of_their_request(shared: SharedServer, host: str) -> None:
    assert await base_of_slots(shared, f"Host: {host}") == f"http://{host.removesuffix(':80')}"


async def test_a_signed_url_is_valid_for_every_name_of_the_server(shared: SharedServer) -> None:
    upload = await shared.api.init(b"x")
    url = urlsplit(upload["slots"]["nodes"][0]["url"])
    assert f"{url.scheme}://{url.netloc}" == shared.url
    async with connect(shared.url) as wire:
        await wire.send(head("PUT", url._replace(netloc="nas.lan").geturl(), Content_Length=1) + b"x")
        assert (await wire.answer()).status == 200


async def test_headers_of_a_proxy_that_is_not_trusted_are_not_read(shared: SharedServer) -> None:
    forged = ("X-Forwarded-Host: nas.lan", "X-Forwarded-Proto: https", "Forwarded: host=nas.lan;proto=https")
    assert await base_of_slots(shared, "Host: localhost", *forged) == "http://localhost"
    answer = await ask(shared, f"GET /graphql HTTP/1.1\nHost: {EVIL}\nX-Forwarded-Host: localhost\n\n")
    assert answer.status == 421


def own_addresses() -> list[str]:
    """The IPv4 addresses of this machine, without those of the loopback interface."""
    addresses = (each for interface in psutil.net_if_addrs().values() for each in interface)
    return [each.address for each in addresses if each.family == socket.AF_INET and not each.address.startswith("127.")]


async def test_a_server_on_every_interface_is_reached_by_its_own_address_and_not_by_another_name() -> None:
    app = HostCheck(Starlette(), AllowedHosts("http://localhost:8000"))
    with socket.create_server(("0.0.0.0", 0)) as listener:
        port = listener.getsockname()[1]
        async with serve_app(app, listener), http_client() as http:
            for address in own_addresses():
                url = f"http://{address}:{port}/"
                assert (await http.get(url)).status_code == 404
                assert (await http.get(url, headers={"Host": f"{EVIL}:{port}"})).status_code == 421
                assert (await http.get(f"http://127.0.0.1:{port}/", headers={"Host": address})).status_code == 421


def websocket(running: SharedServer, host: str, origin: str | None = None) -> connect_websocket:
    """A WebSocket whose handshake names this host."""
    parts = urlsplit(running.url)
    return connect_websocket(
        f"ws://{host}/graphql",
        host=parts.hostname,
        port=parts.port,
        origin=Origin(origin) if origin else None,
        subprotocols=[Subprotocol(PROTOCOL)],
    )


async def test_a_websocket_for_another_host_is_misdirected(shared: SharedServer) -> None:
    """With DNS rebinding, the page and its handshake have the same origin."""
    with pytest.raises(InvalidStatus) as refused:
        await websocket(shared, f"{EVIL}:8000", origin=f"http://{EVIL}:8000")
    assert refused.value.response.status_code == 421
    assert json.loads(refused.value.response.body)["code"] == "HOST_NOT_ALLOWED"


async def test_the_host_of_a_handshake_in_absolute_form_counts(shared: SharedServer) -> None:
    version = "Sec-WebSocket-Version: 13\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="
    rest = f"Upgrade: websocket\nConnection: Upgrade\n{version}\nSec-WebSocket-Protocol: {PROTOCOL}\n\n"
    assert (await ask(shared, f"GET http://{EVIL}/graphql HTTP/1.1\nHost: localhost\n{rest}")).status == 421
    assert (await ask(shared, f"GET http://localhost/graphql HTTP/1.1\nHost: {EVIL}\n{rest}")).status == 101


async def test_a_page_can_open_a_websocket_only_at_its_own_host(shared: SharedServer) -> None:
    async with websocket(shared, "nas.lan", origin="http://nas.lan"):
        pass
    with pytest.raises(InvalidStatus, match="403"):
        await websocket(shared, "localhost:1", origin="http://localhost:2")


async def test_the_links_of_a_websocket_follow_its_handshake(shared: SharedServer) -> None:
    token = shared.api.http.headers["Authorization"]
    async with asyncio.timeout(15), websocket(shared, "nas.lan") as connection:
        await connection.send(json.dumps({"type": "connection_init", "payload": {"Authorization": token}}))
        await connection.recv()
        await connection.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"query": BEGIN}}))
        result = json.loads(await connection.recv())
    (slot,) = result["payload"]["data"]["initUpload"]["upload"]["slots"]["nodes"]
    assert slot["url"].startswith("http://nas.lan/uploads/")


async def test_the_log_names_a_refused_host_once_and_a_bounded_number_of_them(caplog: pytest.LogCaptureFixture) -> None:
    app = HostCheck(Starlette(), AllowedHosts("https://drive.example.org"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as http:
        for number in [*range(MAX_LOGGED + 5), 0, 1]:
            assert (await http.get(f"http://host{number}/")).status_code == 421
    assert len(caplog.records) == MAX_LOGGED
    assert "CLOUDKEEP_ALLOWED_HOSTS" in caplog.records[0].getMessage()
