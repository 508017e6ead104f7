"""A client that the server limits."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from cloudkeep.client.api.graphql import GraphQL, Json
from cloudkeep.client.api.http import raise_if_retryable
from cloudkeep.client.api.retry import Attempts, retry
from cloudkeep.client.api.session import Session
from cloudkeep.client.api.sign_in import sign_in
from cloudkeep.client.api.throttle import Throttle
from cloudkeep.client.errors import RateLimited, RequestRefused, RetryableError, TransferFailed
from cloudkeep.client.uploads.file_upload import FileUpload, UploadContext
from cloudkeep.client.uploads.source import Source
from cloudkeep.client.uploads.uploads import Uploads, init_input
from cloudkeep.settings.settings import Settings
from services.budgets.limits import Limit
from tests.cloudkeep.client.conftest import CHUNK, QUICK, Watcher, digests_of, init_upload
from tests.support.server import Api

SLOWED = "the server limits how much you may send; waiting as long as it asks"


class Server:
    """Refuses a number of requests that run in parallel, and records the largest number of parallel requests."""

    def __init__(self, refusals: int) -> None:
        self._refusals = refusals
        self.together: list[int] = []
        self._there = 0

    async def __call__(self) -> None:
        self._there += 1
        self.together.append(self._there)
        await asyncio.sleep(0)
        self._there -= 1
        if self._refusals:
            self._refusals -= 1
            raise RateLimited("slowly", 0.0)


async def test_requests_run_side_by_side_until_one_is_refused() -> None:
    server, throttle = Server(0), Throttle(QUICK, lambda _: None)
    await asyncio.gather(*(throttle.run(server) for _ in range(5)))
    assert server.together == [1, 2, 3, 4, 5]


async def test_refused_requests_are_sent_again_one_after_the_other() -> None:
    notes: list[str] = []
    server, throttle = Server(8), Throttle(QUICK, notes.append)
    await asyncio.gather(*(throttle.run(server) for _ in range(5)))
    assert server.together == [1, 2, 3, 4, 5, *[1] * 8]
    assert notes == ["slowly; waiting as long as it asks"] * 8


async def test_another_error_is_raised_and_the_next_request_is_sent() -> None:
    async def refused() -> None:
        throttled.set()
        raise RateLimited("slowly", 0.0) if not tried else RetryableError("the line is dead")

    tried: list[bool] = []
    throttled = asyncio.Event()
    throttle = Throttle(QUICK, lambda _: tried.append(True))
    with pytest.raises(RetryableError, match="the line is dead"):
        await throttle.run(refused)
    async with asyncio.timeout(30):
        await throttle.run(Server(1))


async def test_a_wait_for_the_rate_limit_does_not_count_as_a_failure() -> None:
    async def work() -> str:
        calls.append(1)
        if len(calls) < 3 * QUICK.max_attempts:
            raise RateLimited("slowly", 0.0)
        return "done"

    calls: list[int] = []
    assert await retry(work, Attempts(QUICK, lambda _: None)) == "done"


@pytest.mark.parametrize(("retry_after", "least", "most"), [(7.0, 7.0, 7.7), (99999.0, 300.0, 330.0)])
def test_the_wait_is_what_the_server_says_and_a_little_longer(retry_after: float, least: float, most: float) -> None:
    delays = {QUICK.rate_limit_delay(retry_after) for _ in range(50)}
    assert least <= min(delays) < max(delays) <= most


def test_a_proxy_may_limit_the_rate_too() -> None:
    request = httpx.Request("PUT", "http://drive.example.org/x")
    with pytest.raises(RateLimited) as refused:
        raise_if_retryable(httpx.Response(429, headers={"Retry-After": "7"}, request=request))
    assert refused.value.retry_after == 7


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings with a budget of one chunk at a time and few chunks per second."""
    return settings.model_copy(update={"budget_ingest": Limit(CHUNK, 32 * CHUNK)})


async def test_a_file_above_the_budget_is_uploaded_slowly(
    context: UploadContext, api: Api, file: Path, watcher: Watcher
) -> None:
    upload = await init_upload(api, file)
    with Source(file) as source:
        await FileUpload(context, source, watcher).send()
    assert (await api.look(upload["id"]))["status"] == "REASSEMBLING"
    assert set(watcher.notes) == {SLOWED}


async def test_a_chunk_above_the_whole_budget_is_not_retried(
    context: UploadContext, api: Api, file: Path, watcher: Watcher
) -> None:
    with (
        Source(file) as source,
        pytest.raises(TransferFailed, match=r"^This takes \d+ bytes, and the budget never holds more than 65536$"),
    ):
        await FileUpload(context, source, watcher).send()


class TestOperations:
    """With a server whose budget allows one page of slots at a time."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"budget_account": Limit(150, 1000.0)})

    async def test_operations_above_the_budget_wait_and_succeed(
        self, context: UploadContext, file: Path, watcher: Watcher
    ) -> None:
        uploads = Uploads(context.session, QUICK, watcher.note)
        content = file.read_bytes()
        upload = await uploads.init(init_input(file.name, len(content), digests_of(content, CHUNK), None))
        pages = await asyncio.gather(*(uploads.missing_slots(upload.id, None) for _ in range(6)))
        assert [len(page.slots) for page in pages] == [8] * 6
        assert set(watcher.notes) == {SLOWED}


def limited(after: float | None, code: str = "RATE_LIMITED") -> Json:
    return {"errors": [{"message": "Too much.", "extensions": {"code": code, "retryAfter": after}}]}


ANSWER: Json = {"data": {"me": {"id": "1"}}}


@asynccontextmanager
async def answering(*answers: tuple[int, Json | str]) -> AsyncIterator[str]:
    """The URL of an HTTP server that gives these answers, status and body, one for each connection."""
    left = list(answers)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.decode().lower().split("\r\n") if line.startswith("content-length"))
        await reader.readexactly(int(length.partition(":")[2]))
        status, body = left.pop(0)
        content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        writer.write(f"HTTP/1.1 {status} X\r\nRetry-After: 1\r\nContent-Length: {len(content)}\r\n".encode())
        writer.write(b"Connection: close\r\n\r\n" + content)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def response_to(answers: Sequence[tuple[int, Json | str]]) -> object:
    async with answering(*answers) as url, httpx.AsyncClient() as http:
        return await GraphQL(http, url).execute("{ me { id } }", {}, None)


@pytest.mark.parametrize("status", [429, 200])
@pytest.mark.parametrize("code", ["RATE_LIMITED", "TOO_MANY_SUBSCRIPTIONS"])
async def test_the_wait_of_an_operation_is_as_precise_as_the_server_says(status: int, code: str) -> None:
    with pytest.raises(RateLimited) as refused:
        await response_to([(status, limited(0.25, code))])
    assert refused.value.retry_after == 0.25


async def test_an_operation_above_the_whole_budget_is_not_retried() -> None:
    with pytest.raises(RequestRefused, match=r"^Too much$"):
        await response_to([(429, limited(None))])


@pytest.mark.parametrize("body", ["<html>", "[]", {"errors": []}])
async def test_the_wait_of_a_proxys_refusal_is_in_its_header(body: Json | str) -> None:
    with pytest.raises(RateLimited) as refused:
        await response_to([(429, body)])
    assert refused.value.retry_after == 1


async def test_signing_in_waits_too_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    tokens = {"accessToken": "a", "refreshToken": "b", "expiresAt": "2026-11-30T12:00:00+00:00"}
    session = {**tokens, "account": {"id": "account_1", "userId": "ada"}, "session": {"id": "session_1"}}
    payload = {"login": {"session": session, "userErrors": []}}
    answers = [(429, limited(0.0)), (200, ANSWER), (429, limited(0.0)), (200, {"data": payload})]
    async with answering(*answers) as url, httpx.AsyncClient() as http:
        graphql = GraphQL(http, url)
        await Session(graphql).check()
        await sign_in(graphql, "ada", "correct horse")
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["cloudkeep: the server limits how much you may send; waiting 1 s, as it asks"] * 2
