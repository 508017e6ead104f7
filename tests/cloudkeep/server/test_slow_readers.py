"""Clients that do not read their responses are disconnected; those that read slowly are served."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from tests.endpoints.wire import head
from tests.support.backends.databases import Databases
from tests.support.graphql_ws import PROTOCOL
from tests.support.server import Json
from tests.support.shared_server import SharedServer, shared_server
from tests.support.waiting import eventually

MIB = 1024 * 1024
CONTENT = bytes(range(256)) * (8 * MIB // 256)
#: Bytes that the kernel keeps for a client, so that the rest waits in the server.
RECEIVE_BUFFER = 4096
STALL_SECONDS = 1.0
#: The most expensive answer: every slot of an upload.
SLOTS = "query ($id: ID!) { upload(id: $id) { slots(first: 1000) { nodes { index url } } } }"
WATCH = "subscription ($id: ID!) { uploadProgress(uploadId: $id) { upload { slots(first: 1000) { nodes { url } } } } }"

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> AsyncIterator[SharedServer]:
    folder = tmp_path_factory.mktemp("stand")
    async with shared_server(
        folder, databases, response_stall_timeout=STALL_SECONDS, response_min_rate=100_000
    ) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def download(shared: SharedServer) -> str:
    upload = await shared.api.upload(CONTENT)
    await shared.api.frames(upload["id"])
    url: str = (await shared.api.look(upload["id"]))["file"]["downloadUrl"]
    return url


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def upload(shared: SharedServer) -> Json:
    """An upload of many slots, whose description is large."""
    return await shared.api.init(bytes(64 * MIB), chunkSize=64 * 1024)


@asynccontextmanager
async def unread(shared: SharedServer, *requests: bytes) -> AsyncIterator[socket.socket]:
    """A connection that has sent requests and reads nothing."""
    loop = asyncio.get_running_loop()
    parts = urlsplit(shared.url)
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        sock.setblocking(False)
        await loop.sock_connect(sock, (parts.hostname, parts.port))
        for request in requests:
            await loop.sock_sendall(sock, request)
        yield sock


async def cut_off(shared: SharedServer) -> int:
    """How many clients have been disconnected because they read too slowly."""
    lines = (await shared.http.get("/metrics")).text.splitlines()
    return int(float(next(line for line in lines if line.startswith("cloudkeep_slow_readers_total")).split()[1]))


async def read_to_the_reset(sock: socket.socket) -> bytes:
    """What still arrives, until the connection is reset."""
    received = bytearray()
    async with asyncio.timeout(30):
        try:
            while True:
                received += await asyncio.get_running_loop().sock_recv(sock, 65536)
        except ConnectionResetError:
            return bytes(received)


async def is_cut_off_after(shared: SharedServer, before: int) -> bool:
    return await cut_off(shared) > before


def query(shared: SharedServer, document: str, upload_id: str, **headers: str) -> bytes:
    body = json.dumps({"query": document, "variables": {"id": upload_id}}).encode()
    authorization = shared.api.http.headers["Authorization"]
    fields = {"Content_Type": "application/json", "Authorization": authorization, "Content_Length": len(body)}
    return head("POST", f"{shared.url}/graphql", **fields, **headers) + body


async def test_a_download_that_is_not_read_is_ended(shared: SharedServer, download: str) -> None:
    before = await cut_off(shared)
    async with unread(shared, head("GET", download)) as sock:
        await eventually(lambda: is_cut_off_after(shared, before))
        assert len(await read_to_the_reset(sock)) < len(CONTENT)


async def test_a_download_that_is_read_more_slowly_than_the_minimum_is_ended(
    shared: SharedServer, download: str
) -> None:
    before = await cut_off(shared)
    loop = asyncio.get_running_loop()
    async with unread(shared, head("GET", download)) as sock:
        with contextlib.suppress(OSError):
            while not await is_cut_off_after(shared, before):
                await loop.sock_recv(sock, 100)
                await asyncio.sleep(0.05)
        assert await is_cut_off_after(shared, before)


async def test_a_download_that_is_read_at_more_than_the_minimum_rate_is_complete(
    shared: SharedServer, download: str
) -> None:
    loop, received = asyncio.get_running_loop(), 0
    async with unread(shared, head("GET", download, Connection="close")) as sock:
        while block := await loop.sock_recv(sock, 128 * 1024):
            received += len(block)
            await asyncio.sleep(0.001)
    assert received > len(CONTENT)


async def test_complete_responses_that_are_not_read_end_their_connection(shared: SharedServer, upload: Json) -> None:
    before = await cut_off(shared)
    async with unread(shared, *[query(shared, SLOTS, upload["id"])] * 4):
        await eventually(lambda: is_cut_off_after(shared, before))


async def test_the_last_bytes_before_a_close_are_not_kept_for_a_client_that_does_not_read(
    shared: SharedServer, upload: Json
) -> None:
    before = await cut_off(shared)
    async with unread(shared, query(shared, SLOTS, upload["id"], Connection="close")):
        await eventually(lambda: is_cut_off_after(shared, before))


async def test_an_event_stream_that_is_not_read_is_ended(shared: SharedServer, upload: Json) -> None:
    before = await cut_off(shared)
    async with unread(shared, query(shared, WATCH, upload["id"], Accept="text/event-stream")):
        for slot in upload["slots"]["nodes"][:20]:
            await shared.api.put(slot, bytes(64 * MIB))
            if await is_cut_off_after(shared, before):
                break
            await asyncio.sleep(0.3)
        await eventually(lambda: is_cut_off_after(shared, before))


async def test_a_websocket_that_is_not_read_is_ended(shared: SharedServer, upload: Json) -> None:
    before = await cut_off(shared)
    key = {"Sec_WebSocket_Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Sec_WebSocket_Version": "13"}
    protocol = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Protocol": PROTOCOL, **key}
    async with unread(shared, head("GET", f"{shared.url}/graphql", **protocol)) as sock:
        assert b" 101 " in await asyncio.get_running_loop().sock_recv(sock, 1024)
        payload = {"authorization": shared.api.http.headers["Authorization"]}
        subscribe = {"query": SLOTS, "variables": {"id": upload["id"]}}
        messages = [{"type": "connection_init", "payload": payload}]
        messages += [{"type": "subscribe", "id": str(number), "payload": subscribe} for number in range(4)]
        for message in messages:
            await asyncio.get_running_loop().sock_sendall(sock, text_frame(json.dumps(message).encode()))
        await eventually(lambda: is_cut_off_after(shared, before))


def text_frame(payload: bytes) -> bytes:
    """A text message of a client, under a mask that changes nothing."""
    return b"\x81\xfe" + len(payload).to_bytes(2, "big") + bytes(4) + payload
