"""A real server in the test's own event loop: real sockets, real HTTP, and a database and a Valkey of its own."""

import asyncio
import hashlib
import re
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
import uvicorn
from httpx_sse import EventSource
from starlette.types import ASGIApp

from cloudkeep.http.app import create_app
from cloudkeep.server.body_offload import OffloadingProtocol
from cloudkeep.server.bounded_websocket import BoundedWebSocket
from cloudkeep.settings.settings import Settings
from services.core.ids import prefix_of, require_key
from tests.support.backends.smtp_sink import SmtpSink

PASSWORD = "correct horse battery"

REGISTER = """mutation ($input: RegisterInput!) {
  register(input: $input) { registration { id email expiresAt } userErrors { field code message } } }"""
VERIFY = """mutation ($input: VerifyOtpInput!) {
  verifyOtp(input: $input) { session { accessToken refreshToken expiresAt account { id userId userName email } }
    userErrors { field code message } } }"""
INIT = """mutation ($input: InitUploadInput!) {
  initUpload(input: $input) {
    upload { id fileName size status chunkSize chunkCount receivedChunks receivedBytes expiresAt
             slots(first: 1000) { nodes { index offset size received url } } }
    userErrors { field code message } } }"""
UPLOAD = """query ($id: ID!) { upload(id: $id) {
    id status receivedChunks receivedBytes error { code message }
    slots(first: 1000, missing: true) { nodes { index offset size received url } }
    file { id name size mimeType sha256 downloadUrl version { id } media { duration width height videoCodec audioCodec }
           renditions { recipe mimeType size sha256 downloadUrl } } } }"""
PROGRESS = """subscription ($id: ID!, $after: String) { uploadProgress(uploadId: $id, after: $after) {
    cursor stage percent bytesDone bytesTotal etaSeconds speed upload { id status } } }"""

Json = dict[str, Any]


def listening_socket() -> socket.socket:
    """A socket on a free port of the loopback interface."""
    return socket.create_server(("127.0.0.1", 0))


def http_client(url: str = "", timeout: float = 30) -> httpx.AsyncClient:
    """A client for a server without TLS: to read every certificate authority would take longer than most tests."""
    return httpx.AsyncClient(base_url=url, timeout=timeout, verify=False)


class QuickServer(uvicorn.Server):
    """uvicorn's server, which polls ten times a second for a stop; this one gets an event."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Stop as on a signal."""
        self.should_exit = True
        self._stopping.set()

    async def main_loop(self) -> None:
        """Return when the server is to stop."""
        await self.on_tick(0)
        await self._stopping.wait()


@asynccontextmanager
async def serve(
    settings: Settings, listener: socket.socket, protocol: type[asyncio.Protocol] = OffloadingProtocol
) -> AsyncIterator[str]:
    """Serve the app on the listener, as ``cloudkeep serve`` does or by another HTTP protocol; yields its base URL.

    Its page is the folder ``page`` in the data folder, where a test may put one.
    """
    app = create_app(settings, folder=settings.data_dir / "page")
    async with serve_app(app, listener, protocol):
        yield settings.public_url


@asynccontextmanager
async def serve_app(
    app: ASGIApp, listener: socket.socket, protocol: type[asyncio.Protocol] = OffloadingProtocol
) -> AsyncIterator[None]:
    """Serve any app on the listener."""
    config = uvicorn.Config(
        app,
        http=protocol,
        ws=BoundedWebSocket,
        log_level="warning",
        lifespan="on",
        timeout_graceful_shutdown=1,
        proxy_headers=False,
    )
    server = QuickServer(config)
    # Without uvicorn's own signal handlers: Ctrl-C is the test runner's.
    task = asyncio.create_task(server._serve([listener]))
    try:
        while not server.started:
            await asyncio.sleep(0.01)
            if task.done():
                task.result()
        yield
    finally:
        server.stop()
        await task


class Api:
    """GraphQL and the other endpoints, as one user."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def call(self, document: str, **variables: object) -> Json:
        """The whole response to an operation."""
        response = await self.http.post("/graphql", json={"query": document, "variables": variables})
        answer: Json = response.json()
        return answer

    async def data(self, document: str, **variables: object) -> Any:
        """The value of an operation's only field; top-level errors fail the test."""
        answer = await self.call(document, **variables)
        assert "errors" not in answer, answer
        (value,) = answer["data"].values()
        return value

    async def join(self, person: Json, otp: Callable[[], str]) -> Json:
        """Register with this input, complete the registration by the code, and return the session."""
        registration = (await self.data(REGISTER, input=person))["registration"]
        session: Json = (await self.data(VERIFY, input={"registrationId": registration["id"], "otp": otp()}))["session"]
        return session

    async def init(self, content: bytes, **more: object) -> Json:
        """Begin an upload of this content."""
        given = {"fileName": "file.bin", "size": len(content), **more}
        payload = await self.data(INIT, input=given)
        assert payload["userErrors"] == []
        upload: Json = payload["upload"]
        return upload

    async def put(self, slot: Json, content: bytes, **headers: str) -> httpx.Response:
        """Send the slot's part of the content as raw bytes."""
        return await self.http.put(slot["url"], content=part_of(slot, content), headers=headers)

    async def post(self, slot: Json, content: bytes, **fields: str) -> httpx.Response:
        """Send the slot's part of the content as multipart/form-data."""
        return await self.http.post(slot["url"], files={"chunk": ("blob", part_of(slot, content))}, data=fields)

    async def upload(self, content: bytes, **more: object) -> Json:
        """Send a whole file and return the upload as it was at the beginning."""
        upload = await self.init(content, **more)
        for slot in upload["slots"]["nodes"]:
            assert (await self.put(slot, content)).status_code == 200
        return upload

    async def look(self, upload_id: str) -> Any:
        """The current upload."""
        return await self.data(UPLOAD, id=upload_id)

    async def frames(self, upload_id: str, after: str | None = None) -> list[Json]:
        """Every frame of the upload's progress until it ends, over Server-Sent Events."""
        body = {"query": PROGRESS, "variables": {"id": upload_id, "after": after}}
        found: list[Json] = []
        async with (
            asyncio.timeout(120),
            self.http.stream("POST", "/graphql", json=body, headers={"Accept": "text/event-stream"}) as response,
        ):
            async for event in sse_events(response):
                assert "errors" not in event, event
                found.append(event["data"]["uploadProgress"])
        return found


async def sse_events(response: httpx.Response) -> AsyncIterator[Json]:
    """The data of every ``next`` event."""
    async for event in EventSource(response).aiter_sse():
        if event.event == "next":
            yield event.json()


def part_of(slot: Json, content: bytes) -> bytes:
    """The bytes that belong into a slot."""
    return content[slot["offset"] : slot["offset"] + slot["size"]]


def key_of(public_id: str) -> UUID:
    """The key of the row behind an ID of the API."""
    prefix = prefix_of(public_id)
    assert prefix
    return require_key(prefix, public_id)


def digest(content: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()


def otp_of(sink: SmtpSink) -> str:
    """The code in the newest mail."""
    found = re.search(r"^ +(\d{6})\s*$", sink.mails[-1].text, re.MULTILINE)
    assert found
    return found[1]


async def sign_up(http: httpx.AsyncClient, sink: SmtpSink) -> Api:
    """Register a new user and sign in."""
    api, name = Api(http), f"user-{secrets.token_hex(4)}"
    email = f"{name}@example.org"
    person = {"userId": name, "userName": "A Person", "email": email, "password": PASSWORD}
    session = await api.join(person, lambda: otp_of(sink))
    http.headers["Authorization"] = f"Bearer {session['accessToken']}"
    return api
